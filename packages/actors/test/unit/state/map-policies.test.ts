import { defineActor, map, type MapOptions } from '@spacegrid/actors';
import { createTestGrid, type TestGrid } from '@spacegrid/actors/testing';
import { isGridError } from '@spacegrid/core';
import { compileActorTypes, fingerprint } from '../../../src/define/actor-type.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../fixtures/lab-actors.ts';
import { Cache, Sessions } from '../../fixtures/sessions-actors.ts';

let grid: TestGrid;

beforeEach(() => {
  grid = createTestGrid({ actors: [Sessions, Cache], partitions: 2 });
});

afterEach(async () => {
  await grid.close();
});

describe('entries with a time to live', () => {
  it('are there until their time is over, and absent from then on, for commands, queries, scans and peeks', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.token('t', { ttl: '5s' });
    await sessions.token('stays');
    await grid.clock.advance(4999);
    expect(sessions.peek.tokens().sort()).toEqual(['stays', 't']);
    await grid.clock.advance(1);
    expect(sessions.peek.tokens()).toEqual(['stays']);
    expect(await sessions.tokens()).toEqual(['stays']);
  });

  it('are absent for an asynchronous command that reads between its steps', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('s', 'ada', { ttl: 5100 });
    const [before, after] = [sessions.userLater('s', 'before'), grid.actor(Sessions, 'a').userLater('s', 'after')];
    gate('before').resolve();
    expect(await before).toBe('ada');
    await grid.clock.advance(5200);
    gate('after').resolve();
    expect(await after).toBeUndefined();
  });

  it('are removed within a second', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('s', 'ada', { ttl: '2s' });
    expect(sessions.peek.size()).toBe(1);
    await grid.clock.advance(2000);
    expect(sessions.peek.size()).toBe(0);
  });

  it('live on when they are set again, and keep their end when they are patched', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('set', 'ada', { ttl: '4s' });
    await sessions.open('patched', 'bob', { ttl: '4s' });
    await sessions.open('longer', 'cyd', { ttl: '4s' });
    await grid.clock.advance('3s');
    await sessions.open('set', 'ada', { ttl: '4s' });
    await sessions.rename('patched', 'bo');
    await sessions.rename('longer', 'cy', { ttl: '10s' });
    await grid.clock.advance('2s');
    expect(sessions.peek.ids().sort()).toEqual(['longer', 'set']);
    await grid.clock.advance('3s');
    expect(sessions.peek.ids()).toEqual(['longer']);
  });

  it('end sooner when a write says so', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('s', 'ada');
    await sessions.open('s', 'ada', { ttl: '1s' });
    await grid.clock.advance(1000);
    expect(sessions.peek.size()).toBe(0);
  });

  it('are new when they are patched or deleted after their end', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('s', 'ada', { ttl: 10 });
    await sessions.open('t', 'bob', { ttl: 10 });
    await grid.clock.advance(11);
    expect(sessions.peek.size()).toBe(2);
    expect(await sessions.close('t')).toBe(false);
    await sessions.add('s', 'book');
    expect(sessions.peek.user('s')).toBe('');
    expect(sessions.peek.cart('s')).toEqual(['book']);
    await grid.clock.advance('5m');
    expect(sessions.peek.has('s')).toBe(true);
  });

  it('go on ending after the partition thread died, at their own times', async () => {
    const sessions = grid.actor(Sessions, 'a');
    for (let number = 1; number <= 20; number++) await sessions.open(`${number}`, 'ada', { ttl: number * 1000 });
    await grid.clock.advance(5000);
    await grid.restart();
    expect(sessions.peek.ids()).toHaveLength(15);
    await grid.clock.advance(10_000);
    expect(sessions.peek.size()).toBe(5);
  });

  it('leave nothing behind in the wheel when their map is cleared or its actor forgotten', async () => {
    const sessions = grid.actor(Sessions, 'a');
    for (let number = 0; number < 50; number++) await sessions.open(`${number}`, 'ada', { ttl: '2s' });
    await sessions.clearAndOpen('1');
    await grid.clock.advance('3s');
    expect(sessions.peek.ids()).toEqual(['1']);
    for (let number = 0; number < 50; number++) await sessions.open(`${number}`, 'ada', { ttl: '2s' });
    await sessions.forget();
    await sessions.open('2', 'bob');
    await grid.clock.advance('3s');
    expect(sessions.peek.ids()).toEqual(['2']);
  });

  it('are watched as they go', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('s', 'ada', { ttl: '1s' });
    const watch = sessions.watch.has('s');
    expect((await watch.next()).value?.value).toBe(true);
    await grid.clock.advance(1000);
    expect((await watch.next()).value?.value).toBe(false);
    await watch.return?.();
  });

  it('are as they were after a turn that throws', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('s', 'ada', { ttl: '1m' });
    await expect(sessions.openAndFail('s')).rejects.toThrow('refused');
    await grid.clock.advance('30s');
    expect(sessions.peek.user('s')).toBe('ada');
    await grid.clock.advance('31s');
    expect(sessions.peek.size()).toBe(0);
  });
});

