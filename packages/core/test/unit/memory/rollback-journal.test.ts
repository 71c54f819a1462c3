import { afterEach, describe, expect, it } from 'vitest';
import { ChangeSetTooLargeError } from '../../../src/errors/grid-errors.ts';
import { Heap } from '../../../src/memory/heap.ts';
import { createHeapBuffer } from '../../../src/memory/heap-layout.ts';
import { JOURNAL_COUNT } from '../../../src/memory/heap-words.ts';
import { copyHeap, diesBefore, unwatch, watchEveryStore } from '../../memory/every-store.ts';
import { unansweredTurns } from '../../../src/memory/watermark.ts';
import { takeHeapCensus } from '../../memory/heap-census.ts';

const SMALL = { maxBytes: 1024 * 1024, journalBytes: 64 * 1024 };
/** Turns pass these sequences: their low 32 bits change sign at 2³¹ and begin again at 2³². */
const BORDERS = [0, 2 ** 31 - 2, 2 ** 32 - 2, 2 ** 33 + 2 ** 31 - 2, 2 ** 52 + 2 ** 32 - 2];

afterEach(() => unwatch());

function newHeap(sequence = 0): Heap {
  const heap = new Heap(createHeapBuffer(SMALL));
  if (sequence > 0) heap.restoreSequence(sequence, 1);
  return heap;
}

/** What 16 roots lead to. */
function contents(heap: Heap): unknown {
  return Array.from({ length: 16 }, (_, slot) => {
    const ref = heap.load(heap.root(slot));
    return ref === 0 ? 0 : [ref, ...heap.i32.subarray(ref, ref + 4)];
  });
}

/** Allocates, frees, publishes, and overwrites words in place, one of them twice. */
function change(heap: Heap, value: number): void {
  for (let slot = 0; slot < 16; slot += 5) {
    const at = heap.root(slot);
    const old = heap.i32[at] as number;
    const ref = heap.alloc(slot === 10 ? 1500 : 4 + slot * 8);
    for (let word = 0; word < 4; word++) heap.i32[ref + word] = value + slot + word;
    heap.publish(at, ref);
    if (old !== 0) heap.free(old);
  }
  heap.set(heap.root(1), 40);
  heap.set(heap.root(1), 0);
}

function turn(heap: Heap, value: number): void {
  heap.begin();
  change(heap, value);
  heap.commit();
}

