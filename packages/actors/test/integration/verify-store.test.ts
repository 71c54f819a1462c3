/** Single bytes of a running grid's files damaged: found, named, mended from memory. And which side is believed where it is unclear. */
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGrid, type Grid, type VerifyDifference } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actorPrefix, fieldTag } from '../../src/state/row-keys.ts';
import { ShelfInMemory } from '../fixtures/damage.ts';
import { Box } from '../fixtures/archive-actors.ts';
import { Shelf } from '../fixtures/shelf-actors.ts';
import { until } from '../../../../test/fixtures/until.ts';

const base = mkdtempSync(join(tmpdir(), 'spacegrid-'));
const directory = join(base, 'store');
const options = { actors: new URL('../fixtures/shelf-actors.ts', import.meta.url), workers: 1, partitions: 2 };
const MEMBERS = 6000;
let grid: Grid;

async function start(): Promise<void> {
  grid = await createGrid({ ...options, persistence: sqlite({ directory }) });
}

const folded = async (): Promise<unknown> => {
  await grid.flush();
  return until(
    'everything folded',
    async () => (await grid.stats()).durability?.foldLagBytes,
    (bytes) => bytes === 0,
    20_000,
  );
};

beforeAll(async () => {
  await start();
  for (let from = 0; from < MEMBERS; from += 500) await grid.actor(Shelf, 'big').fill(from, from + 500);
  for (let shelf = 0; shelf < 20; shelf++) await grid.actor(Shelf, `small ${shelf}`).fill(shelf, shelf + 12);
  await folded();
});

afterAll(async () => {
  await grid.close();
  rmSync(base, { recursive: true, force: true });
});

/** Changes a byte at `offset` behind each place where a file of the store has these bytes. How many that were. */
function flipBehind(file: string, bytes: Uint8Array, offset: number): number {
  let places = 0;
  for (const name of [file, `${file}-wal`]) {
    const path = join(directory, name);
    if (!existsSync(path)) continue;
    const content = readFileSync(path);
    const handle = openSync(path, 'r+');
    for (let at = content.indexOf(bytes); at >= 0; at = content.indexOf(bytes, at + 1)) {
      const byte = at + bytes.length + offset;
      writeSync(handle, Uint8Array.of((content[byte] as number) ^ 0x04), 0, 1, byte);
      places++;
    }
    closeSync(handle);
  }
  return places;
}

function rowKey(key: string, structure: string, entry: string): Uint8Array {
  return Buffer.concat([actorPrefix('shelf', Buffer.from(key)), fieldTag(structure), Buffer.from(entry)]);
}

const named = ({ key, structure, entry, memory, store }: VerifyDifference): unknown[] => [
  key,
  structure,
  entry,
  memory,
  store,
];

describe('a byte of the store that changed', { timeout: 60_000 }, () => {
  it('in the value of a row is found and mended from memory', async () => {
    expect(flipBehind('rows.db', rowKey('big', 'scores', 'member 5001'), 3)).toBeGreaterThan(0);
    const found = await grid.verify();
    expect(found.differences.map(named)).toEqual([['big', 'scores', 'member 5001', 'whole', 'damaged']]);
    expect((await grid.health()).reasons).toEqual(['the last verify left 1 of 1 differences between memory and store']);
    const mended = await grid.verify({ repair: true });
    expect(mended.differences.map(({ outcome }) => outcome)).toEqual(['repaired-store']);
    await folded();
    expect((await grid.verify()).differences).toEqual([]);
  });

  it('in the key of a row is found and mended from memory', async () => {
    expect(flipBehind('rows.db', rowKey('big', 'notes', 'note 5000'), -1)).toBeGreaterThan(0);
    const found = await grid.verify();
    expect(found.differences.map(named)).toEqual([
      ['big', 'notes', 'note 5004', 'absent', 'damaged'],
      ['big', 'notes', 'note 5000', 'whole', 'damaged'],
    ]);
    expect((await grid.verify({ repair: true })).repaired).toBe(2);
    await folded();
    expect((await grid.verify()).differences).toEqual([]);
  });

  it('in a batch that is not folded yet is found, and what it held is written again', async () => {
    await grid.actor(Shelf, 'small 3').fill(7000, 7500);
    await grid.flush();
    // Large enough for pages of its own, which later batches don't write again. No fold begins while more is journalled every few milliseconds.
    let isLooking = true;
    const writing = (async () => {
      for (; isLooking; await sleep(10)) await grid.actor(Shelf, 'small 4').work(1);
    })();
    expect(flipBehind('journal.db', Buffer.from('text of 7250'), -1)).toBeGreaterThan(0);
    const found = await grid.verify();
    isLooking = false;
    await writing;
    const rows = found.differences.filter(({ rowKey: row }) => row !== '');
    expect(rows.length).toBeGreaterThan(12);
    expect(new Set(rows.map(({ memory, store }) => `${memory} ${store}`))).toEqual(new Set(['whole damaged']));
    expect(found.differences.at(-1)).toMatchObject({ rowKey: '', store: 'damaged' });
    expect(found.differences.at(-1)?.reason).toMatch(/batch \d+ of .*fails its checksum/);
    const mended = await grid.verify({ repair: true });
    expect(mended.repaired).toBe(mended.found);
    await folded();
    expect((await grid.verify()).differences).toEqual([]);
  });
});

describe('two sides that are whole and differ', { timeout: 60_000 }, () => {
  /** As if a turn had changed memory and nothing else: its check is right. */
  function differ(): void {
    new ShelfInMemory(grid, 'small 5').flipSealed('notes', 'note 10', 5);
  }

  it('are left alone unless one is to be trusted', async () => {
    differ();
    const found = await grid.verify({ repair: true });
    expect(found.differences.map(({ entry, unclear, outcome }) => [entry, unclear, outcome])).toEqual([
      ['note 10', true, 'nothing'],
    ]);
    const asStored = await grid.verify({ repair: true, trust: 'store' });
    expect(asStored.differences.map(({ outcome }) => outcome)).toEqual(['repaired-memory']);
    expect((await grid.verify()).differences).toEqual([]);
    differ();
    const asOwned = await grid.verify({ repair: true, trust: 'owner' });
    expect(asOwned.differences.map(({ outcome }) => outcome)).toEqual(['repaired-store']);
    expect((await grid.verify()).differences).toEqual([]);
  });

  it('leave a store that a start loads', async () => {
    const before = await grid.actor(Shelf, 'big').top(50);
    await grid.close();
    await start();
    expect(await grid.actor(Shelf, 'big').top(50)).toEqual(before);
    expect(await grid.actor(Shelf, 'small 3').stars('note 7250')).toBe(7250);
    expect((await grid.verify()).differences).toEqual([]);
  });
});

it('actors that are in the store alone differ from nothing', { timeout: 60_000 }, async () => {
  const archive = await createGrid({
    actors: new URL('../fixtures/archive-actors.ts', import.meta.url),
    workers: 1,
    partitions: 2,
    persistence: sqlite({ directory: join(base, 'archive') }),
  });
  for (let box = 0; box < 30; box++) await archive.actor(Box, `box ${box}`).fill(20, 10);
  await until(
    'most are unloaded',
    async () => (await archive.stats()).workers[0]?.counters.actorsUnloaded ?? 0,
    (count) => count > 20,
    20_000,
  );
  expect((await archive.verify()).differences).toEqual([]);
  await archive.close();
});