describe('entries with an idle time', () => {
  it('stay while they are read, by peeks, queries and commands, and go when nobody does', async () => {
    const sessions = grid.actor(Sessions, 'a');
    for (const id of ['peek', 'query', 'command', 'nobody']) await sessions.open(id, id);
    await grid.clock.advance('6m');
    sessions.peek.user('peek');
    await sessions.user('query');
    await sessions.inTurn('command');
    await grid.clock.advance('5m');
    expect(sessions.peek.ids().sort()).toEqual(['command', 'peek', 'query']);
    expect(sessions.peek.size()).toBe(3);
    await grid.clock.advance('5m');
    expect(sessions.peek.ids()).toEqual([]);
  });

  it('go at the end of their time to live, however often they are read', async () => {
    const sessions = grid.actor(Sessions, 'a');
    await sessions.open('s', 'ada');
    for (let minute = 0; minute < 29; minute++) {
      await grid.clock.advance('1m');
      expect(sessions.peek.user('s')).toBe('ada');
    }
    await grid.clock.advance('1m');
    expect(sessions.peek.has('s')).toBe(false);
  });
});

describe('maps that evict', () => {
  it('hold as many entries as they may, and evict those not read for longest', async () => {
    const cache = grid.actor(Cache, 'a');
    await cache.put('recent', 0, 100);
    await grid.clock.advance('1m');
    for (let number = 0; number < 50; number++) cache.peek.read('recent', `${number}`);
    await grid.clock.advance('1m');
    await cache.put('recent', 100, 40);
    const keys = cache.peek.keys('recent').map(Number);
    expect(keys).toHaveLength(100);
    expect(keys.filter((number) => number < 50).length).toBeGreaterThan(45);
    expect(keys.filter((number) => number >= 100)).toHaveLength(40);
  });

  it('evict those read least often, however lately', async () => {
    const cache = grid.actor(Cache, 'a');
    await cache.put('frequent', 0, 100);
    for (let round = 0; round < 50; round++)
      for (let number = 0; number < 50; number++) cache.peek.read('frequent', `${number}`);
    await grid.clock.advance('30s');
    for (let number = 50; number < 100; number++) cache.peek.read('frequent', `${number}`);
    await cache.put('frequent', 100, 30);
    const keys = cache.peek.keys('frequent').map(Number);
    expect(keys).toHaveLength(100);
    expect(keys.filter((number) => number < 50).length).toBeGreaterThan(40);
  });

  it('keep within their bytes, and refuse what is larger by itself', async () => {
    const cache = grid.actor(Cache, 'a');
    for (let number = 0; number < 200; number++) await cache.keep(`${number}`, 'x'.repeat(200));
    const size = cache.peek.size('small');
    expect(size).toBeGreaterThan(30);
    expect(size).toBeLessThan(80);
    const failure: unknown = await cache.keep('large', 'x'.repeat(20_000)).catch((error: unknown) => error);
    expect(isGridError(failure, 'CAPACITY')).toBe(true);
    expect(String(failure)).toMatch(/small of cache\/a .* at most 16384 bytes: the entry takes 20\d+ bytes by itself/);
    expect(cache.peek.size('small')).toBe(size);
    // Beside the index that the map has by now it does not fit either.
    await cache.keepTight('a', 'x');
    const close: unknown = await cache.keepTight('b', 'x'.repeat(12_000)).catch((error: unknown) => error);
    expect(String(close)).toMatch(/there is nothing left to evict, and the entry takes 12\d+ bytes/);
  });

  it('have what they evicted back when the turn throws', async () => {
    const cache = grid.actor(Cache, 'a');
    await cache.put('recent', 0, 100);
    await expect(cache.putAndFail(100, 50)).rejects.toThrow('refused');
    expect(
      cache.peek
        .keys('recent')
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 100 }, (_, number) => number));
  });
});