describe('the rollback journal', () => {
  for (const border of BORDERS) {
    it(`undoes a turn whose writer dies before any of its stores, from sequence ${border} on`, () => {
      const base = newHeap(border);
      for (let from = 0; from < 3; from++) {
        const before = contents(base);
        const census = takeHeapCensus(base);
        let undone = 0;
        let cut = 0;
        for (let died = true; died; cut++) {
          const dying = copyHeap(base);
          died = diesBefore(dying, cut, () => turn(dying, 100 * from));
          const successor = new Heap(dying.buffer);
          const sequence = successor.sequence();
          if (successor.recover()) undone++;
          expect(successor.sequence()).toBe(sequence);
          expect(successor.committed).toBe(sequence);
          if (sequence === border + from) {
            expect(contents(successor)).toEqual(before);
            expect(takeHeapCensus(successor)).toEqual(census);
            // The partition goes on.
            turn(successor, 7);
          } else {
            expect(successor.committed).toBe(border + from + 1);
          }
          takeHeapCensus(successor);
        }
        expect(undone).toBeGreaterThan(cut - 12);
        turn(base, 100 * from);
        for (let step = 0; step < 3; step++) base.maintain(50);
        expect(base.sequence()).toBe(border + from + 1);
      }
    });
  }

  it('gives the same when undoing dies before any of its stores and is begun again, twice', () => {
    const base = newHeap(2 ** 32 - 1);
    const before = contents(base);
    const census = takeHeapCensus(base);
    const dead = copyHeap(base);
    diesBefore(dead, 1e9, () => {
      dead.begin();
      change(dead, 1);
    });
    for (let first = 0, died = true; died; first++) {
      const once = copyHeap(dead);
      died = diesBefore(once, first, () => once.recover());
      for (let second = first % 5; second < 200; second += 40) {
        const twice = copyHeap(once);
        diesBefore(twice, second, () => twice.recover());
        const successor = new Heap(twice.buffer);
        successor.recover();
        expect(contents(successor)).toEqual(before);
        expect(takeHeapCensus(successor)).toEqual(census);
        expect(successor.recover()).toBe(false);
      }
    }
  });

  it('restores what was before when a turn throws, and takes no memory for it', () => {
    const heap = newHeap();
    turn(heap, 1);
    const before = contents(heap);
    const census = takeHeapCensus(heap);
    const length = heap.buffer.byteLength;
    for (let round = 0; round < 50; round++) {
      heap.begin();
      change(heap, round);
      expect(heap.changed()).toBe(true);
      heap.rollback();
      expect(heap.changed()).toBe(false);
    }
    expect(contents(heap)).toEqual(before);
    expect(takeHeapCensus(heap)).toEqual(census);
    expect(heap.buffer.byteLength).toBe(length);
    expect(heap.sequence()).toBe(1);
  });

  it('refuses a turn that changes more words than it holds, which is then undone', () => {
    const heap = newHeap();
    const capacity = SMALL.journalBytes / 8;
    heap.begin();
    for (let count = 0; count < capacity; count++) heap.set(heap.root(2), count);
    expect(() => heap.set(heap.root(2), capacity)).toThrow(ChangeSetTooLargeError);
    heap.rollback();
    expect(heap.load(heap.root(2))).toBe(0);
    heap.begin();
    for (let count = 0; count < capacity; count++) heap.set(heap.root(2), count);
    heap.commit();
    expect(heap.load(heap.root(2))).toBe(capacity - 1);
  });

  it('reclaims within its capacity whatever budget it is given', () => {
    const heap = newHeap();
    heap.begin();
    const refs = Array.from({ length: 2000 }, () => heap.alloc(20));
    heap.commit();
    for (let from = 0; from < refs.length; from += 500) {
      heap.begin();
      for (const ref of refs.slice(from, from + 500)) heap.free(ref);
      heap.commit();
    }
    let steps = 0;
    while (heap.maintain(1e9)) expect(++steps).toBeLessThan(50);
    expect(heap.usedBytes()).toBeLessThanOrEqual(4096);
    takeHeapCensus(heap);
  });

  it('shows every thread a sequence that was true, at each store of a turn across 2³¹ and 2³²', () => {
    for (const border of BORDERS.slice(1)) {
      const heap = newHeap(border);
      const reader = new Heap(heap.buffer);
      let looks = 0;
      let least = border;
      watchEveryStore(heap, () => {
        looks++;
        const seen = reader.sequence();
        expect(seen).toBeGreaterThanOrEqual(least);
        expect(seen).toBeLessThanOrEqual(heap.committed + 1);
      });
      for (let count = 0; count < 4; count++) {
        heap.begin();
        heap.set(heap.root(0), count);
        if (count === 2) heap.rollback();
        else heap.commit();
        least = heap.committed;
      }
      unwatch(heap);
      expect(looks).toBeGreaterThan(20);
      expect(reader.sequence()).toBe(border + 3);
      expect(heap.i32[JOURNAL_COUNT]).toBe(0);
    }
  });

  it('takes a sequence over from a store as a whole, whatever line the thread dies on', () => {
    for (const sequence of [1, 2 ** 31, 2 ** 32, 2 ** 32 + 7, 2 ** 33 + 2 ** 31 + 7]) {
      let cut = 0;
      for (let died = true; died; cut++) {
        const heap = newHeap();
        died = diesBefore(heap, cut, () => heap.restoreSequence(sequence, 6));
        const successor = new Heap(heap.buffer);
        successor.recover();
        if (successor.sequence() === 0) {
          expect(successor.epoch).toBe(0);
          successor.restoreSequence(sequence, 6);
        }
        expect([successor.sequence(), successor.committed, successor.epoch]).toEqual([sequence, sequence, 6]);
        expect(unansweredTurns(successor)).toBe(0);
      }
      expect(cut).toBeGreaterThan(4);
    }
  });

  it('refuses a second turn in a turn, and changes outside of one', () => {
    const heap = newHeap();
    expect(() => heap.commit()).toThrow('a turn is open');
    expect(() => heap.rollback()).toThrow('a turn is open');
    expect(() => heap.free(heap.root(0))).toThrow('blocks are freed inside a turn');
    heap.begin();
    expect(() => heap.begin()).toThrow('do not overlap');
    expect(() => heap.maintain(1)).toThrow('between turns');
    expect(() => heap.restoreSequence(5, 1)).toThrow('only a heap without turns');
  });
});
