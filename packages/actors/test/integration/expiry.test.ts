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
import { rejection, until } from '../fixtures/until.ts';

const root = mkdtempSync(join(tmpdir(), 'spacegrid-expiry-'));
const actors = new URL('../fixtures/sessions-actors.ts', import.meta.url);

afterAll(() => rmSync(root, { recursive: true, force: true }));

const open = (name: string, flushInterval: number | string = 10): Promise<Grid> =>
  createGrid({
    actors,
    workers: 1,
    partitions: 2,
    persistence: sqlite({ directory: join(root, name), flushInterval }),
  });

async function counted(grid: Grid, counter: 'evictionsLru' | 'expirations'): Promise<number> {
  return (await grid.stats()).workers.reduce((sum, { counters }) => sum + counters[counter], 0);
}

describe('entries with a time to live', () => {
  it('keep their time over a restart, and are gone from the start when it ended meanwhile', async () => {
    let grid = await open('restart');
    let sessions = grid.actor(Sessions, 'a');
    const endsAt = Date.now() + 400;
    for (let number = 0; number < 100; number++)
      await sessions.open(`short ${number}`, 'ada', { ttl: endsAt - Date.now() });
    await sessions.open('long', 'bob', { ttl: '1h' });
    await sessions.token('for ever');
    expect(sessions.peek.ids()).toHaveLength(101);
    await grid.close();

    await until(
      'the time is over',
      () => Date.now(),
      (now) => now >= endsAt,
    );
    grid = await open('restart');
    sessions = grid.actor(Sessions, 'a');
    expect(sessions.peek.ids()).toEqual(['long']);
    expect(await sessions.ids()).toEqual(['long']);
    expect(await sessions.user('short 1')).toBeUndefined();
    expect(sessions.peek.tokens()).toEqual(['for ever']);
    await until(
      'what expired is removed',
      () => sessions.peek.size(),
      (size) => size === 1,
    );
    await until(
      'it is counted',
      () => counted(grid, 'expirations'),
      (count) => count === 100,
    );
    await grid.close();

    // And in the store: no row of it comes back.
    grid = await open('restart');
    expect(grid.actor(Sessions, 'a').peek.size()).toBe(1);
    await grid.close();
  });

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

    grid = await openAs('visits-timed');
    await grid.actor(VisitsAfter, 'a').note('y');
    expect([...grid.actor(VisitsAfter, 'a').peek.all()].sort()).toEqual(['x', 'y']);
    await until(
      'they end',
      () => grid.actor(VisitsAfter, 'a').peek.all(),
      (all) => all.length === 0,
    );
    await grid.actor(VisitsAfter, 'a').note('z');
    await grid.close();

    grid = await openAs('visits');
    expect(grid.actor(VisitsBefore, 'a').peek.all()).toContain('z');
    await grid.close();
  });

  it('are all removed, once, though the thread is ended again and again meanwhile', { timeout: 30_000 }, async () => {
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
    let deaths = 0;
    for (; Date.now() < startedAt + 3200; deaths++) {
      const { recoveredAfterMs } = await grid.terminateWorker(0);
      expect(recoveredAfterMs).toBeGreaterThanOrEqual(0);
      for (const key of keys) expect(grid.actor(Sessions, key).peek.user('stays')).toBe('bob');
    }
    expect(deaths).toBeGreaterThan(3);
    await until(
      'all is removed',
      () => keys.reduce((sum, key) => sum + grid.actor(Sessions, key).peek.size(), 0),
      (left) => left === keys.length,
    );
    expect(await counted(grid, 'expirations')).toBeLessThanOrEqual(2000);
    await grid.close();
    grid = await open('deaths');
    for (const key of keys) expect(await grid.actor(Sessions, key).ids()).toEqual(['stays']);
    await grid.close();
  });
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
    );
    expect(idle.peek.get('read')).toBe(1);
    expect(idle.peek.get('unread')).toBeUndefined();
    await grid.close();
  });
});

describe('a full map', () => {
  it('evicts nothing that is not durable, says so, and goes on when it is', async () => {
    const grid = await open('dirty', '60s');
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
    await until(
      'evictions are counted',
      () => counted(grid, 'evictionsLru'),
      (count) => count === 50,
    );
    await grid.close();
  });

  it('is stored without what it evicted', async () => {
    let grid = await open('stored');
    const fill = async (cache: {
      put(name: 'frequent', from: number, count: number): Promise<void>;
    }): Promise<void> => {
      for (let from = 0; from < 300; from += 50) {
        await cache.put('frequent', from, 50);
        await grid.flush();
      }
    };
    await fill(grid.actor(Cache, 'a'));
    const keys = new Set(grid.actor(Cache, 'a').peek.keys('frequent'));
    expect(keys.size).toBe(100);
    await grid.close();
    grid = await open('stored');
    expect(new Set(grid.actor(Cache, 'a').peek.keys('frequent'))).toEqual(keys);
    await grid.close();
  });
});
