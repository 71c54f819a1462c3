import { describe, expect, it } from 'vitest';
import { Heap } from '../../../src/memory/heap.ts';
import { createHeapBuffer } from '../../../src/memory/heap-layout.ts';
import { LIMBO_OLD, PIN_WORDS, PINS, SEQUENCE_LOW } from '../../../src/memory/heap-words.ts';
import { PIN_REVOKED } from '../../../src/memory/pin-word.ts';
import { ReaderPin, releasePin } from '../../../src/memory/pins.ts';
import { diesBefore } from '../../memory/every-store.ts';
import { takeHeapCensus } from '../../memory/heap-census.ts';

const OPTIONS = { maxBytes: 64 * 1024 * 1024, journalBytes: 1024 * 1024, readersMax: 20 };
/** More than wait for company. */
const BLOCKS = 100;

function newHeap(): Heap {
  return new Heap(createHeapBuffer(OPTIONS));
}

/** Blocks in a turn, filled with `mark`, the first published. */
function allocate(heap: Heap, mark: number): number[] {
  heap.begin();
  const refs = Array.from({ length: BLOCKS }, () => heap.alloc(20));
  for (const ref of refs) heap.i32.fill(mark, ref, ref + 20);
  heap.publish(heap.root(0), refs[0] as number);
  heap.commit();
  return refs;
}

function free(heap: Heap, refs: readonly number[]): void {
  heap.begin();
  heap.publish(heap.root(0), 0);
  for (const ref of refs) heap.free(ref);
  heap.commit();
}

function maintain(heap: Heap): void {
  for (let step = 0; step < 20; step++) heap.maintain(1000);
}

function isReused(heap: Heap, refs: readonly number[]): boolean {
  return allocate(heap, -1).some((ref) => refs.includes(ref));
}

/** Goes on reclaiming until `done`, as a partition does between turns; the time that took. */
function maintainUntil(heap: Heap, done: () => boolean): number {
  const startedAt = performance.now();
  while (!done()) {
    heap.maintain(1000);
    if (performance.now() - startedAt > 10_000) throw new Error('memory is given back within 10 s');
  }
  return performance.now() - startedAt;
}

/** As many turns that change nothing. */
function pass(heap: Heap, turns: number): void {
  for (let left = turns; left > 0; left -= 2 ** 26 + 1) {
    const step = Math.min(left, 2 ** 26 + 1);
    heap.i32[SEQUENCE_LOW] = ((heap.i32[SEQUENCE_LOW] as number) + step) | 0;
    heap.committed += step;
    heap.maintain(1);
  }
}

