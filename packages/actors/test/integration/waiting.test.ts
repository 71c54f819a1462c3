/** What waits: deadlines, aborted calls, full rings, watches, reminders, idle actors. */
import { createGrid, type Grid, type WatchEvent } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clerk, Desk, Guest } from '../fixtures/office-actors.ts';
import { rejection, until, within } from '../../../../test/fixtures/until.ts';

let grid: Grid;
let rooms = 0;

const room = (): string => `waiting${rooms++}`;

beforeAll(async () => {
  grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 4,
    ringBytes: 64 * 1024,
    callTimeout: '20s',
  });
});

afterAll(() => grid.close());

describe('deadlines', () => {
  it('of a call that was not started: it certainly did not and will not run', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const holding = desk.waitOnly(key);
    const error = await within('the deadline', rejection(desk.with({ timeout: 60 }).add(1)), 2000);
    expect(isGridError(error, 'TIMEOUT')).toBe(true);
    expect(error.message).toBe(`desk "${key}:1".add was not started within its 60 ms: it did not run`);
    await grid.actor(Desk, `${key}:2`).open(key);
    await holding;
    expect(await desk.get()).toBe(0);
  });

  it('of a call that was started: its outcome is unknown, and its steps are kept', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const error = await within('the deadline', rejection(desk.with({ timeout: 60 }).stepThenWait(key)), 2000);
    expect(isGridError(error, 'OUTCOME_UNKNOWN')).toBe(true);
    await grid.actor(Desk, `${key}:2`).open(key);
    expect(
      await until(
        'the rest runs',
        () => desk.get(),
        (n) => n === 2,
      ),
    ).toBe(2);
  });

  it('is certain also when the thread told an actor something meanwhile', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const holding = desk.waitOnly(key);
    const late = rejection(desk.with({ timeout: 60 }).add(1));
    for (let index = 0; index < 20; index++) grid.actor(Desk, `${key}:2`).tell.add(1);
    expect(isGridError(await within('the deadline', late, 2000), 'TIMEOUT')).toBe(true);
    await grid.actor(Desk, `${key}:2`).open(key);
    await holding;
  });
});

describe('an aborted call', () => {
  it('did not run when it was aborted before it was sent or started', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const gone = await rejection(desk.with({ signal: AbortSignal.abort('early') }).add(1));
    expect(isGridError(gone, 'ABORTED')).toBe(true);
    expect(gone.cause).toBe('early');
    const holding = desk.waitOnly(key);
    const controller = new AbortController();
    const waiting = rejection(desk.with({ signal: controller.signal }).add(1));
    controller.abort(new Error('no longer wanted'));
    const error = await within('the abort', waiting, 1000);
    expect(isGridError(error, 'ABORTED')).toBe(true);
    expect((error.cause as Error).message).toBe('no longer wanted');
    await grid.actor(Desk, `${key}:2`).open(key);
    await holding;
    expect(await desk.get()).toBe(0);
  });

  it('has an unknown outcome when it was started', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const controller = new AbortController();
    const running = rejection(desk.with({ signal: controller.signal }).stepThenWait(key));
    await until(
      'the first step',
      () => desk.get(),
      (n) => n === 1,
    );
    controller.abort();
    expect(isGridError(await within('the abort', running, 1000), 'OUTCOME_UNKNOWN')).toBe(true);
    await grid.actor(Desk, `${key}:2`).open(key);
  });
});

describe('a full ring', () => {
  const text = 'x'.repeat(1500);

  it('fails calls that ask for it, lets others wait, and loses none', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const blocking = desk.block(100);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, () => desk.with({ whenFull: 'fail' }).record(text)),
    );
    await blocking;
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) expect(isGridError(reason, 'OVERLOADED')).toBe(true);
    expect((await desk.log()).length).toBe(100 - failed.length);
    const other = grid.actor(Desk, `${key}:2`);
    const blockedAgain = desk.block(100);
    const waiting = Array.from({ length: 200 }, (_, index) => other.echo(`${index}${text}`));
    expect(other.pressure.requests).toBeGreaterThan(200);
    expect(other.pressure.bytes).toBeGreaterThan(0);
    expect(other.pressure.capacityBytes).toBe(64 * 1024);
    const echoed = await within('all are answered', Promise.all(waiting));
    expect(echoed).toEqual(Array.from({ length: 200 }, (_, index) => `${index}${text}`));
    await blockedAgain;
  });

  it('lets what is told wait as well, though no answer will wake its thread', async () => {
    const desk = grid.actor(Desk, room());
    const blocking = desk.block(150);
    await until(
      'it blocks',
      async () => desk.pressure.requests,
      (requests) => requests > 0,
    );
    for (let index = 0; index < 200; index++) desk.tell.record(text);
    await blocking;
    await until(
      'all have run',
      async () => desk.peek.log().length,
      (length) => length === 200,
      5000,
    );
  });

  it('keeps deadlines for calls that wait for room', async () => {
    const desk = grid.actor(Desk, room());
    const blocking = desk.block(200);
    const calls = Array.from({ length: 100 }, () => rejection(desk.with({ timeout: 50 }).record(text)));
    for (const error of await within('all are over', Promise.all(calls), 2000))
      expect(isGridError(error, 'TIMEOUT')).toBe(true);
    await blocking;
    expect(await desk.log()).toEqual([]);
  });
});

