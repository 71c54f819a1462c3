/** Actors whose state leaves memory when they are idle, in a real grid on a real store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createGrid, type Grid, type GridOptions, type GridStats } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { restoreBackup, sqlite } from '@spacegrid/persistence';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Box, Desk } from '../fixtures/archive-actors.ts';
import { rejection, until } from '../../../../test/fixtures/until.ts';

const root = mkdtempSync(join(tmpdir(), 'spacegrid-unloading-'));
let stores = 0;

afterAll(() => rmSync(root, { recursive: true, force: true }));

function newStore(): string {
  return join(root, `store${stores++}`);
}

async function open(
  directory: string,
  options: Partial<GridOptions> = {},
  atEnd: (close: () => Promise<void>) => void = onTestFinished,
): Promise<Grid> {
  const grid = await createGrid({
    actors: new URL('../fixtures/archive-actors.ts', import.meta.url),
    workers: 1,
    partitions: 2,
    persistence: sqlite({ directory }),
    ...options,
  });
  atEnd(() => grid.close());
  return grid;
}

async function total(grid: Grid, counter: keyof GridStats['workers'][number]['counters']): Promise<number> {
  return (await grid.stats()).workers.reduce((sum, { counters }) => sum + counters[counter], 0);
}

/** Without a look at the actors: a peek is a use. */
const untilUnloaded = (grid: Grid, actors: number): Promise<number> =>
  until(
    `${actors} actors are unloaded`,
    () => total(grid, 'actorsUnloaded'),
    (count) => count === actors,
    15_000,
  );

function peekCode(grid: Grid, key: string): string {
  try {
    grid.actor(Box, key).peek.count();
    return 'none';
  } catch (error) {
    return isGridError(error) ? error.code : String(error);
  }
}

/** Each test has boxes of its own, of which one go unloads all. */
const PREPARED = [
  'plain',
  'peeked',
  'ordered',
  'watched',
  'idle',
  'told',
  'asked',
  'once',
  'erased',
  'kept',
  'reminded',
];

describe('an actor that is unloaded', () => {
  const directory = newStore();
  const backup = newStore();
  let grid: Grid;
  let before: unknown;
  let first: number;

  beforeAll(async () => {
    grid = await open(directory, {}, () => undefined);
    const plain = grid.actor(Box, 'plain');
    await plain.add('a', 3);
    await plain.add('b', 5);
    await plain.remove('b');
    before = await plain.all();
    first = await grid.actor(Box, 'once').with({ once: 'order 7' }).tick();
    await grid.actor(Box, 'reminded').remindToTick(2000);
    await grid.actor(Desk, 'a desk').tick();
    const others = PREPARED.filter((key) => !['plain', 'once', 'reminded'].includes(key));
    await Promise.all(others.map((key) => grid.actor(Box, key).add('a', 1)));
    await untilUnloaded(grid, PREPARED.length);
    await grid.backup(backup);
  });

  afterAll(() => grid.close());

  it('comes back with all it had when it is called, and can be written and peeked again', async () => {
    const plain = grid.actor(Box, 'plain');
    expect(await plain.all()).toEqual(before);
    expect(await plain.add('c', 9)).toBe(3);
    expect(plain.peek.count()).toBe(3);
    // Of a type that keeps its state.
    expect(grid.actor(Desk, 'a desk').peek.count()).toBe(1);
  });

  it('can’t be peeked, which says whose state it is, and answers peekOrAsk', async () => {
    const error = await rejection((async () => grid.actor(Box, 'peeked').peek.count())());
    expect(isGridError(error, 'PEEK_UNAVAILABLE') && error.details).toEqual({ actor: 'box', key: 'peeked' });
    expect(error.message).toContain('box "peeked"');
    expect(grid.actor(Box, 'never written').peek.count()).toBe(0);
    expect(await grid.actor(Box, 'peeked').peekOrAsk.count()).toBe(1);
  });

  it('runs what was called while it was being loaded, each once and in order', async () => {
    const box = grid.actor(Box, 'ordered');
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, at) => (at % 3 === 2 ? box.count() : box.tick())),
    );
    expect(answers).toEqual(Array.from({ length: 300 }, (_, at) => 1 + at - Math.floor(at / 3)));
  });

  it('is loaded by a watch, and stays while it is watched', async () => {
    const box = grid.actor(Box, 'watched');
    const seen: unknown[] = [];
    for await (const { value } of box.watch.count()) {
      seen.push(value);
      if (value === 2) break;
      const unloads = await total(grid, 'unloads');
      await grid.actor(Box, 'idle').tick();
      // The other one leaves again meanwhile.
      await until(
        'another actor is unloaded',
        () => total(grid, 'unloads'),
        (count) => count > unloads,
        15_000,
      );
      expect(box.peek.count()).toBe(1);
      await box.tick();
    }
    expect(seen).toEqual([1, 2]);
  });

  it('is loaded by its reminders, and by messages and calls of other actors', async () => {
    await grid.actor(Box, 'caller').tickElsewhere('told');
    expect(await grid.actor(Box, 'caller').askElsewhere('asked')).toBe(1);
    const told = grid.actor(Box, 'told');
    await until(
      'the message has come',
      () => told.count(),
      (count) => count === 2,
    );
    await until(
      'the reminder has fired',
      () => total(grid, 'remindersFired'),
      (count) => count === 1,
      15_000,
    );
    expect(await grid.actor(Box, 'reminded').count()).toBe(101);
  });

  it('remembers idempotency keys', async () => {
    const box = grid.actor(Box, 'once');
    expect(await box.with({ once: 'order 7' }).tick()).toBe(first);
    expect(await box.count()).toBe(1);
  });

  it('can be forgotten', async () => {
    await grid.actor(Box, 'erased').erase();
    expect(grid.actor(Box, 'erased').peek.count()).toBe(0);
  });

  it('is in a backup, and back in what is restored from it', async () => {
    const restored = newStore();
    restoreBackup({ from: backup, to: restored });
    const again = await open(restored);
    expect(await again.actor(Box, 'plain').all()).toEqual(before);
  });

  it('needs a grid with persistence, and the error says of which actor and option', async () => {
    const error = await rejection(createGrid({ actors: new URL('../fixtures/archive-actors.ts', import.meta.url) }));
    expect(isGridError(error, 'INVALID_OPTION')).toBe(true);
    expect(error.message).toMatch(/persistence.*actor box has whenIdle: 'unload'/);
  });
});

