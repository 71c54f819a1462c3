import { afterEach, describe, expect, it } from 'vitest';
import { CapacityError, ChangeSetTooLargeError } from '../../../src/errors/grid-errors.ts';
import { Heap } from '../../../src/memory/heap.ts';
import { createHeapBuffer } from '../../../src/memory/heap-layout.ts';
import { OUTBOX_FIRST, OUTBOX_LAST, OUTBOX_SPARE } from '../../../src/memory/heap-words.ts';
import { ENTRY_CLIENT, ENTRY_REQUEST, entrySequence, OutboxReader, OutboxWriter } from '../../../src/memory/outbox.ts';
import { ReaderPin } from '../../../src/memory/pins.ts';
import { copyHeap, diesBefore, unwatch } from '../../memory/every-store.ts';
import { takeHeapCensus } from '../../memory/heap-census.ts';
import { appendEntry, checkEntry, writeEntry } from '../../memory/outbox-entries.ts';

const OPTIONS = { maxBytes: 4 * 1024 * 1024, journalBytes: 64 * 1024 };
const ENTRY_BYTES_MAX = 1024 * 1024;
const SEGMENT_BYTES = 16_380 * 4;

afterEach(() => unwatch());

function newOutbox(sequence = 0): { heap: Heap; outbox: OutboxWriter } {
  const heap = new Heap(createHeapBuffer(OPTIONS));
  if (sequence > 0) heap.restoreSequence(sequence, 1);
  const outbox = new OutboxWriter(heap, ENTRY_BYTES_MAX);
  outbox.format();
  return { heap, outbox };
}

function follow(heap: Heap, after: number): { heap: Heap; reader: OutboxReader } {
  const own = new Heap(heap.buffer);
  return { heap: own, reader: new OutboxReader(own, after, new ReaderPin(own, 0)) };
}

/** Reads and checks all there is; the sequence reached. */
function drain(heap: Heap, after: number, lengths?: (sequence: number) => number): number {
  const { heap: own, reader } = follow(heap, after);
  while (reader.next()) checkEntry(own, reader, lengths?.(reader.sequence));
  return reader.sequence;
}

function segments(heap: Heap): number {
  let count = 1;
  for (let at = heap.i32[OUTBOX_FIRST] as number; at !== heap.i32[OUTBOX_LAST]; at = heap.i32[at] as number) count++;
  return count;
}

