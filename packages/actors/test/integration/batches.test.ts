/** Many calls with one promise, many peeks under one pin, many entries of a map at once. */
import { ASK_BOUNDS_MICROS, type BatchFailedError, createGrid, type Grid, isGridError } from '@spacegrid/actors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Shop } from '../fixtures/batch-actors.ts';
import { within } from '../../../../test/fixtures/until.ts';

let grid: Grid;

beforeAll(async () => {
  grid = await createGrid({
    actors: new URL('../fixtures/batch-actors.ts', import.meta.url),
    workers: 1,
    partitions: 4,
    ringBytes: 64 * 1024,
  });
});

afterAll(() => grid.close());

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `item ${index}`);

describe('a batch of calls', () => {
  it('answers in order, each call a turn of its own, also when it is larger than the ring', async () => {
    const shop = grid.actor(Shop, 'large');
    const sold = await within('the batch', shop.many.sell(names(10_000).map((name, price) => [name, price])), 20_000);
    expect(sold).toEqual(names(10_000).map((_, index) => index + 1));
    expect(await shop.many.price([['item 7'], ['item 9999'], ['nothing']])).toEqual([7, 9999, undefined]);
  });

  it('answers an empty batch with no answers', async () => {
    expect(await grid.actor(Shop, 'empty').many.sell([])).toEqual([]);
  });

  it('fails when some calls fail, once all have settled, with the outcome of each', async () => {
    const shop = grid.actor(Shop, 'failing');
    const error: unknown = await shop.many
      .sell([
        ['a', 1],
        ['b', -1],
        ['c', 2],
      ])
      .then(undefined, (reason: unknown) => reason);
    expect(isGridError(error, 'BATCH_FAILED')).toBe(true);
    const { cause, details, message, outcomes } = error as BatchFailedError;
    expect(details).toEqual({ calls: 3, failed: 1 });
    expect(message).toContain('1 of 3 calls of shop "failing".sell failed, the first one: b costs less than nothing');
    expect(cause).toBeInstanceOf(RangeError);
    expect(outcomes).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: cause },
      { status: 'fulfilled', value: 2 },
    ]);
    expect(await shop.sold()).toBe(2);
  });

  it('refuses what is no list of lists, and too many, before anything runs', async () => {
    const shop = grid.actor(Shop, 'refused');
    await expect(shop.many.sell('a' as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(shop.many.sell([['a', 1], 'b'] as never)).rejects.toThrow('its element 1 is none');
    await expect(shop.many.sell(Array.from({ length: 10_001 }, (): [string, number] => ['a', 1]))).rejects.toThrow(
      'at most 10000 calls: these are 10001',
    );
    await expect(shop.with({ once: 'x' }).many.sell([['a', 1]])).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect(await shop.sold()).toBe(0);
  });

  it('takes the options of a call, and is given up by its signal', async () => {
    const shop = grid.actor(Shop, 'signal');
    const held = shop.hold(200);
    const abort = new AbortController();
    const batch = shop.with({ signal: abort.signal, timeout: 5000 }).many.sell([
      ['a', 1],
      ['b', 2],
    ]);
    abort.abort();
    const error = (await batch.then(undefined, (reason: unknown) => reason)) as BatchFailedError;
    expect(error.outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : outcome))).toEqual([
      expect.objectContaining({ code: 'ABORTED' }),
      expect.objectContaining({ code: 'ABORTED' }),
    ]);
    await held;
    expect(await shop.sold()).toBe(0);
    await expect(shop.with({ signal: abort.signal }).many.sell([['a', 1]])).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('fails each call whose time is over', async () => {
    const shop = grid.actor(Shop, 'late');
    const held = shop.hold(300);
    const error = (await shop
      .with({ timeout: 60 })
      .many.sell([
        ['a', 1],
        ['b', 2],
      ])
      .then(undefined, (reason: unknown) => reason)) as BatchFailedError;
    expect(error.details).toEqual({ calls: 2, failed: 2 });
    await held;
  });
});

describe('many at once', () => {
  it('peeks with many lists of arguments', async () => {
    const shop = grid.actor(Shop, 'peeked');
    await shop.many.sell([
      ['a', 3],
      ['b', 5],
      ['c', 4],
    ]);
    expect(shop.peekMany.rank([['a'], ['b'], ['c'], ['d']])).toEqual([3, 1, 2, undefined]);
    expect(shop.peekMany.rank([])).toEqual([]);
    expect(() => shop.peekMany.rank([1] as never)).toThrow('its element 0 is none');
  });

  it('reads many entries of a map, those that are not there too, in the order of their keys', async () => {
    const shop = grid.actor(Shop, 'entries');
    await shop.many.sell(names(300).map((name, price) => [name, price]));
    const wanted = [...names(300).reverse(), 'nothing', 'item 0'];
    const expected = [
      ...names(300)
        .map((_, price) => price)
        .reverse(),
      undefined,
      0,
    ];
    expect(shop.peek.pricesOf(wanted)).toEqual(expected);
    expect(await shop.pricesOf(wanted)).toEqual(expected);
    expect(await shop.prices(wanted)).toEqual(expected);
    expect(shop.peek.itemsOf(['item 5', 'nothing'])).toEqual([{ name: 'item 5', price: 5 }, undefined]);
    expect(grid.actor(Shop, 'none').peek.pricesOf(['a', 'b'])).toEqual([undefined, undefined]);
    expect(() => shop.peek.pricesOf(['a', ''])).toThrow('a key has at least one character');
  });
});

it('counts how long one call in sixteen takes', async () => {
  const before = (await grid.stats()).clients[0]?.askTimes;
  const shop = grid.actor(Shop, 'timed');
  const held = shop.hold(40);
  for (let call = 0; call < 32; call++) await shop.sold();
  await held;
  const after = (await grid.stats()).clients[0]?.askTimes;
  const counted = (counts: readonly number[] = []): number => counts.reduce((sum, count) => sum + count, 0);
  expect(after?.counts).toHaveLength(ASK_BOUNDS_MICROS.length + 1);
  expect(counted(after?.counts) - counted(before?.counts)).toBeGreaterThanOrEqual(2);
  expect(after?.sumSeconds).toBeGreaterThan(before?.sumSeconds ?? 0);
});
