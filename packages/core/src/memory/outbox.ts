/**
 * The outbox of a partition: what its turns changed, answered and sent, in order of sequence, in segments of the heap.
 *
 * An entry is written by the turn that it belongs to, before the commit store, and may be read when its sequence is at
 * most the committed one. So the one store also makes it visible, and consumes the request that it names.
 *
 * ```
 * segment: [next segment, sequence of its first entry low, high, –] entries … END       (64 KiB, or one larger entry)
 * entry:   [words, sequence low, sequence high, client, request, flags, change bytes, reply bytes,
 *           bytes of all entries up to and with this one (modulo 2³²), –, changes…, reply…]   each part padded to whole words
 * ```
 *
 * Roles: the partition thread appends and frees segments; the durability thread follows by OutboxReader, never further than
 * the committed sequence. A segment is freed only when its entries are answered and the watermark has reached the first
 * entry of the next one: the durability thread has then left it.
 * Staleness: a reader sees all entries up to the sequence that it loaded (acquire; pairs with the commit store).
 */
import { assert } from '../assert.ts';
import { CapacityError, ChangeSetTooLargeError } from '../errors/grid-errors.ts';
import type { Heap } from './heap.ts';
import { OUTBOX_BYTES, OUTBOX_FIRST, OUTBOX_LAST, OUTBOX_POSITION, OUTBOX_SPARE } from './heap-words.ts';
import type { ReaderPin } from './pins.ts';

export const ENTRY_WORDS = 10;
const SEGMENT_HEAD_WORDS = 4;
const SEGMENT_WORDS = 16_380;
const END = -1;
const LOW_RANGE = 4_294_967_296;
const SEEK_ATTEMPTS_MAX = 1000;
const TRIM_SEGMENTS_MAX = 32;
/** Room that a fresh turn finds without moving its entry to a larger segment. */
const ROOM_MIN_WORDS = 256;

/** Word offsets inside an entry. */
export const ENTRY_SEQUENCE_LOW = 1;
export const ENTRY_SEQUENCE_HIGH = 2;
export const ENTRY_CLIENT = 3;
export const ENTRY_REQUEST = 4;
export const ENTRY_FLAGS = 5;
export const ENTRY_CHANGE_BYTES = 6;
export const ENTRY_REPLY_BYTES = 7;
const ENTRY_TOTAL_BYTES = 8;

/** Set (in place, after the reply was copied to its ring) in an entry's flags. */
export const ENTRY_ANSWERED = 1;

export class OutboxWriter {
  private readonly heap: Heap;
  /** Largest change set with its reply and messages, in bytes. */
  readonly entryBytesMax: number;
  /** Word index of the running entry. */
  private entry: number;
  /** The last segment and its capacity, as last looked up. */
  private segment: number;
  private segmentWords: number;
  /** First byte of the running entry's body, and the end of the room that it has. */
  bodyStart: number;
  bodyEnd: number;
  /** A segment was begun since `refill`: there may be none in hand. */
  isSpareUsed: boolean;

  constructor(heap: Heap, entryBytesMax: number) {
    this.heap = heap;
    this.entryBytesMax = entryBytesMax;
    this.entry = 0;
    this.segment = 0;
    this.segmentWords = 0;
    this.bodyStart = 0;
    this.bodyEnd = 0;
    this.isSpareUsed = false;
  }

  /** Makes the first segment of a new heap, and the one in hand. */
  format(): void {
    const heap = this.heap;
    if (heap.i32[OUTBOX_FIRST] !== 0) return;
    heap.begin();
    const segment = this.addSegment(SEGMENT_WORDS);
    heap.set(OUTBOX_FIRST, segment);
    heap.set(OUTBOX_SPARE, heap.alloc(SEGMENT_WORDS));
    heap.endMaintenance();
  }

  /** Opens the entry of the turn that was begun; the body may be written from `bodyStart` to `bodyEnd` (bytes of `heap.u8`). */
  open(): void {
    const heap = this.heap;
    const segment = heap.i32[OUTBOX_LAST] as number;
    const position = heap.i32[OUTBOX_POSITION] as number;
    // A segment of the same place is of the same size: blocks of this size are runs of pages, and a longer one is moved to.
    const capacity = segment === this.segment ? this.segmentWords : this.look(segment);
    if (position + ENTRY_WORDS + ROOM_MIN_WORDS + 1 > capacity) {
      this.moveToSegment(SEGMENT_WORDS);
      return;
    }
    this.place(segment + position, segment + capacity - 1);
  }

