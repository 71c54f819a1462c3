/** Maps whose entries expire and are evicted, on real threads, with a store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGrid, type Grid } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, describe, expect, it } from 'vitest';
import { Cache, Idle, Sessions } from '../fixtures/sessions-actors.ts';
import { Visits as VisitsBefore } from '../fixtures/shapes/visits.ts';
import { Visits as VisitsAfter } from '../fixtures/shapes/visits-timed.ts';
import { rejection, until } from '../../../../test/fixtures/until.ts';

const root = mkdtempSync(join(tmpdir(), 'spacegrid-expiry-'));
const actors = new URL('../fixtures/sessions-actors.ts', import.meta.url);

afterAll(() => rmSync(root, { recursive: true, force: true }));

const open = (name: string, flushInterval: number | string = 10): Promise<Grid> =>
  createGrid({
    actors,
    workers: 1,
    partitions: 2,
    changeSet: '64kb',
    persistence: sqlite({ directory: join(root, name), flushInterval }),
  });

const SLOW_MS = 20_000;
/** As visits-timed.ts says. */
const VISIT_MS = 1500;

async function counted(grid: Grid, counter: 'evictionsLru' | 'expirations'): Promise<number> {
  return (await grid.stats()).workers.reduce((sum, { counters }) => sum + counters[counter], 0);
}

describe('entries with a time to live', () => {
  it('keep their time over a restart, and are gone from the start when it ended meanwhile', async () => {
    let grid = await open('restart');
    // So long that no more than some thirty of them fit one change set.
    const key = 'a'.repeat(1000);
    let sessions = grid.actor(Sessions, key);
    await Promise.all(
      Array.from({ length: 100 }, (_, number) =>
        sessions.open(`short ${number} ${'k'.repeat(900)}`, 'ada', { ttl: '800ms' }),
      ),
    );
    const endsAt = Date.now() + 800;
    await sessions.open('long', 'bob', { ttl: '1h' });
    await sessions.token('for ever');
    await grid.close();

    await until(
      'the time is over',
      () => Date.now(),
      (now) => now >= endsAt,
    );
    grid = await open('restart');
    sessions = grid.actor(Sessions, key);
    expect(sessions.peek.ids()).toEqual(['long']);
    expect(await sessions.ids()).toEqual(['long']);
    expect(await sessions.user(`short 1 ${'k'.repeat(900)}`)).toBeUndefined();
    expect(sessions.peek.tokens()).toEqual(['for ever']);
    await until(
      'what expired is removed',
      () => sessions.peek.size(),
      (size) => size === 1,
      SLOW_MS,
    );
    await grid.close();

    // And in the store: no row of it comes back.
    grid = await open('restart');
    expect(grid.actor(Sessions, key).peek.size()).toBe(1);
    await grid.close();
  }, 60_000);

  it('begin to end in a map that had none when they were stored', async () => {
    const directory = join(root, 'options');
    const openAs = (module: string): Promise<Grid> =>
      createGrid({
        actors: new URL(`../fixtures/shapes/${module}.ts`, import.meta.url),
        workers: 1,
        partitions: 1,
        persistence: sqlite({ directory }),
      });
    let grid = await openAs('visits');
    await grid.actor(VisitsBefore, 'a').note('x');
    await grid.close();

    const openedAt = Date.now();
    grid = await openAs('visits-timed');
    await grid.actor(VisitsAfter, 'a').note('y');
    const all = [...grid.actor(VisitsAfter, 'a').peek.all()].sort();
    // Its time begins when it is loaded; a machine that is busy with other things may take longer than that.
    if (Date.now() - openedAt < VISIT_MS) expect(all).toEqual(['x', 'y']);
    await until(
      'they end',
      () => grid.actor(VisitsAfter, 'a').peek.all(),
      (left) => left.length === 0,
      SLOW_MS,
    );
    await grid.actor(VisitsAfter, 'a').note('z');
    await grid.close();

    grid = await openAs('visits');
    expect(grid.actor(VisitsBefore, 'a').peek.all()).toContain('z');
    await grid.close();
  }, 60_000);

  it('are all removed, though the thread is ended again and again, and another map evicts', {
    timeout: 60_000,
  }, async () => {
    let grid = await open('deaths');
    const keys = Array.from({ length: 40 }, (_, index) => `actor ${index}`);
    const startedAt = Date.now();
    await Promise.all(
      keys.flatMap((key, actor) =>
        Array.from({ length: 50 }, (_, number) =>
          // Most end while threads are ended, in their hundreds a second.
          grid.actor(Sessions, key).open(`${number}`, 'ada', { ttl: 600 + ((actor * 50 + number) % 2500) }),
        ),
      ),
    );
    await Promise.all(keys.map((key) => grid.actor(Sessions, key).open('stays', 'bob')));
    const cache = grid.actor(Cache, 'full');
    let writing = true;
    const written = (async () => {
      for (let from = 0; writing; from += 30) {
        try {
          await cache.put('recent', from, 30);
        } catch (error) {
          // As fast as it goes: what is there may not be durable yet.
          if (!isGridError(error, 'CAPACITY')) throw error;
        }
      }
    })();
    let deaths = 0;
    for (; deaths < 4 || Date.now() < startedAt + 3200; deaths++) {
      const { recoveredAfterMs } = await grid.terminateWorker(0);
      expect(recoveredAfterMs).toBeGreaterThanOrEqual(0);
      for (const key of keys) expect(grid.actor(Sessions, key).peek.user('stays')).toBe('bob');
    }
    writing = false;
    await written;
    const kept = cache.peek.keys('recent');
    expect(kept).toHaveLength(100);
    expect(cache.peek.size('recent')).toBe(100);
    for (const key of kept) expect(cache.peek.read('recent', key)).toBe(Number(key));
    expect(await counted(grid, 'evictionsLru')).toBeGreaterThan(0);
    await until(
      'all is removed',
      () => keys.reduce((sum, key) => sum + grid.actor(Sessions, key).peek.size(), 0),
      (left) => left === keys.length,
      SLOW_MS,
    );
    expect(await counted(grid, 'expirations')).toBeLessThanOrEqual(2000);
    await grid.close();
    grid = await open('deaths');
    for (const key of keys) expect(await grid.actor(Sessions, key).ids()).toEqual(['stays']);
    expect(new Set(grid.actor(Cache, 'full').peek.keys('recent'))).toEqual(new Set(kept));
    await grid.close();
  });
});

