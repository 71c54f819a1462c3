/** Memory and store compared while a grid serves: single bytes damaged on either side, found, named, and mended. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGrid, type Grid, type VerifyDifference } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ShelfInMemory } from '../fixtures/damage.ts';
import { Shelf } from '../fixtures/shelf-actors.ts';
import { rejection } from '../../../../test/fixtures/until.ts';

const base = mkdtempSync(join(tmpdir(), 'spacegrid-'));
const options = { actors: new URL('../fixtures/shelf-actors.ts', import.meta.url), workers: 2, partitions: 4 };
const MEMBERS = 20_000;
let grid: Grid;

async function fill(key: string, members: number): Promise<void> {
  for (let from = 0; from < members; from += 500)
    await grid.actor(Shelf, key).fill(from, Math.min(members, from + 500));
}

beforeAll(async () => {
  grid = await createGrid({ ...options, persistence: sqlite({ directory: join(base, 'store') }) });
  await fill('big', MEMBERS);
  for (let shelf = 0; shelf < 200; shelf++) await grid.actor(Shelf, `small ${shelf}`).fill(shelf, shelf + 12);
  await grid.flush();
});

afterAll(async () => {
  await grid.close();
  rmSync(base, { recursive: true, force: true });
});

/** Commands in flight while `work` runs. */
async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  let working = true;
  const clients = Array.from({ length: 3 }, async (_, client) => {
    for (let number = client; working; number += 3) {
      const key = number % 3 === 0 ? 'big' : `small ${number % 100}`;
      await grid
        .actor(Shelf, key)
        .work(number % 1000)
        .catch(() => undefined);
      // Other processes want to run as well.
      if (number % 4 === 0) await sleep(1);
      if (number % 401 === 0) await grid.actor(Shelf, `brief ${number % 5}`).clear();
      else if (number % 97 === 0) await grid.actor(Shelf, `brief ${number % 5}`).fill(0, 20);
    }
  });
  try {
    return await work();
  } finally {
    working = false;
    await Promise.all(clients);
  }
}

/** What a difference says, without what no test looks at. */
function named({ actor, key, structure, entry, memory, store }: VerifyDifference): unknown[] {
  return [actor, key, structure, entry, memory, store];
}

describe('verify', () => {
  it('compares all that memory and store have, and finds nothing where nothing is wrong', async () => {
    const report = await grid.verify();
    expect(report.differences).toEqual([]);
    expect(report.entries).toBeGreaterThan(MEMBERS * 1.2);
    expect(report.partitions).toBe(4);
    expect(report.rows).toBe(report.entries);
  });

  it('finds nothing under load, run after run, while threads are killed', { timeout: 60_000 }, async () => {
    await underLoad(async () => {
      for (let run = 0; run < 3; run++) {
        const verified = grid.verify();
        if (run === 1) await grid.terminateWorker(0);
        if (run === 2) await grid.terminateDurability();
        expect((await verified).differences).toEqual([]);
      }
    });
  });

  it('finds nothing while turns are undone all the time, which takes its view of the memory away', {
    timeout: 60_000,
  }, async () => {
    let working = true;
    const clients = Array.from({ length: 100 }, async (_, client) => {
      while (working)
        await grid
          .actor(Shelf, client % 2 === 0 ? 'big' : `small ${client % 100}`)
          .work(17 * client)
          .catch(() => undefined);
    });
    expect((await grid.verify()).differences).toEqual([]);
    working = false;
    await Promise.all(clients);
  });
});