describe('options of maps', () => {
  const define = (options: unknown): string => {
    try {
      map({ a: 0 }, options as MapOptions);
      return 'accepted';
    } catch (error) {
      return isGridError(error, 'INVALID_DEFINITION') ? error.message : `another error: ${String(error)}`;
    }
  };

  it('are checked where the map is defined, and say what is allowed', () => {
    expect(define({ tll: '1m' })).toMatch(/^map\.tll is not an option: did you mean ttl\?$/);
    expect(define({ ttl: '10 parsecs' })).toMatch(/^map\.ttl is '10 parsecs': allowed is 'never', or milliseconds/);
    expect(define({ ttl: 0 })).toMatch(/^map\.ttl is 0: allowed is .*from 1ms to 36500d$/);
    expect(define({ maxIdle: 999 })).toMatch(/^map\.maxIdle is 999: allowed is .*from 1s to 1000d$/);
    expect(define({ ttl: '5m', maxIdle: '5m' })).toMatch(/contradict each other: maxIdle is less than ttl$/);
    expect(define({ evict: { policy: 'fifo', maxEntries: 1 } })).toMatch(
      /^map\.evict\.policy is 'fifo': allowed is 'lru' or 'lfu'$/,
    );
    expect(define({ evict: { policy: 'lru' } })).toBe(
      'map.evict names no limit: allowed is maxEntries, maxBytes, or both',
    );
    expect(define({ evict: { policy: 'lru', maxBytes: '256 apples' } })).toMatch(
      /^map\.evict\.maxBytes is '256 apples'/,
    );
    expect(define({ evict: { policy: 'lfu', maxEntries: 1 }, maxIdle: '91d' })).toMatch(/maxIdle is from 10s to 90d/);
    expect(define({ ttl: '1s', maxIdle: 999 })).toMatch(/maxIdle/);
    expect(define({ ttl: '30m', maxIdle: '10m', evict: { policy: 'lru', maxEntries: 10, maxBytes: '1mb' } })).toBe(
      'accepted',
    );
    expect(define({})).toBe('accepted');
  });

  it('at a write are refused where the map does not provide for them', async () => {
    const sessions = grid.actor(Sessions, 'a');
    const failure: unknown = await sessions.plainly('p', { ttl: '1m' }).catch((error: unknown) => error);
    expect(isGridError(failure, 'INVALID_ARGUMENT')).toBe(true);
    expect(String(failure)).toMatch(/plain is given options/);
    const other: unknown = await sessions.open('p', 'ada', { ttl: -1 }).catch((error: unknown) => error);
    expect(isGridError(other, 'INVALID_ARGUMENT')).toBe(true);
    expect(String(other)).toMatch(/entry\.ttl is -1/);
  });

  it('are part of what all threads must agree on: records lie otherwise', () => {
    const typed = (options?: MapOptions): string =>
      fingerprint(compileActorTypes([defineActor('one', { state: { a: map({ b: 0 }, options) } })]));
    const prints = [
      typed(),
      typed({ ttl: '1h' }),
      typed({ ttl: 'never' }),
      typed({ maxIdle: '1h' }),
      typed({ evict: { policy: 'lru', maxEntries: 5 } }),
      typed({ evict: { policy: 'lfu', maxEntries: 5 } }),
    ];
    expect(new Set(prints).size).toBe(prints.length);
    expect(typed({ ttl: '60m' })).toBe(typed({ ttl: '1h' }));
  });

  it('make no field of a state ambiguous', () => {
    expect(() => defineActor('odd', { state: { a: map({ b: map({ c: 0 }, { ttl: 1 }) }) } })).toThrow(
      /can't hold a map/,
    );
  });
});
