/**
 * Finds many keys at once: all buckets are touched before the first is searched, and all records before the first is
 * compared, so that the processor waits for many cache misses at a time instead of one after the other.
 */
import { mixHash, SLOTS, slotsWithTag, tagPattern } from './index-layout.ts';
import type { IndexReader } from './index-reader.ts';

/** Keys in one place: the bytes of key i begin at offsets[i] and are lengths[i]; hashes[i] is their hash. */
export interface KeyBatch {
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly hashes: Int32Array;
}

/** Keys of one round: their buckets and records fit the first-level cache. */
const ROUND = 64;
/** Most records have their key and fields in the line of their first word and in that of this one. */
const SECOND_LINE = 10;

export class BatchFinder {
  /** For each key of a round its home bucket, then the slot in it whose tag agrees. */
  private readonly places: Int32Array;
  /** Keeps the touching loads from being optimized away. */
  touched: number;

  constructor() {
    this.places = new Int32Array(ROUND);
    this.touched = 0;
  }

  /** Puts the record reference of each key, or 0, in `refs`. Any thread, under its pin; allocates nothing. */
  find(index: IndexReader, keys: KeyBatch, refs: Int32Array): void {
    for (let first = 0; first < keys.count; first += ROUND) {
      this.findRound(index, keys, first, Math.min(ROUND, keys.count - first), refs);
    }
  }

  private findRound(index: IndexReader, keys: KeyBatch, first: number, count: number, refs: Int32Array): void {
    const { heap } = index;
    const places = this.places;
    const { hashes, offsets, lengths, bytes } = keys;
    for (let key = 0; key < count; key++) places[key] = index.locate(mixHash(hashes[first + key] as number));
    const i32 = heap.i32;
    let touched = 0;
    for (let key = 0; key < count; key++) touched ^= i32[places[key] as number] as number;
    for (let key = 0; key < count; key++) {
      const bucket = places[key] as number;
      if (bucket === 0) continue;
      const marks = slotsWithTag(i32, bucket, tagPattern(mixHash(hashes[first + key] as number)));
      places[key] = marks === 0 ? 0 : bucket + SLOTS + 31 - Math.clz32(marks & -marks);
    }
    const last = i32.length - SECOND_LINE - 1;
    for (let key = 0; key < count; key++) {
      // A plain load: the reference is only a hint which memory to touch.
      const ref = i32[places[key] as number] as number;
      if (ref > 0 && ref <= last) touched ^= (i32[ref] as number) ^ (i32[ref + SECOND_LINE] as number);
    }
    this.touched ^= touched;
    for (let key = 0; key < count; key++) {
      const at = first + key;
      const hash = hashes[at] as number;
      const offset = offsets[at] as number;
      const length = lengths[at] as number;
      const slot = places[key] as number;
      // Observe: pairs with the publish of insert and replace.
      const ref = slot === 0 ? 0 : heap.load(slot);
      refs[at] =
        ref !== 0 && index.holds(ref, hash, bytes, offset, length) ? ref : index.findBytes(hash, bytes, offset, length);
    }
  }
}