describe('reclamation', () => {
  it('revokes a pin before it is so old that it seems new', () => {
    const heap = newHeap();
    const refs = allocate(heap, 1);
    const [hung, present] = [new ReaderPin(heap, 3), new ReaderPin(heap, 4)];
    hung.enter();
    pass(heap, 2 ** 29 + 2 ** 27);
    present.enter();
    free(heap, refs);
    maintain(heap);
    expect(present.leave()).toBe(true);
    expect(hung.leave()).toBe(false);
  });

  it('keeps pace with turns that free much, though nothing but turns comes in between', () => {
    const heap = newHeap();
    let most = 0;
    let refs = allocate(heap, 1);
    for (let turn = 0; turn < 2000; turn++) {
      heap.relieve();
      heap.begin();
      for (let copy = 0; copy < 3; copy++) {
        const copies = refs.map(() => heap.alloc(20));
        for (const ref of refs) heap.free(ref);
        refs = copies;
      }
      heap.commit();
      most = Math.max(most, heap.usedBytes());
    }
    // Without reclaiming the turns would take 60 MB; what lives is 10 KB, and a few thousand blocks are on their way back.
    expect(most).toBeLessThan(1024 * 1024);
  });

  it('reuses freed blocks after the turn has committed, and not in it', () => {
    const heap = newHeap();
    const refs = allocate(heap, 1);
    heap.begin();
    for (const ref of refs) heap.free(ref);
    const fresh = Array.from({ length: BLOCKS }, () => heap.alloc(20));
    expect(fresh.some((ref) => refs.includes(ref))).toBe(false);
    heap.commit();
    maintain(heap);
    expect(isReused(heap, refs)).toBe(true);
  });

  it('reuses nothing that a pin may see, and all of it when the pin is gone', () => {
    const heap = newHeap();
    const refs = allocate(heap, 5);
    const reader = new Heap(heap.buffer);
    const pin = new ReaderPin(reader, 7);
    pin.enter();
    const seen = reader.load(reader.root(0));
    free(heap, refs);
    maintain(heap);
    expect(isReused(heap, refs)).toBe(false);
    expect(reader.i32[seen + 19]).toBe(5);
    expect(pin.leave()).toBe(true);
    maintain(heap);
    expect(isReused(heap, refs)).toBe(true);
  });

  it('lets a pin that came after the turn stay', () => {
    const heap = newHeap();
    const refs = allocate(heap, 5);
    free(heap, refs);
    const pin = new ReaderPin(new Heap(heap.buffer), 0);
    pin.enter();
    maintain(heap);
    expect(isReused(heap, refs)).toBe(true);
    expect(pin.leave()).toBe(true);
  });

  it('keeps what maintenance unlinked until the next commit, since the sequence does not say who came after it', () => {
    const heap = newHeap();
    const refs = allocate(heap, 5);
    const reader = new Heap(heap.buffer);
    const pin = new ReaderPin(reader, 0);
    pin.enter();
    const seen = reader.load(reader.root(0));
    heap.begin();
    heap.publish(heap.root(0), 0);
    for (const ref of refs) heap.free(ref);
    heap.endMaintenance();
    maintain(heap);
    heap.begin();
    expect(Array.from({ length: BLOCKS }, () => heap.alloc(20)).some((ref) => refs.includes(ref))).toBe(false);
    heap.commit();
    expect(reader.i32[seen + 19]).toBe(5);
    expect(pin.leave()).toBe(true);
    maintain(heap);
    expect(isReused(heap, refs)).toBe(true);
  });

  it('gives what maintenance unlinked back without a commit while nobody reads', () => {
    const heap = newHeap();
    const refs = allocate(heap, 5);
    heap.begin();
    for (const ref of refs) heap.free(ref);
    heap.endMaintenance();
    maintain(heap);
    expect(isReused(heap, refs)).toBe(true);
  });

  it('takes a pin away that stays for 100 ms, and tells its reader', () => {
    const heap = newHeap();
    const refs = allocate(heap, 1);
    const pin = new ReaderPin(new Heap(heap.buffer), 19);
    pin.enter();
    free(heap, refs);
    heap.maintain(1000);
    const ms = maintainUntil(heap, () => heap.i32[LIMBO_OLD] === 0);
    expect(ms).toBeGreaterThan(95);
    expect(isReused(heap, refs)).toBe(true);
    expect(pin.leave()).toBe(false);
    // The next one holds again.
    pin.enter();
    expect(pin.leave()).toBe(true);
  });

  it('takes all pins away side by side when many readers hang', () => {
    const heap = newHeap();
    const pins = Array.from({ length: 20 }, (_, slot) => new ReaderPin(new Heap(heap.buffer), slot));
    const refs = allocate(heap, 1);
    for (const pin of pins) pin.enter();
    free(heap, refs);
    heap.maintain(1000);
    const ms = maintainUntil(heap, () => heap.i32[LIMBO_OLD] === 0);
    expect(ms).toBeLessThan(1000);
    expect(pins.map((pin) => pin.leave())).not.toContain(true);
  });

  it('does not take a pin for a hung one when its thread comes and goes', () => {
    const heap = newHeap();
    const pin = new ReaderPin(new Heap(heap.buffer), 0);
    const endAt = performance.now() + 250;
    let revoked = 0;
    while (performance.now() < endAt) {
      pin.enter();
      free(heap, allocate(heap, 1));
      heap.maintain(1000);
      if (!pin.leave()) revoked++;
    }
    expect(revoked).toBe(0);
  });

  it('frees the pin of a thread that died when its supervisor says so', () => {
    const heap = newHeap();
    const refs = allocate(heap, 1);
    new ReaderPin(new Heap(heap.buffer), 2).enter();
    free(heap, refs);
    maintain(heap);
    releasePin(heap, 2);
    maintain(heap);
    expect(isReused(heap, refs)).toBe(true);
  });

  it('goes on while readers hang again and again', () => {
    const heap = newHeap();
    const words = Array.from({ length: 8 }, (_, slot) => PINS + slot * PIN_WORDS);
    const pins = words.map((_, slot) => new ReaderPin(new Heap(heap.buffer), slot));
    for (const pin of pins) pin.enter();
    let drained = 0;
    const startedAt = performance.now();
    // Few blocks a turn: what they add up to in 100 ms is waited for, and nothing more.
    maintainUntil(heap, () => {
      const before = heap.i32[LIMBO_OLD];
      heap.begin();
      heap.free(heap.alloc(20));
      heap.commit();
      heap.maintain(100_000);
      if (before !== 0 && heap.i32[LIMBO_OLD] === 0) drained++;
      for (const [slot, pin] of pins.entries()) {
        if (heap.load(words[slot] as number) !== PIN_REVOKED) continue;
        expect(pin.leave()).toBe(false);
        pin.enter();
      }
      return drained === 4;
    });
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });

  it('revokes every pin when a turn is undone, since its blocks are free at once', () => {
    const heap = newHeap();
    const reader = new Heap(heap.buffer);
    const pins = Array.from({ length: 20 }, (_, slot) => new ReaderPin(reader, slot));
    heap.begin();
    const ref = heap.alloc(20);
    heap.publish(heap.root(0), ref);
    for (const pin of pins) pin.enter();
    expect(reader.load(reader.root(0))).toBe(ref);
    heap.rollback();
    heap.begin();
    expect(heap.alloc(20)).toBe(ref);
    heap.commit();
    expect(pins.map((pin) => pin.leave())).not.toContain(true);
    expect(reader.load(reader.root(0))).toBe(0);
    takeHeapCensus(heap);
  });

  it('revokes them wherever the thread dies that undoes a turn', () => {
    let died = true;
    for (let left = 0; died; left++) {
      const heap = newHeap();
      const reader = new Heap(heap.buffer);
      const pins = Array.from({ length: 3 }, (_, slot) => new ReaderPin(reader, slot));
      heap.begin();
      heap.publish(heap.root(0), heap.alloc(20));
      for (const pin of pins) pin.enter();
      died = diesBefore(heap, left, () => heap.rollback());
      new Heap(heap.buffer).recover();
      expect(pins.map((pin) => pin.leave())).not.toContain(true);
    }
  });

  it('leaves pins alone when an undone turn had changed nothing', () => {
    const heap = newHeap();
    const pin = new ReaderPin(new Heap(heap.buffer), 0);
    pin.enter();
    heap.begin();
    heap.rollback();
    expect(pin.leave()).toBe(true);
  });

  it('is gone on with by a successor, which looks at the pins anew', () => {
    const heap = newHeap();
    const refs = allocate(heap, 3);
    const reader = new Heap(heap.buffer);
    const pin = new ReaderPin(reader, 0);
    pin.enter();
    free(heap, refs);
    heap.maintain(1000);
    expect(heap.i32[LIMBO_OLD]).not.toBe(0);
    const successor = new Heap(heap.buffer);
    successor.recover();
    maintain(successor);
    expect(isReused(successor, refs)).toBe(false);
    expect(pin.leave()).toBe(true);
    maintain(successor);
    expect(isReused(successor, refs)).toBe(true);
  });

  for (const border of [2 ** 29 - 2, 2 ** 30 - 2, 2 ** 31 - 2, 2 ** 32 - 2]) {
    it(`knows older pins from younger ones around sequence ${border}`, () => {
      const heap = newHeap();
      heap.restoreSequence(border, 1);
      const reader = new Heap(heap.buffer);
      for (let round = 0; round < 5; round++) {
        const refs = allocate(heap, round);
        const older = new ReaderPin(reader, 0);
        const younger = new ReaderPin(reader, 1);
        older.enter();
        free(heap, refs);
        younger.enter();
        maintain(heap);
        expect(heap.i32[LIMBO_OLD]).not.toBe(0);
        expect(older.leave()).toBe(true);
        maintain(heap);
        expect(heap.i32[LIMBO_OLD]).toBe(0);
        expect(younger.leave()).toBe(true);
      }
    });
  }

  it('refuses a pin slot that does not exist', () => {
    const heap = newHeap();
    expect(() => new ReaderPin(heap, 20)).toThrow(RangeError);
    expect(() => new ReaderPin(heap, -1)).toThrow(RangeError);
  });
});