  /**
   * Gives the running entry more room when its body has outgrown `bodyEnd`: its first `usedBytes` move along. Throws
   * ChangeSetTooLargeError beyond the limit. The caller re-reads `bodyStart`, `bodyEnd` and `heap.u8`.
   */
  extend(usedBytes: number, neededBytes: number): void {
    if (neededBytes > this.entryBytesMax) {
      throw new ChangeSetTooLargeError(
        `a turn of partition ${this.heap.partition} changes and answers more than ${this.entryBytesMax} bytes: write in smaller turns`,
      );
    }
    const heap = this.heap;
    const from = this.bodyStart;
    const words = Math.min(this.entryBytesMax, Math.max(neededBytes, usedBytes * 2)) / 4;
    this.moveToSegment(Math.max(SEGMENT_WORDS, Math.ceil(words) + SEGMENT_HEAD_WORDS + ENTRY_WORDS + 1));
    heap.u8.copyWithin(this.bodyStart, from, from + usedBytes);
  }

  /** Seals the running entry; the caller commits next. The two parts stand one behind the other, each padded to words. */
  seal(client: number, request: number, flags: number, changeBytes: number, replyBytes: number): number {
    const heap = this.heap;
    const i32 = heap.i32;
    const entry = this.entry;
    const words = ENTRY_WORDS + padWords(changeBytes) + padWords(replyBytes);
    assert(entry + words <= this.bodyEnd >>> 2, 'the entry fits its segment');
    const sequence = heap.committed + 1;
    i32[entry] = words;
    i32[entry + ENTRY_SEQUENCE_LOW] = sequence | 0;
    i32[entry + ENTRY_SEQUENCE_HIGH] = sequence < LOW_RANGE ? 0 : Math.floor(sequence / LOW_RANGE);
    i32[entry + ENTRY_CLIENT] = client;
    i32[entry + ENTRY_REQUEST] = request;
    i32[entry + ENTRY_FLAGS] = flags;
    i32[entry + ENTRY_CHANGE_BYTES] = changeBytes;
    i32[entry + ENTRY_REPLY_BYTES] = replyBytes;
    heap.set(OUTBOX_POSITION, entry - (i32[OUTBOX_LAST] as number) + words);
    const total = ((i32[OUTBOX_BYTES] as number) + words * 4) | 0;
    i32[entry + ENTRY_TOTAL_BYTES] = total;
    heap.set(OUTBOX_BYTES, total);
    return entry;
  }

  /** Bytes that entries have taken since the heap was made, modulo 2³². */
  totalBytes(): number {
    return (this.heap.i32[OUTBOX_BYTES] as number) >>> 0;
  }

  /** Bytes of the entries that are still kept; up to one segment more. */
  keptBytes(): number {
    const { i32 } = this.heap;
    const first = i32[OUTBOX_FIRST] as number;
    if (first === i32[OUTBOX_LAST]) return ((i32[OUTBOX_POSITION] as number) - SEGMENT_HEAD_WORDS) * 4;
    return (this.totalBytes() - (i32[first + SEGMENT_HEAD_WORDS + ENTRY_TOTAL_BYTES] as number)) >>> 0;
  }

  /**
   * Between turns, when every entry is answered and nobody follows the outbox or all of it is durable for them by
   * `durable` (sequence): frees the segments before the one that still matters, and without a follower starts over. True when
   * it freed some: their memory is to be reclaimed, and there may be more.
   */
  trim(durable: number, followed: boolean): boolean {
    let freed = 0;
    // Bound: what a burst has filled is freed over several rounds.
    while (freed < TRIM_SEGMENTS_MAX && this.freeFirst(durable, followed)) freed++;
    return freed > 0;
  }

  /**
   * Between turns: sees to it that a segment is in hand, in which the next turns find room though the heap is full. False when
   * there is no room for one.
   */
  refill(): boolean {
    const heap = this.heap;
    if (heap.i32[OUTBOX_SPARE] === 0) {
      heap.begin();
      try {
        heap.set(OUTBOX_SPARE, heap.alloc(SEGMENT_WORDS));
      } catch (error) {
        heap.rollback();
        if (error instanceof CapacityError) return false;
        throw error;
      }
      heap.endMaintenance(false);
    }
    this.isSpareUsed = false;
    return true;
  }