describe('a watch', () => {
  it('yields the answer now and whenever it changed, the latest one only', async () => {
    const desk = grid.actor(Desk, room());
    const watch = desk.watch.get();
    expect((await watch.next()).value).toMatchObject({ value: 0, resync: false });
    const seen: WatchEvent<number>[] = [];
    await Promise.all(Array.from({ length: 500 }, () => desk.add(1)));
    while (seen.at(-1)?.value !== 500) seen.push((await within('the next', watch.next())).value);
    expect(seen.length).toBeLessThan(400);
    const sequences = seen.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...sequences].sort((one, other) => one - other));
    await desk.label('nothing that the query answers');
    const next = watch.next();
    await desk.add(1);
    expect((await within('the change', next)).value).toMatchObject({ value: 501 });
    await watch.return?.();
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it('shares the work of equal ones, and ends its registration with the last', async () => {
    const desk = grid.actor(Desk, room());
    const watches = async (): Promise<number> => (await grid.stats()).workers[0]?.counters.watches ?? -1;
    await until('none', watches, (count) => count === 0);
    const first = desk.watch.get();
    const second = desk.watch.get();
    const other = desk.watch.all();
    await Promise.all([first.next(), second.next(), other.next()]);
    expect(await watches()).toBe(2);
    await first.return?.();
    await desk.add(1);
    expect((await within('the other listener', second.next())).value).toMatchObject({ value: 1 });
    await Promise.all([second.return?.(), other.return?.()]);
    await until('none again', watches, (count) => count === 0);
  });

  it('sees each step of an asynchronous command', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const watch = desk.watch.get();
    await watch.next();
    const running = desk.stepThenWait(key);
    expect((await within('the first step', watch.next())).value).toMatchObject({ value: 1 });
    await grid.actor(Desk, `${key}:2`).open(key);
    expect((await within('the second step', watch.next())).value).toMatchObject({ value: 2 });
    expect(await running).toBe(2);
    await watch.return?.();
  });

  it('goes on by itself after its thread was replaced, marked as resynced', async () => {
    const desk = grid.actor(Desk, room());
    await desk.add(1);
    const watch = desk.watch.get();
    await watch.next();
    await grid.terminateWorker(0);
    // Nothing else is sent: the watch must find out by itself.
    expect((await within('the resync', watch.next(), 2000)).value).toMatchObject({ value: 1, resync: true });
    await desk.add(1);
    expect((await within('the next', watch.next())).value).toMatchObject({ value: 2, resync: false });
    await watch.return?.();
  });

  it('ends with the error of its query', async () => {
    const watch = grid.actor(Desk, room()).watch.fails();
    const error = await rejection(watch.next());
    expect(error).toBeInstanceOf(TypeError);
    expect(await watch.next()).toMatchObject({ done: true });
  });
});

