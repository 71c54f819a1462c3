import { afterEach, describe, expect, it } from 'vitest';
import { Heap } from '../../../src/memory/heap.ts';
import { createHeapBuffer } from '../../../src/memory/heap-layout.ts';
import {
  durableSequence,
  hasGateWaiters,
  storeAnswered,
  storeDurableSequence,
  storeGateWaiters,
  unansweredTurns,
} from '../../../src/memory/watermark.ts';
import { unwatch, watchEveryStore } from '../../memory/every-store.ts';

const SMALL = { maxBytes: 1024 * 1024, journalBytes: 64 * 1024 };

afterEach(() => unwatch());

describe('the durable watermark', () => {
  for (const border of [2 ** 31, 2 ** 32, 2 ** 33 + 2 ** 31, 2 ** 52 + 2 ** 32]) {
    it(`never reads as more than is durable while it passes ${border}`, () => {
      const heap = new Heap(createHeapBuffer(SMALL));
      const reader = new Heap(heap.buffer);
      storeDurableSequence(heap, border - 3);
      let looks = 0;
      let next = 0;
      watchEveryStore(heap, () => {
        looks++;
        const seen = durableSequence(reader);
        expect(seen).toBeGreaterThanOrEqual(border - 3);
        expect(seen).toBeLessThan(next);
      });
      for (const step of [1, 1, 1, 5, 100_000]) {
        next = durableSequence(reader) + step;
        storeDurableSequence(heap, next);
        expect(durableSequence(reader)).toBe(next);
      }
      expect(looks).toBe(10);
    });
  }

  it('says who moves it whether replies wait', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    expect(storeDurableSequence(heap, 1)).toBe(false);
    storeGateWaiters(heap, true);
    expect(hasGateWaiters(new Heap(heap.buffer))).toBe(true);
    expect(storeDurableSequence(heap, 2)).toBe(true);
    storeGateWaiters(heap, false);
    expect(storeDurableSequence(heap, 3)).toBe(false);
  });

  it('counts the turns that are committed and not answered, across 2³²', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    heap.restoreSequence(2 ** 32 - 2, 4);
    expect(heap.epoch).toBe(4);
    expect(unansweredTurns(heap)).toBe(0);
    for (let count = 1; count <= 5; count++) {
      heap.begin();
      heap.commit();
      expect(unansweredTurns(heap)).toBe(count);
    }
    storeAnswered(heap, 2 ** 32 + 1);
    expect(unansweredTurns(heap)).toBe(2);
    storeAnswered(heap, 2 ** 32 + 3);
    expect(unansweredTurns(heap)).toBe(0);
  });
});
