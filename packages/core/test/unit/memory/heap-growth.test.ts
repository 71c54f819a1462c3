import { describe, expect, it } from 'vitest';
import { CapacityError, InvalidOptionError } from '../../../src/errors/grid-errors.ts';
import { Heap } from '../../../src/memory/heap.ts';
import { createHeapBuffer, growBuffer } from '../../../src/memory/heap-layout.ts';
import { JOURNAL_CAPACITY, PAGE_COUNT_MAX, PIN_COUNT } from '../../../src/memory/heap-words.ts';
import { RESERVE_PAGES } from '../../../src/memory/page-allocator.ts';
import { ReaderPin } from '../../../src/memory/pins.ts';
import { reach } from '../../../src/structures/reach.ts';
import { takeHeapCensus } from '../../memory/heap-census.ts';

const MIB = 1024 * 1024;
const SMALL = { maxBytes: MIB, journalBytes: 64 * 1024 };
/** That can be handed out: page 0 is none. */
const PAGES = 255;

/** Allocates blocks of `words` in a turn each, until the heap refuses; what was handed out. */
function fill(heap: Heap, words: number): number[] {
  const refs: number[] = [];
  for (;;) {
    heap.begin();
    try {
      refs.push(heap.alloc(words));
      heap.commit();
    } catch (error) {
      heap.rollback();
      expect(error).toBeInstanceOf(CapacityError);
      return refs;
    }
  }
}

describe('a heap buffer', () => {
  it('takes options from the least to the most, and refuses those beyond', () => {
    const words = (options: Parameters<typeof createHeapBuffer>[0]): Int32Array =>
      new Int32Array(createHeapBuffer(options), 0, 8);
    expect(words({ maxBytes: MIB })[PAGE_COUNT_MAX]).toBe(256);
    expect(() => createHeapBuffer({ maxBytes: MIB - 1 })).toThrow(InvalidOptionError);
    expect(words({ readersMax: 1 })[PIN_COUNT]).toBe(1);
    expect(words({ readersMax: 96 })[PIN_COUNT]).toBe(96);
    for (const readersMax of [0, 97, 1.5]) expect(() => createHeapBuffer({ readersMax })).toThrow(InvalidOptionError);
    expect(words({ journalBytes: 65_536 })[JOURNAL_CAPACITY]).toBe(8192);
    for (const journalBytes of [65_535, 2 ** 33, Number.NaN]) {
      expect(() => createHeapBuffer({ journalBytes })).toThrow(InvalidOptionError);
    }
  });

  it('never grows beyond what 32-bit references reach', () => {
    expect(() => createHeapBuffer({ maxBytes: 8 * 1024 * MIB })).toThrow(InvalidOptionError);
    expect(() => createHeapBuffer({ maxBytes: 8 * 1024 * MIB - 65_536 })).toThrow(InvalidOptionError);
    const buffer = createHeapBuffer({ maxBytes: 7.9 * 1024 * MIB });
    expect(buffer.maxByteLength / 4).toBeLessThanOrEqual(2 ** 31);
  });

  it('is refused by a heap when it is something else', () => {
    expect(() => new Heap(new SharedArrayBuffer(65_536))).toThrow('the buffer is a partition heap');
  });
});