describe('reminders', () => {
  it('fire once, after a delay or at a time, with their arguments', async () => {
    const clerk = grid.actor(Clerk, room());
    await clerk.remindAfter(30, 'after');
    await clerk.remindAt(Date.now() - 1000, 'past');
    expect(
      await until(
        'both',
        () => clerk.fired(),
        (list) => list.length === 2,
      ),
    ).toEqual(['past', 'after']);
  });

  it('fire again and again until they are cancelled', async () => {
    const clerk = grid.actor(Clerk, room());
    const id = await clerk.remindEvery(10, 'tick');
    await until(
      'three ticks',
      () => clerk.fired(),
      (list) => list.length >= 3,
    );
    expect(await clerk.cancel(id)).toBe(true);
    expect(await clerk.cancel(id)).toBe(false);
    const count = (await clerk.fired()).length;
    await clerk.remindAfter(40, 'later');
    const list = await until(
      'later',
      () => clerk.fired(),
      (fired) => fired.includes('later'),
    );
    expect(list).toHaveLength(count + 1);
  });

  it('are undone with their turn', async () => {
    const clerk = grid.actor(Clerk, room());
    await rejection(clerk.remindThenFail());
    await clerk.remindAfter(30, 'later');
    expect(
      await until(
        'later',
        () => clerk.fired(),
        (list) => list.length > 0,
      ),
    ).toEqual(['later']);
  });

  it('go on after a command that failed, and change nothing by it', async () => {
    const clerk = grid.actor(Clerk, room());
    const before = await clerk.attempts();
    const id = await clerk.remindFailing(10);
    await until(
      'three attempts',
      () => clerk.attempts(),
      (count) => count >= before + 3,
    );
    await clerk.cancel(id);
    expect(await clerk.count()).toBe(0);
  });

  it('start asynchronous commands too', async () => {
    const clerk = grid.actor(Clerk, room());
    const id = await clerk.remindAsync(10);
    await until(
      'three times',
      () => clerk.count(),
      (count) => count >= 3,
    );
    await clerk.cancel(id);
  });

  it('outlive their thread', async () => {
    const clerk = grid.actor(Clerk, room());
    await clerk.remindAfter(100, 'survived');
    await grid.terminateWorker(0);
    expect(
      await until(
        'it fires',
        () => clerk.fired(),
        (list) => list.length > 0,
      ),
    ).toEqual(['survived']);
  });

  it('refuse a command that does not exist, and a time that is none', async () => {
    const clerk = grid.actor(Clerk, room());
    expect(isGridError(await rejection(clerk.remindUnknown()), 'INVALID_DEFINITION')).toBe(true);
    expect(isGridError(await rejection(clerk.remindAt(Number.NaN, 'x')), 'INVALID_ARGUMENT')).toBe(true);
    expect(isGridError(await rejection(clerk.remindEvery(1, 'x')), 'INVALID_ARGUMENT')).toBe(true);
  });
});

describe('an idle actor', () => {
  it('is passivated, keeps its state, and is activated by the next call', async () => {
    const guest = grid.actor(Guest, 'visitor');
    await guest.add(2);
    const hooks = (): Promise<string[]> => grid.actor(Guest, 'porter').hooks();
    await until('out', hooks, (list) => list.includes('out visitor 2'), 15_000);
    expect(guest.peek.get()).toBe(2);
    expect(await guest.add(1)).toBe(3);
    expect((await hooks()).filter((line) => line.includes('visitor'))).toEqual([
      'in visitor 0',
      'out visitor 2',
      'in visitor 2',
    ]);
  });

  it('is forgotten also when its hook fails', async () => {
    const guest = grid.actor(Guest, 'unruly');
    await guest.add(2);
    const hooks = (): Promise<string[]> => grid.actor(Guest, 'porter').hooks();
    await until('out', hooks, (list) => list.includes('out unruly 2'), 15_000);
    expect(await guest.add(1)).toBe(3);
    expect((await grid.stats()).recoveries.filter(({ cause }) => cause !== 'terminated')).toEqual([]);
  });
});

describe('calls that wait for room at one worker', () => {
  it('do not keep those to others', async () => {
    const actors = new URL('../fixtures/office-actors.ts', import.meta.url);
    await using other = await createGrid({ actors, workers: 2, partitions: 2, ringBytes: 64 * 1024 });
    const desks = new Map<number, string>();
    for (let index = 0; desks.size < 2; index++) {
      const { receipt } = await other.actor(Desk, `desk${index}`).with({ receipt: true }).add(1);
      desks.set(receipt.partition, `desk${index}`);
    }
    const slow = other.actor(Desk, desks.get(0) as string);
    const quick = other.actor(Desk, desks.get(1) as string);
    const blocked = slow.block(1500);
    let ended = false;
    const many = Promise.all(Array.from({ length: 2000 }, () => slow.add(1))).then(() => {
      ended = true;
    });
    expect(await within('the other worker answers', quick.add(1), 1000)).toBe(2);
    expect(ended).toBe(false);
    await blocked;
    await many;
    expect(await slow.get()).toBe(2001);
  });
});
