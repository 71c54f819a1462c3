/** Everything that references offer, on one thread. */
import { createTestGrid, type TestGrid } from '@spacegrid/actors/testing';
import { isGridError, silentLogger } from '@spacegrid/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lab } from '../../fixtures/lab-actors.ts';
import { Desk } from '../../fixtures/office-actors.ts';
import { rejection } from '../../../../../test/fixtures/until.ts';

let grid: TestGrid;
let rooms = 0;

beforeEach(() => {
  grid = createTestGrid({ actors: [Desk, Lab] });
});

afterEach(() => grid.close());

const desk = () => grid.actor(Desk, `commands${rooms++}:1`);

describe('a test grid', () => {
  it('runs commands and queries on all kinds of state', async () => {
    const one = desk();
    expect(await one.add(2)).toBe(2);
    await one.label('front');
    await one.tag(['a', 'b']);
    expect(await one.file('x', 'body')).toBe(1);
    expect(await one.all()).toEqual({
      n: 2,
      label: 'front',
      open: true,
      small: 0,
      note: '',
      tags: ['a', 'b'],
      board: [{ rank: 1, member: 'x', score: 4 }],
      files: 1,
      log: [],
    });
    expect(await one.readFile('x')).toEqual({ body: 'body', size: 4 });
  });

  it('peeks without a message, also at an actor that was never written', async () => {
    const one = desk();
    expect(one.peek.get()).toBe(0);
    await one.add(3);
    expect(one.peek.get()).toBe(3);
    expect(await one.peekOrAsk.get()).toBe(3);
  });

  it('keeps the order of thousands of calls sent at once', async () => {
    const one = desk();
    const answers = await Promise.all(Array.from({ length: 5000 }, () => one.add(1)));
    expect(answers).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
  });

  it('carries values that are too large for its rings', async () => {
    const text = 'x'.repeat(1_000_000);
    expect(await desk().echo(text)).toBe(text);
  });

  it('watches: the answer now, and again when it changed', async () => {
    const one = desk();
    await using watch = one.watch.get();
    expect((await watch.next()).value).toMatchObject({ value: 0, resync: false });
    await one.add(5);
    expect((await watch.next()).value).toMatchObject({ value: 5 });
  });

  it('undoes the whole turn of a handler that throws, and hands over the error', async () => {
    const one = desk();
    await one.add(1);
    const error = await rejection(one.failAfterWriting());
    expect(error).toMatchObject({ name: 'PaymentRefused', code: 'PAYMENT_REFUSED', amount: 7 });
    expect(await one.all()).toMatchObject({ n: 1, label: '', board: [], files: 0 });
  });

  it('keeps the steps of an asynchronous command that came before the one that throws', async () => {
    const one = desk();
    const error = await rejection(one.stepThenFail());
    expect(error).toMatchObject({ name: 'RangeError', stepsCommitted: 1 });
    expect(await one.get()).toBe(10);
  });

  it('refuses what the runtime refuses: writes outside of steps, calls in a circle', async () => {
    const one = desk();
    expect(isGridError(await rejection(one.writesOutside()), 'ASYNC_WRITE')).toBe(true);
    expect(isGridError(await rejection(one.writesLater()), 'ASYNC_WRITE')).toBe(true);
    const other = desk();
    const cycle = await rejection(one.callsBack(other.key));
    expect(isGridError(cycle, 'CALL_CYCLE')).toBe(true);
    expect(isGridError(cycle) && cycle.details['path']).toEqual([
      `desk/${one.key}`,
      `desk/${other.key}`,
      `desk/${one.key}`,
    ]);
  });

  it('lets actors call each other', async () => {
    const [one, other] = [desk(), desk()];
    expect(await one.pass(other.key, 4)).toBe(-4);
    expect(await other.get()).toBe(4);
  });

  it('delivers messages of turns that committed, and tells', async () => {
    const [one, other] = [desk(), desk()];
    await one.notify(other.key, 6);
    one.tell.add(1);
    await grid.settle();
    expect([one.peek.get(), other.peek.get()]).toEqual([-5, 6]);
  });

  it('answers a retry with the same `once` key with the first answer, within its window', async () => {
    const one = desk();
    expect(await one.with({ once: 'order 1' }).add(1)).toBe(1);
    expect(await one.with({ once: 'order 1' }).add(1)).toBe(1);
    expect(isGridError(await rejection(one.with({ once: 'order 1' }).add(2)), 'ONCE_CONFLICT')).toBe(true);
    await grid.clock.advance('10m');
    expect(await one.with({ once: 'order 1' }).add(1)).toBe(2);
  });

  it('accepts `durable`, since its memory is its disk', async () => {
    const { value, receipt } = await desk().with({ ack: 'durable', receipt: true }).add(1);
    expect(value).toBe(1);
    await grid.reached(receipt, 'durable');
  });

  it('runs offloaded tasks here, on clones', async () => {
    const lab = grid.actor(Lab, 'words');
    expect(await lab.count(['one two', 'three'])).toEqual({ words: 3, texts: 2 });
    for (const how of ['fails', 'missing'] as const)
      expect(isGridError(await rejection(lab.countWrong(how)), 'OFFLOAD_FAILED')).toBe(true);
  });

  it('waits for offloaded tasks when it settles', async () => {
    const lab = grid.actor(Lab, 'words');
    lab.tell.count(['one two', 'three']);
    await grid.settle();
    expect(lab.peek.get()).toBe(3);
  });

  it('tells its logger of failures that nobody waits for, and of no others', async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, error: (line: string) => lines.push(line) };
    await using logged = createTestGrid({ actors: [Lab], logger });
    const lab = logged.actor(Lab, 'a');
    await rejection(lab.fail('heard'));
    lab.tell.fail('told');
    lab.tell.failLater('told');
    await lab.sendFailure('b');
    await lab.failAfter(1000, 'fail');
    await lab.failAfter(2000, 'failLater');
    await logged.clock.advance('2s');
    const end = 'failed, and nobody waits for its answer: RangeError:';
    expect(lines.sort()).toEqual([
      `lab/a.fail ${end} fail`,
      `lab/a.fail ${end} told`,
      `lab/a.failLater ${end} failLater`,
      `lab/a.failLater ${end} told`,
      `lab/b.fail ${end} message`,
    ]);
  });

  it("is not disturbed by a test runner's fake timers", async () => {
    vi.useFakeTimers();
    try {
      await using faked = createTestGrid({ actors: [Lab] });
      const lab = faked.actor(Lab, 'a');
      await lab.noteAfter(1000, 'on time');
      for (let call = 1; call <= 100; call++) expect(await lab.add(1)).toBe(call);
      await faked.clock.advance('1s');
      expect(lab.peek.log()).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('gives up an aborted call', async () => {
    const one = desk();
    const aborted = one.with({ signal: AbortSignal.abort() }).add(1);
    expect(isGridError(await rejection(aborted), 'ABORTED')).toBe(true);
    expect(await one.get()).toBe(0);
  });

  it('puts keys with the same partitionBy into one partition', async () => {
    const partitions = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const { receipt } = await grid.actor(Desk, `room:${index}`).with({ receipt: true }).add(1);
        return receipt.partition;
      }),
    );
    expect(new Set(partitions).size).toBe(1);
  });
});