describe('a partition without room', () => {
  it('has some again when entries have ended', async () => {
    const grid = await createGrid({ actors, workers: 1, partitions: 1, partitionBytes: '16mb' });
    const sessions = grid.actor(Sessions, 'a');
    const user = 'x'.repeat(20_000);
    let failure: unknown;
    for (let number = 0; failure === undefined; number++)
      failure = await sessions.open(`${number}`, user, { ttl: '1s' }).catch((error: unknown) => error);
    expect(isGridError(failure, 'CAPACITY')).toBe(true);
    expect(sessions.peek.size()).toBeGreaterThan(0);
    await until(
      'all have ended',
      () => sessions.peek.size(),
      (size) => size === 0,
      SLOW_MS,
    );
    await until(
      'there is room',
      () =>
        sessions.open('again', user).then(
          () => true,
          () => false,
        ),
      (isThere) => isThere,
      SLOW_MS,
    );
    await grid.close();
  }, 60_000);
});

describe('entries with an idle time', () => {
  it('are kept by peeks alone', async () => {
    const grid = await createGrid({ actors, workers: 1, partitions: 1 });
    const idle = grid.actor(Idle, 'a');
    await idle.set('read');
    await idle.set('unread');
    await until(
      'the one that nobody reads is gone',
      () => {
        expect(idle.peek.get('read')).toBe(1);
        return idle.peek.size();
      },
      (size) => size === 1,
      SLOW_MS,
    );
    await until(
      'it is counted',
      () => counted(grid, 'expirations'),
      (count) => count === 1,
      SLOW_MS,
    );
    expect(idle.peek.get('read')).toBe(1);
    expect(idle.peek.get('unread')).toBeUndefined();
    await grid.close();
  }, 60_000);
});

describe('a full map', () => {
  it('evicts nothing that is not durable, says so, and goes on when it is', async () => {
    let grid = await open('dirty', '60s');
    const cache = grid.actor(Cache, 'a');
    await cache.put('recent', 0, 100);
    const error = await rejection(cache.put('recent', 100, 1));
    expect(isGridError(error, 'CAPACITY')).toBe(true);
    expect(error.message).toMatch(
      /^the map recent of cache\/a holds 100 of at most 100 entries: none of the \d+ looked at may be evicted before it is durable$/,
    );
    expect(cache.peek.size('recent')).toBe(100);
    // An entry that is there already needs no room.
    await cache.put('recent', 7, 1);
    await grid.flush();
    await cache.put('recent', 100, 50);
    expect(cache.peek.size('recent')).toBe(100);
    // Those written since are not durable either.
    const again = await rejection(cache.put('recent', 200, 51));
    expect(isGridError(again, 'CAPACITY')).toBe(true);
    await grid.flush();
    await cache.put('recent', 200, 50);
    await until(
      'evictions are counted',
      () => counted(grid, 'evictionsLru'),
      (count) => count === 100,
      SLOW_MS,
    );
    // What was evicted is gone from the store as well.
    const keys = new Set(cache.peek.keys('recent'));
    await grid.close();
    grid = await open('dirty');
    expect(new Set(grid.actor(Cache, 'a').peek.keys('recent'))).toEqual(keys);
    await grid.close();
  }, 60_000);
});