  /** Calls back for each committed entry still kept, oldest first: what a successor answers and sends again. */
  forEachEntry(visit: (entry: number) => void): void {
    const heap = this.heap;
    const committed = heap.sequence();
    const last = heap.i32[OUTBOX_LAST] as number;
    for (let segment = heap.i32[OUTBOX_FIRST] as number; segment !== 0; segment = heap.i32[segment] as number) {
      const end = segment === last ? (heap.i32[OUTBOX_POSITION] as number) : this.capacity(segment);
      for (let at = SEGMENT_HEAD_WORDS; at < end; ) {
        const words = heap.i32[segment + at] as number;
        if (words === END) break;
        assert(entrySequence(heap.i32, segment + at) <= committed, 'a kept entry is committed');
        visit(segment + at);
        at += words;
      }
      if (segment === last) break;
    }
  }

  private freeFirst(durable: number, followed: boolean): boolean {
    const heap = this.heap;
    const i32 = heap.i32;
    const first = i32[OUTBOX_FIRST] as number;
    if (first === i32[OUTBOX_LAST]) {
      if (!followed && durable >= heap.sequence()) i32[OUTBOX_POSITION] = SEGMENT_HEAD_WORDS;
      return false;
    }
    const next = i32[first] as number;
    if (firstSequenceOf(i32, next) > durable) return false;
    heap.begin();
    // Publish: pairs with the load in `seek`. Readers that hold the old one under a pin keep it: see endMaintenance.
    heap.publish(OUTBOX_FIRST, next);
    if (heap.i32[OUTBOX_SPARE] === 0 && this.capacity(first) === SEGMENT_WORDS) heap.set(OUTBOX_SPARE, first);
    else heap.free(first);
    heap.endMaintenance();
    return true;
  }

  private place(entry: number, endWord: number): void {
    this.entry = entry;
    this.bodyStart = (entry + ENTRY_WORDS) * 4;
    this.bodyEnd = endWord * 4;
  }

  private moveToSegment(words: number): void {
    const segment = this.addSegment(words);
    this.place(segment + SEGMENT_HEAD_WORDS, segment + this.capacity(segment) - 1);
  }

  private addSegment(words: number): number {
    const heap = this.heap;
    this.isSpareUsed = true;
    let segment = words === SEGMENT_WORDS ? (heap.i32[OUTBOX_SPARE] as number) : 0;
    if (segment !== 0) heap.set(OUTBOX_SPARE, 0);
    else segment = heap.alloc(words);
    const i32 = heap.i32;
    const sequence = heap.committed + 1;
    i32[segment] = 0;
    i32[segment + 1] = sequence | 0;
    i32[segment + 2] = Math.floor(sequence / LOW_RANGE);
    const last = i32[OUTBOX_LAST] as number;
    if (last !== 0) {
      heap.set(last + (i32[OUTBOX_POSITION] as number), END);
      heap.set(last, segment);
    }
    heap.set(OUTBOX_LAST, segment);
    heap.set(OUTBOX_POSITION, SEGMENT_HEAD_WORDS);
    this.look(segment);
    return segment;
  }

  private look(segment: number): number {
    this.segment = segment;
    this.segmentWords = this.capacity(segment);
    return this.segmentWords;
  }

  private capacity(segment: number): number {
    return this.heap.capacityOf(segment);
  }
}

/** Follows a partition's outbox from another thread, up to the committed sequence. */
export class OutboxReader {
  private readonly heap: Heap;
  private readonly pin: ReaderPin;
  private segment: number;
  private position: number;
  /** Sequence of the current entry; before the first `next`, the one to continue after. */
  sequence: number;
  /** Byte offset and length of the current entry's change set in `heap.u8`. */
  changeOffset: number;
  changeBytes: number;
  private committed: number;
  private total: number;

  /**
   * @param after the sequence up to which entries are skipped (the watermark).
   * @param pin the calling thread's own, held only while the first segment is looked for.
   */
  constructor(heap: Heap, after: number, pin: ReaderPin) {
    this.heap = heap;
    this.pin = pin;
    this.segment = 0;
    this.position = SEGMENT_HEAD_WORDS;
    this.sequence = after;
    this.changeOffset = 0;
    this.changeBytes = 0;
    this.committed = after;
    this.total = 0;
  }

