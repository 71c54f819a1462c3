import { describe, expect, it } from 'vitest';
import { CALLS_MAX, PendingCalls } from '../../../src/client/pending-calls.ts';

function answerOne(calls: PendingCalls): number {
  const number = calls.take();
  void calls.promise();
  calls.setDeadline(number, 100);
  calls.resolve(number, undefined);
  return number;
}

describe('calls under way', () => {
  it('have numbers that do not come again, though each is awaited before the next is made', () => {
    for (const firstUse of [4095, 0x3fff]) {
      const calls = new PendingCalls(firstUse);
      const seen = new Set<number>();
      for (let count = 0; count < 140_000; count++) seen.add(answerOne(calls));
      expect(seen.size).toBe(140_000);
    }
  });

  it('can all be there at once, whatever was called before', () => {
    const calls = new PendingCalls(0);
    for (let count = 0; count < 50_000; count++) answerOne(calls);
    const numbers = new Set(Array.from({ length: CALLS_MAX }, () => (void calls.promise(), calls.take())));
    expect(new Set([...numbers].map((number) => calls.slotOf(number))).size).toBe(CALLS_MAX);
    expect(() => calls.take()).toThrow(/under way/);
  });

  it('are overdue by their deadlines, in whatever order these come', () => {
    const calls = new PendingCalls(0);
    const numbers = [500, 100, Infinity, 300, 200].map((deadline) => {
      const number = calls.take();
      calls.promise().catch(() => undefined);
      calls.setDeadline(number, deadline);
      return number;
    });
    const overdueAt = (nowMs: number, limit = 10): (number | undefined)[] =>
      calls.overdue(nowMs, limit).map((number) => numbers.indexOf(number));
    expect(overdueAt(99)).toEqual([]);
    expect(overdueAt(250)).toEqual([1, 4]);
    expect(overdueAt(250, 1)).toEqual([1]);
    for (const index of [1, 4]) calls.reject(numbers[index] as number, new Error('late'));
    expect(overdueAt(299)).toEqual([]);
    expect(overdueAt(1e9)).toEqual([0, 3]);
  });
});