describe('an outbox', () => {
  it('gives a reader every committed entry, in order and whole, and none before its commit', () => {
    const { heap, outbox } = newOutbox();
    const { heap: own, reader } = follow(heap, 0);
    expect(reader.next()).toBe(false);
    for (let count = 1; count <= 300; count++) {
      heap.begin();
      writeEntry(heap, outbox, count % 97 === 0 ? 200_000 : count * 7);
      expect(reader.next()).toBe(false);
      heap.commit();
      expect(reader.next()).toBe(true);
      expect(reader.sequence).toBe(count);
      checkEntry(own, reader, count % 97 === 0 ? 200_000 : count * 7);
      outbox.trim(count, true);
      heap.maintain(100);
    }
    expect(reader.next()).toBe(false);
  });

  for (const border of [2 ** 31 - 3, 2 ** 32 - 3, 2 ** 52 + 2 ** 32 - 3]) {
    it(`goes on across sequence ${border + 3}`, () => {
      const { heap, outbox } = newOutbox(border);
      for (let count = 0; count < 6; count++) {
        appendEntry(heap, outbox, count === 2 ? 70_000 : 40);
        expect(drain(heap, border, (sequence) => (sequence === border + 3 ? 70_000 : 40))).toBe(border + count + 1);
      }
      const sequences: number[] = [];
      outbox.forEachEntry((entry) => sequences.push(entrySequence(heap.i32, entry)));
      expect(sequences).toEqual([1, 2, 3, 4, 5, 6].map((step) => border + step));
      for (let durable = border; durable <= border + 6; durable++) outbox.trim(durable, true);
      expect(segments(heap)).toBe(1);
    });
  }

  it('begins for a reader behind any watermark, in whatever segment that lies', () => {
    const { heap, outbox } = newOutbox();
    for (let count = 0; count < 40; count++) appendEntry(heap, outbox, 8000);
    expect(segments(heap)).toBeGreaterThan(4);
    for (let after = 0; after <= 40; after++) expect(drain(heap, after, () => 8000)).toBe(40);
    // A store that is ahead of the outbox waits.
    expect(follow(heap, 45).reader.next()).toBe(false);
  });

  it('fills a segment to its last word, whatever the entries leave over', () => {
    for (let first = 0; first < 48; first += 4) {
      const { heap, outbox } = newOutbox();
      const lengths = [0, first, 60_000, 2000];
      while (segments(heap) < 3) {
        lengths.push(heap.committed % 5 === 0 ? 0 : 1000 + heap.committed * 4);
        appendEntry(heap, outbox, lengths[heap.committed + 1]);
      }
      expect(drain(heap, 0, (sequence) => lengths[sequence] as number)).toBe(heap.committed);
    }
  });

  it('takes entries to its limit and refuses the next byte; the turn is undone and the partition goes on', () => {
    const { heap, outbox } = newOutbox();
    const largest = ENTRY_BYTES_MAX - 12;
    appendEntry(heap, outbox, largest);
    heap.begin();
    expect(() => writeEntry(heap, outbox, ENTRY_BYTES_MAX + 1)).toThrow(ChangeSetTooLargeError);
    heap.rollback();
    appendEntry(heap, outbox, 5);
    expect(drain(heap, 0, (sequence) => (sequence === 1 ? largest : 5))).toBe(2);
  });

  it('frees segments only behind the watermark, and keeps no more than two when all is durable', () => {
    const { heap, outbox } = newOutbox();
    const formatted = heap.usedBytes();
    for (let count = 0; count < 100; count++) appendEntry(heap, outbox, 5000);
    const kept = segments(heap);
    for (let round = 0; round < 50; round++) outbox.trim(40, true);
    expect(segments(heap)).toBeLessThan(kept);
    expect(drain(heap, 40, () => 5000)).toBe(100);
    expect(() => drain(heap, 2, () => 5000)).toThrow('outbox entries have no gaps');
    for (let round = 0; round < 50; round++) outbox.trim(100, true);
    expect(segments(heap)).toBe(1);
    for (let step = 0; step < 50; step++) heap.maintain(100);
    expect(heap.usedBytes()).toBe(formatted);
    takeHeapCensus(heap);
  });

  it('begins anew in its first segment while nobody follows', () => {
    const { heap, outbox } = newOutbox();
    const used = heap.usedBytes();
    for (let count = 0; count < 2000; count++) {
      appendEntry(heap, outbox, 1000);
      outbox.trim(heap.committed, false);
    }
    expect(segments(heap)).toBe(1);
    for (let step = 0; step < 10; step++) heap.maintain(100);
    expect(heap.usedBytes()).toBe(used);
  });

  it('counts its bytes modulo 2³²', () => {
    const { heap, outbox } = newOutbox();
    heap.i32[163] = -8;
    appendEntry(heap, outbox, 4);
    expect(outbox.totalBytes()).toBe((10 + 1 + 3) * 4 - 8);
  });

  it('shows a successor the entries that are committed, with their requests', () => {
    const { heap, outbox } = newOutbox();
    for (let count = 0; count < 30; count++) appendEntry(heap, outbox, 6000);
    heap.begin();
    writeEntry(heap, outbox, 90_000);
    const successor = new Heap(heap.buffer);
    successor.recover();
    const seen: number[] = [];
    new OutboxWriter(successor, ENTRY_BYTES_MAX).forEachEntry((entry) => {
      expect(successor.i32[entry + ENTRY_CLIENT]).toBe(3);
      seen.push(successor.i32[entry + ENTRY_REQUEST] as number);
    });
    expect(seen).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
  });
});