  /** Steps to the next committed entry; false when there is none yet. */
  next(): boolean {
    const heap = this.heap;
    if (this.sequence >= this.committed) {
      this.committed = heap.sequence();
      if (this.sequence >= this.committed) return false;
    }
    const at = this.front();
    this.position += heap.i32[at] as number;
    this.sequence++;
    this.changeOffset = (at + ENTRY_WORDS) * 4;
    this.changeBytes = heap.i32[at + ENTRY_CHANGE_BYTES] as number;
    this.total = heap.i32[at + ENTRY_TOTAL_BYTES] as number;
    return true;
  }

  /** Bytes that the outbox had taken up to and with the current entry, modulo 2³². */
  bytesBehind(): number {
    return this.total >>> 0;
  }

  /**
   * Bytes that the outbox had taken before the entry that `next` will step to, modulo 2³²: `committedBytes` less this is what
   * the reader has not passed. Only when there is such an entry.
   */
  passedBytes(): number {
    const at = this.front();
    const { i32 } = this.heap;
    return ((i32[at + ENTRY_TOTAL_BYTES] as number) - (i32[at] as number) * 4) >>> 0;
  }

  /** Bytes that the outbox has taken in all, modulo 2³². */
  committedBytes(): number {
    return Atomics.load(this.heap.i32, OUTBOX_BYTES) >>> 0;
  }

  /** The committed entry behind `sequence`, which there must be; the cursor stands at it. */
  private front(): number {
    const heap = this.heap;
    if (this.segment === 0) this.seek();
    for (;;) {
      const words = this.entryWords();
      const at = this.segment + this.position;
      heap.cover(at + words);
      const sequence = entrySequence(heap.i32, at);
      if (sequence > this.sequence) {
        assert(sequence === this.sequence + 1, 'outbox entries have no gaps');
        return at;
      }
      this.position += words;
    }
  }

  /** Length of the entry at the cursor, after stepping over the end of segments. */
  private entryWords(): number {
    const heap = this.heap;
    for (;;) {
      heap.cover(this.segment + this.position);
      const words = heap.i32[this.segment + this.position] as number;
      if (words !== END) {
        assert(words >= ENTRY_WORDS, 'a committed entry has a length');
        return words;
      }
      this.segment = heap.i32[this.segment] as number;
      assert(this.segment !== 0, 'an ended segment has a successor');
      this.position = SEGMENT_HEAD_WORDS;
    }
  }

  /**
   * Finds the segment that holds what comes after the watermark. Under a pin, since the partition thread may be freeing
   * older ones; and again when the first one has gone meanwhile, since that one may be in use anew as the last. The one found
   * stays, because segments are freed only behind the watermark, which is ours to move.
   */
  private seek(): void {
    const heap = this.heap;
    for (let attempt = 0; attempt < SEEK_ATTEMPTS_MAX; attempt++) {
      this.pin.enter();
      const first = heap.load(OUTBOX_FIRST);
      const segment = this.walkFrom(first);
      // An acquiring load may not be overtaken by those before it, which are acquiring too.
      const isSame = heap.load(OUTBOX_FIRST) === first;
      if (!this.pin.leave() || !isSame) continue;
      assert(segment !== 0, 'the outbox has been formatted');
      this.segment = segment;
      this.position = SEGMENT_HEAD_WORDS;
      return;
    }
    assert(false, 'an outbox segment is found while its pin holds');
  }

  private walkFrom(first: number): number {
    const heap = this.heap;
    let segment = first;
    // Bound: as many segments as the heap holds; links to reused memory end at its limits.
    for (let count = heap.buffer.byteLength / 4 / SEGMENT_WORDS; count > 0; count--) {
      heap.cover(segment + SEGMENT_HEAD_WORDS);
      const next = segment > 0 && segment < heap.i32.length ? heap.load(segment) : 0;
      heap.cover(next + SEGMENT_HEAD_WORDS);
      if (next <= 0 || next + SEGMENT_HEAD_WORDS > heap.i32.length) break;
      const sequence = heap.load(next + 2) * LOW_RANGE + (heap.load(next + 1) >>> 0);
      if (sequence > this.sequence) break;
      segment = next;
    }
    return segment;
  }
}

export function entrySequence(i32: Int32Array, entry: number): number {
  return (i32[entry + ENTRY_SEQUENCE_HIGH] as number) * LOW_RANGE + ((i32[entry + ENTRY_SEQUENCE_LOW] as number) >>> 0);
}

export function padWords(bytes: number): number {
  return (bytes + 3) >>> 2;
}

function firstSequenceOf(i32: Int32Array, segment: number): number {
  return (i32[segment + 2] as number) * LOW_RANGE + ((i32[segment + 1] as number) >>> 0);
}