describe('a growing heap', () => {
  it('makes its views anew, of fixed length, and keeps what they showed', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    heap.begin();
    const ref = heap.alloc(8);
    heap.i32[ref] = 77;
    const before = heap.i32;
    while (heap.i32 === before) heap.alloc(500);
    heap.commit();
    expect(before.length).toBeLessThan(heap.i32.length);
    expect(before[before.length]).toBeUndefined();
    expect(heap.i32[ref]).toBe(77);
    expect(heap.f64.byteLength).toBe(heap.u8.byteLength);
    expect(heap.i32.byteLength).toBe(heap.buffer.byteLength);
  });

  it('is followed by a reader that meets a reference beyond its views', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    const reader = new Heap(heap.buffer);
    const short = reader.i32.length;
    heap.begin();
    let ref = 0;
    while (ref < short) ref = heap.alloc(500);
    heap.i32[ref + 499] = 5;
    heap.publish(heap.root(0), ref);
    heap.commit();
    const met = reader.load(reader.root(0));
    expect(reader.i32[met]).toBeUndefined();
    reach(reader, met, 500);
    expect(reader.i32[met + 499]).toBe(5);
    expect(() => reach(reader, reader.buffer.byteLength / 4 - 1, 2)).toThrow('reused');
    expect(() => reach(reader, 0, 1)).toThrow('reused');
  });

  it('hands out all pages of its maximum but the reserve, and then refuses', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    const refs = fill(heap, 1020);
    expect(refs.length).toBe(PAGES - RESERVE_PAGES);
    expect(heap.usedBytes()).toBe((PAGES - RESERVE_PAGES) * 4096);
    expect(takeHeapCensus(heap).blocks).toEqual(new Set(refs));
  });

  it('keeps the reserve for turns that take away, until their end', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    fill(heap, 1020);
    heap.begin();
    heap.takeReserve();
    for (let page = 0; page < RESERVE_PAGES; page++) heap.alloc(1020);
    expect(() => heap.alloc(1)).toThrow(CapacityError);
    heap.rollback();
    heap.begin();
    expect(() => heap.alloc(1)).toThrow(CapacityError);
    heap.rollback();
    expect(() => heap.takeReserve()).toThrow('a turn is open');
    expect(takeHeapCensus(heap).usedPages).toBe(PAGES - RESERVE_PAGES);
  });

  it('has the reserve in hand where the budget allows no more', () => {
    let left = MIB;
    const heap = new Heap(createHeapBuffer({ maxBytes: 64 * MIB, journalBytes: 64 * 1024 }), {
      mayGrow: (bytes) => {
        if (bytes > left) return false;
        left -= bytes;
        return true;
      },
    });
    fill(heap, 1020);
    heap.begin();
    heap.takeReserve();
    for (let page = 0; page < RESERVE_PAGES; page++) heap.alloc(1020);
    heap.commit();
    takeHeapCensus(heap);
  });

  it('tells the budget all that it takes from the system, and takes the least when more is refused', () => {
    let left = 2 * MIB;
    let taken = 0;
    const asked: number[] = [];
    const heap = new Heap(createHeapBuffer({ maxBytes: 64 * MIB, journalBytes: 64 * 1024 }), {
      mayGrow: (bytes) => {
        asked.push(bytes);
        if (bytes > left) return false;
        left -= bytes;
        taken += bytes;
        return true;
      },
    });
    const initial = heap.buffer.byteLength;
    fill(heap, 1020);
    expect(heap.buffer.byteLength - initial).toBe(taken);
    expect(left).toBeLessThan(65_536);
    // Steps of an eighth on the way, the least at the end.
    expect(Math.max(...asked)).toBeGreaterThan(65_536);
    expect(asked.at(-1)).toBe(65_536);
    expect(heap.usedBytes()).toBeGreaterThan(2 * MIB - 2 * 65_536);
  });
});

it('a growth that the system refuses takes nothing of the budget', () => {
  let charged = 0;
  const refusing = {
    byteLength: MIB,
    maxByteLength: 64 * MIB,
    grow(): void {
      throw new RangeError('out of memory');
    },
  } as unknown as SharedArrayBuffer;
  const asked: number[] = [];
  const mayGrow = (bytes: number): boolean => {
    asked.push(bytes);
    charged += bytes;
    return true;
  };
  expect(growBuffer(refusing, 0, (MIB + 4096) / 4, mayGrow)).toBe(false);
  // An eighth of its size, then the least that will do.
  expect(asked).toEqual([MIB / 8, -MIB / 8, 65_536, -65_536]);
  expect(charged).toBe(0);
});

describe('a heap at its budget', () => {
  it('undoes the turn that was refused, and goes on with what is free', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    const refs = fill(heap, 1020);
    const before = heap.i32.slice(heap.root(0), heap.root(127));
    const journal = takeHeapCensus(heap);
    heap.begin();
    heap.publish(heap.root(5), 9);
    heap.free(refs[0] as number);
    expect(() => heap.alloc(4)).toThrow(CapacityError);
    heap.rollback();
    expect(heap.i32.slice(heap.root(0), heap.root(127))).toEqual(before);
    expect(takeHeapCensus(heap)).toEqual(journal);
    heap.begin();
    for (const ref of refs) heap.free(ref);
    heap.commit();
    for (let step = 0; step < 100; step++) heap.maintain(50);
    expect(heap.usedBytes()).toBe(0);
    expect(takeHeapCensus(heap).freeRuns).toEqual([PAGES - RESERVE_PAGES]);
    expect(fill(heap, 1020).length).toBe(PAGES - RESERVE_PAGES);
  });

  it('gives a single freed block back once memory was refused', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    const refs = fill(heap, 1020);
    heap.begin();
    heap.free(refs[9] as number);
    heap.commit();
    for (let step = 0; step < 3; step++) heap.maintain(50);
    heap.begin();
    expect(heap.alloc(1020)).toBe(refs[9]);
    expect(() => heap.alloc(1020)).toThrow(CapacityError);
    heap.rollback();
  });

  it('frees what waits only when no pin is older', () => {
    const heap = new Heap(createHeapBuffer(SMALL));
    const refs = fill(heap, 1020);
    const pin = new ReaderPin(new Heap(heap.buffer), 0);
    pin.enter();
    heap.begin();
    for (const ref of refs) heap.free(ref);
    heap.commit();
    for (let step = 0; step < 20; step++) heap.maintain(500);
    heap.begin();
    heap.publish(heap.root(0), 1);
    expect(() => heap.alloc(4)).toThrow(CapacityError);
    heap.rollback();
    // Undoing has revoked the pin.
    expect(pin.leave()).toBe(false);
    for (let step = 0; step < 20; step++) heap.maintain(500);
    expect(heap.usedBytes()).toBe(0);
  });
});