/** Expects `verify` to name what was damaged in memory, and to mend it from the store while commands run. */
async function foundAndMended(expected: readonly unknown[][]): Promise<void> {
  const sorted = (differences: readonly VerifyDifference[]): unknown[][] => differences.map(named).sort(byText);
  const found = await grid.verify();
  expect(sorted(found.differences)).toEqual(expected.toSorted(byText));
  expect(found.repaired).toBe(0);
  const mended = await underLoad(() => grid.verify({ repair: true }));
  expect(sorted(mended.differences)).toEqual(expected.toSorted(byText));
  expect(new Set(mended.differences.map(({ outcome }) => outcome))).toEqual(new Set(['repaired-memory']));
  expect((await grid.verify()).differences).toEqual([]);
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

function shelf(key: string): ShelfInMemory {
  return new ShelfInMemory(grid, key);
}

describe('a byte of memory that changed', { timeout: 60_000 }, () => {
  const damaged = (key: string, structure?: string, entry?: string): unknown[] => [
    'shelf',
    key,
    structure,
    entry,
    'damaged',
    'whole',
  ];

  it('is found and mended in records, keys, texts and packed values, wherever it is', async () => {
    const own = shelf('small 150');
    own.flip(own.word('count'), 3);
    const title = shelf('small 151');
    title.flip(title.heap.load(title.word('title')) + 1, 2);
    const tags = shelf('small 152');
    tags.flip(tags.heap.load(tags.word('tags')) + 2);
    const key = shelf('small 177');
    key.flip(key.record + key.layout.shape.keyAt, 1);
    const big = shelf('big');
    const members = ['member 15001', 'member 15002', 'member 15003'].map((name) => big.member(name));
    for (const [index, word] of [4, 3, 8].entries()) big.flip((members[index] as number) + word, 2);
    const entries = shelf('small 160');
    entries.flip(entries.entry('notes', 'note 160') + 4);
    entries.flip(entries.heap.load(entries.entry('notes', 'note 170') + 3) + 1);
    entries.flip(entries.entry('visits', 'visit 165') + 2);
    await foundAndMended([
      damaged('small 150'),
      damaged('small 151'),
      damaged('small 152'),
      damaged('small 177'),
      ...[1, 2, 3].map((number) => damaged('big', 'scores', `member 1500${number}`)),
      damaged('small 160', 'notes', 'note 160'),
      damaged('small 160', 'notes', 'note 170'),
      damaged('small 160', 'visits', 'visit 165'),
    ]);
    expect(await grid.actor(Shelf, 'small 151').title()).toBe('shelf 151');
    expect(await grid.actor(Shelf, 'small 152').tags()).toEqual(['red', 'green', 'of 152']);
    expect(await grid.actor(Shelf, 'small 177').score('member 177')).toBe((177 * 7919) % 10_007);
    expect(await grid.actor(Shelf, 'big').score('member 15003')).toBe((15_003 * 7919) % 10_007);
    expect(await grid.actor(Shelf, 'small 160').stars('note 160')).toBe(160);
    expect(await grid.actor(Shelf, 'small 160').visit('visit 165')).toBe(165);
  });

  it('is found and mended in references to structures', async () => {
    const map = shelf('small 156');
    map.flip(map.word('notes'), 2);
    const ranking = shelf('small 157');
    ranking.flip(ranking.word('scores'), 1);
    await foundAndMended([damaged('small 156'), damaged('small 157')]);
    expect(await grid.actor(Shelf, 'small 157').size()).toBe(12);
  });

  it('is found and mended in blocks of a ranking, together with the members that they lose', async () => {
    const big = shelf('big');
    big.flip(big.leafOf('member 16000') + 2 + 4 * 3, 6);
    big.flip(big.leafOf('member 16001'));
    big.flip(big.root + 2 + 4 + 3);
    const mended = await underLoad(() => grid.verify({ repair: true }));
    expect(new Set(mended.differences.map(({ key, structure, memory }) => `${key} ${structure} ${memory}`))).toEqual(
      new Set(['big scores damaged']),
    );
    expect(mended.differences.some(({ entry }) => entry === undefined)).toBe(true);
    expect(mended.repaired).toBe(mended.found);
    expect((await grid.verify()).differences).toEqual([]);
    expect(await grid.actor(Shelf, 'big').rank('member 16001')).toBeGreaterThan(0);
  });
});

describe('options of verify', () => {
  it('are refused when they are unknown or contradict each other', async () => {
    for (const given of [{ mend: true }, { repair: 1 }, { trust: 'backup', repair: true }, { trust: 'owner' }])
      expect(isGridError(await rejection(grid.verify(given as object)), 'INVALID_OPTION')).toBe(true);
  });

  it('let one run at a time, which a signal ends', async () => {
    const ended = new AbortController();
    const first = rejection(grid.verify({ signal: ended.signal }));
    expect(isGridError(await rejection(grid.verify()), 'VERIFY_RUNNING')).toBe(true);
    ended.abort();
    expect(isGridError(await first, 'ABORTED')).toBe(true);
    const { runs } = (await grid.stats()).verify;
    await grid.verify();
    expect((await grid.stats()).verify).toMatchObject({ runs: runs + 1, lastFound: 0 });
  });
});