describe('a start', () => {
  it('loads no actor that unloads, and finds each as the journal’s tail leaves it', async () => {
    const directory = newStore();
    const first = await open(directory);
    await Promise.all(['a', 'b', 'c'].map((key) => first.actor(Box, key).add('a', 1)));
    await untilUnloaded(first, 3);
    // Closed at once: what follows is in the journal, and not in the rows yet.
    await Promise.all([first.actor(Box, 'a').add('b', 2), first.actor(Box, 'b').erase(), first.actor(Box, 'd').tick()]);
    await first.actor(Box, 'c').erase();
    await first.actor(Box, 'c').tick();
    await first.close();
    const grid = await open(directory);
    await untilUnloaded(grid, 3);
    expect(await total(grid, 'actorsLoaded')).toBe(0);
    expect(grid.actor(Box, 'b').peek.count()).toBe(0);
    const found = await Promise.all(['a', 'b', 'c', 'd'].map((key) => grid.actor(Box, key).all()));
    expect(found.map(({ count, members }) => [count, members])).toEqual([
      [2, 2],
      [0, 0],
      [1, 0],
      [1, 0],
    ]);
  });

  it('refuses nothing for a damaged row of one actor: calls to it say so, and its neighbours are whole', async () => {
    const directory = newStore();
    const first = await open(directory, { partitions: 1 });
    await Promise.all(['hale', 'hurt', 'well'].map((key) => first.actor(Box, key).fill(20, 10)));
    await untilUnloaded(first, 3);
    await first.close();
    const rows = new DatabaseSync(join(directory, 'rows.db'));
    rows
      .prepare('UPDATE rows SET value = zeroblob(length(value)) WHERE instr(hex(key), ?) > 0')
      .run(Buffer.from('hurt\u0001\u0005items').toString('hex').toUpperCase());
    rows.close();
    const grid = await open(directory, { partitions: 1 });
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await rejection(grid.actor(Box, 'hurt').tick());
      expect(isGridError(error, 'ACTIVATION_FAILED') && error.details).toMatchObject({ actor: 'box', key: 'hurt' });
      expect(isGridError(error.cause, 'STORE_CORRUPT')).toBe(true);
    }
    expect(peekCode(grid, 'hurt')).toBe('PEEK_UNAVAILABLE');
    const counts = await Promise.all(['hale', 'well'].map((key) => grid.actor(Box, key).tick()));
    expect(counts).toEqual([20, 20]);
    expect(await total(grid, 'loadFailures')).toBe(2);
  });
});

describe('memory', () => {
  it('holds more than fits, as the actors that were not used for longest leave it', { timeout: 30_000 }, async () => {
    const MB = 1024 ** 2;
    const BOXES = 60;
    const MEMBERS = 200;
    const grid = await open(newStore(), { partitions: 1, partitionBytes: 4 * MB });
    const boxes = Array.from({ length: BOXES }, (_, at) => grid.actor(Box, `box-${at}`));
    // Some 150 kB each: twice what fits.
    for (const box of boxes) for (let from = 0; from < MEMBERS; from += 25) await box.fill(25, 500, from);
    for (const [at, box] of boxes.entries()) {
      if (at % 4 === 0) expect(await box.all()).toMatchObject({ count: MEMBERS, size: MEMBERS, members: MEMBERS });
    }
    const used = async (): Promise<number> => (await grid.stats()).partitions[0]?.usedBytes ?? 0;
    expect(await used()).toBeLessThan(4 * MB);
    await untilUnloaded(grid, BOXES);
    await until('memory was given back', used, (bytes) => bytes < MB, 10_000);
  });

  it('takes in a large actor in slices, while others are answered', { timeout: 30_000 }, async () => {
    const grid = await open(newStore(), { partitions: 1 });
    const box = grid.actor(Box, 'large');
    for (let from = 0; from < 20_000; from += 5000) await box.fill(5000, 8, from);
    const before = await box.all();
    await untilUnloaded(grid, 1);
    let answered = 0;
    let isLoaded = false;
    const loading = box.all().finally(() => {
      isLoaded = true;
    });
    while (!isLoaded) {
      await grid.actor(Desk, 'a desk').tick();
      answered++;
    }
    expect(await loading).toEqual(before);
    expect(answered).toBeGreaterThan(20);
  });
});