describe('an outbox whose writer dies before any store', () => {
  const turns: Record<string, { before: number[]; bytes: number }> = {
    'of a first entry': { before: [], bytes: 30 },
    'of an entry that begins the segment in hand': { before: [60_000, 4000], bytes: 50 },
    'of an entry that begins a fresh segment': { before: [60_000, 60_000, 4400], bytes: 50 },
    'of an entry that outgrows its segment': { before: [50_000], bytes: 20_000 },
    'of an entry larger than a segment': { before: [10], bytes: 70_000 },
  };
  for (const [name, { before, bytes }] of Object.entries(turns)) {
    it(`has what was committed: ${name}`, () => {
      const base = newOutbox();
      for (const length of before) appendEntry(base.heap, base.outbox, length);
      const lengths = [0, ...before, bytes];
      let cut = 0;
      for (let died = true; died; cut += cut < 60 ? 1 : Math.ceil(bytes / 40)) {
        const heap = copyHeap(base.heap);
        died = diesBefore(heap, cut, () => appendEntry(heap, new OutboxWriter(heap, ENTRY_BYTES_MAX), bytes));
        const successor = new Heap(heap.buffer);
        successor.recover();
        const outbox = new OutboxWriter(successor, ENTRY_BYTES_MAX);
        expect(drain(successor, 0, (sequence) => lengths[sequence] as number)).toBe(successor.committed);
        const next = successor.committed + 1;
        appendEntry(successor, outbox, 77);
        expect(drain(successor, 0, (sequence) => (sequence === next ? 77 : (lengths[sequence] as number)))).toBe(next);
        takeHeapCensus(successor);
      }
      expect(cut).toBeGreaterThan(40);
    });
  }

  it('trims once, whatever line it dies on', () => {
    const base = newOutbox();
    for (let count = 0; count < 30; count++) appendEntry(base.heap, base.outbox, 8000);
    // Eight entries fill a segment: one is freed, then all but the last.
    for (const [durable, least] of [
      [10, segments(base.heap) - 1],
      [30, 1],
    ] as const) {
      let cut = 0;
      for (let died = true; died; cut++) {
        const heap = copyHeap(base.heap);
        died = diesBefore(heap, cut, () => new OutboxWriter(heap, ENTRY_BYTES_MAX).trim(durable, true));
        const successor = new Heap(heap.buffer);
        successor.recover();
        takeHeapCensus(successor);
        expect(segments(successor)).toBeGreaterThanOrEqual(least);
        expect(drain(successor, durable, () => 8000)).toBe(30);
        const outbox = new OutboxWriter(successor, ENTRY_BYTES_MAX);
        for (let round = 0; round < 10; round++) outbox.trim(30, true);
        expect(segments(successor)).toBe(1);
        for (let step = 0; step < 10; step++) successor.maintain(100);
        // The last segment, and the one in hand; up to 64 pages wait for company.
        expect(successor.usedBytes()).toBeLessThan(6 * 65_536);
      }
      expect(cut).toBeGreaterThan(4);
      base.outbox.trim(durable, true);
    }
  });
});

describe('an outbox in a full heap', () => {
  it('still takes turns of usual size, while its entries become durable', () => {
    const { heap, outbox } = newOutbox();
    const refs: number[] = [];
    let refused = 0;
    while (refused < 1000) {
      appendEntry(heap, outbox, 1000);
      heap.begin();
      try {
        writeEntry(heap, outbox, 100);
        refs.push(heap.alloc(1020));
        heap.commit();
      } catch (error) {
        expect(error).toBeInstanceOf(CapacityError);
        heap.rollback();
        refused++;
      }
      outbox.trim(heap.committed, true);
      heap.maintain(100);
    }
    heap.begin();
    writeEntry(heap, outbox, 100);
    for (const ref of refs.splice(0, 40)) heap.free(ref);
    heap.commit();
    for (let step = 0; step < 10; step++) heap.maintain(100);
    appendEntry(heap, outbox, SEGMENT_BYTES);
    heap.begin();
    heap.alloc(1020);
    heap.commit();
    expect(heap.i32[OUTBOX_SPARE]).not.toBe(0);
  });
});
