/**
 * Finds records by key: what any thread does with a hash index. Memory map: index-layout.ts; the writer's half: hash-index.ts.
 *
 * Roles: one writer thread inserts, replaces, removes, clears, in a turn; any thread finds and scans, under a pin.
 * Progress: wait-free; a find looks at most at two buckets, and at an overflow chain where hashes collide by the hundred.
 * Staleness: none. Linearization: the load of the slot word that gives the reference; of a miss, a load of the slot, tag or
 * table word that shows the key absent.
 * Capacity: hundreds of millions of entries; of those that share one 32-bit hash, about 530, then CapacityError.
 *
 * Why a reader never sees half a record or loses an entry, on any architecture:
 *   1. A record is written by plain stores while nothing leads to it, then `publish`ed in a slot: Atomics.store, release. A
 *      reader takes slots by Atomics.load, acquire, so it sees the whole record. Records do not change afterwards.
 *   2. Insert: tag and hint words first (journalled plain stores), then the slot. A reader that still sees the old tag or hint
 *      misses an entry whose insert has not returned when its find began; after that, the pin's load of the sequence (or the
 *      request's arrival) orders the tag before the find. A reader with new tag and old slot finds 0 or another key's
 *      record, and compares the key: it goes on.
 *   3. Tags of four slots share one word, and every store of the word carries the other three unchanged: an entry that stays
 *      has its tag in every value that a reader can see. Entries never move inside a table; a free slot may be taken again.
 *   4. Replace: one store of the slot word. Before it a reader gets the old record, after it the new one; tag and hash agree.
 *   5. Remove: the slot becomes 0 first, then tag and hint. A reader gets the record, or 0.
 *   6. Widen and split: fresh tables are filled while nothing leads to them, then published: the root word, or the directory
 *      words one by one. The old table is not changed any more: a reader that is still in it reads what was true when the
 *      reference was loaded. It is freed by the same turn, so it stays intact while the reader's pin holds. Depth and
 *      directory stand in one block, reached by one load, and never disagree.
 *   7. Clear: the root word becomes 0; what it led to stays intact for pinned readers, and is freed in steps.
 *   8. Undo (a throw, or the death of the writer on any line): words get their old values by Atomics.store in reverse order,
 *      through states that 2 to 7 passed in the other direction; each is sound for a reader. Then pins are revoked, since
 *      blocks of the undone turn are reused without waiting: what a reader found in them is dropped.
 *   9. A revoked reader may meet any bytes: every reference goes through `reach`, every walk has a bound.
 */
import type { KeyBytes } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { BYTES_PER_UNIT } from '../block-units.ts';
import { KEY_BYTES_MASK, RECORD_HEAD_WORDS, RECORD_META, recordHasKey } from '../keyed-record.ts';
import { reach } from '../reach.ts';
import {
  BUCKET_SHIFT,
  BUCKET_WORDS,
  bucketOf,
  DEPTH_MAX,
  DIRECTORY,
  DIRECTORY_HEAD_WORDS,
  ENTRIES,
  FULL_BUCKETS,
  FULL_HEAD_WORDS,
  HINTS,
  mixHash,
  NEIGHBOUR_HINTS,
  OVERFLOW_BUCKET,
  OVERFLOW_HINT,
  OVERFLOW_NEXT,
  OVERFLOW_WALK_MAX,
  OVERFLOW_WORDS,
  ROOT,
  SLOTS,
  slotsWithTag,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  tableHeadWords,
  tagPattern,
  UNITS,
} from './index-layout.ts';

export class IndexReader {
  readonly heap: Heap;
  /** First of the three header words [root, entries, units], which the owner keeps in a block of its own. */
  readonly at: number;
  /** Word of the record where the key begins. */
  readonly keyAt: number;
  /** Where the last find met its record; 0 when it met none. */
  slot: number;
  protected bucket: number;
  protected home: number;
  protected table: number;

  constructor(heap: Heap, at: number, keyAt: number) {
    this.heap = heap;
    this.at = at;
    this.keyAt = keyAt;
    this.slot = 0;
    this.bucket = 0;
    this.home = 0;
    this.table = 0;
  }

  /** Entries; on reader threads as of some instant not long ago. */
  get size(): number {
    return this.heap.i32[this.at + ENTRIES] as number;
  }

  /** Bytes of the heap that the index takes, and what its owner has added by `account`. */
  get bytes(): number {
    return (this.heap.i32[this.at + UNITS] as number) * BYTES_PER_UNIT;
  }

  /** Reference of the record with this key, or 0. Any thread; allocates nothing. */
  find(key: KeyBytes): number {
    return this.findBytes(key.hash, key.bytes, key.offset, key.length);
  }

  findBytes(hash: number, bytes: Uint8Array, offset: number, length: number): number {
    this.slot = 0;
    const mixed = mixHash(hash);
    const home = this.locate(mixed);
    if (home === 0) return 0;
    const pattern = tagPattern(mixed);
    const ref = this.probe(home, pattern, hash, bytes, offset, length);
    if (ref !== 0) return ref;
    const hints = this.heap.i32[home + HINTS] as number;
    if (hints === 0) return 0;
    return this.findAway(hints, pattern, hash, bytes, offset, length);
  }

  /** Word index of the home bucket of a mixed hash; 0 while the index is empty. Leaves the table in `this.table`. */
  locate(mixed: number): number {
    const heap = this.heap;
    // Observe: pairs with the publication of tables and directories.
    const root = heap.load(this.at + ROOT);
    if (root === 0) return 0;
    reach(heap, root, DIRECTORY_HEAD_WORDS);
    const kind = heap.i32[root + TABLE_BUCKETS] as number;
    let bucket: number;
    if (kind > FULL_BUCKETS) {
      if (kind > DIRECTORY + DEPTH_MAX) throwStaleRead();
      const word = root + DIRECTORY_HEAD_WORDS + (mixed >>> (32 + DIRECTORY - kind));
      reach(heap, word, 1);
      const table = heap.load(word);
      this.table = table;
      bucket = table + FULL_HEAD_WORDS + (bucketOf(mixed, FULL_BUCKETS) << BUCKET_SHIFT);
    } else {
      this.table = root;
      bucket = root + tableHeadWords(kind) + (bucketOf(mixed, kind) << BUCKET_SHIFT);
    }
    reach(heap, bucket, BUCKET_WORDS);
    this.home = bucket;
    return bucket;
  }

  private probe(
    bucket: number,
    pattern: number,
    hash: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    const heap = this.heap;
    for (let marks = slotsWithTag(heap.i32, bucket, pattern); marks !== 0; marks &= marks - 1) {
      const slot = bucket + SLOTS + 31 - Math.clz32(marks & -marks);
      // Observe: pairs with the publish of insert and replace.
      const ref = heap.load(slot);
      if (ref !== 0 && this.holds(ref, hash, bytes, offset, length)) {
        this.slot = slot;
        this.bucket = bucket;
        return ref;
      }
    }
    return 0;
  }

  /** True when the record at `ref` has this key. */
  holds(ref: number, hash: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const heap = this.heap;
    const keyAt = this.keyAt;
    let i32 = heap.i32;
    if (ref < 0 || ref + keyAt + ((length + 3) >>> 2) > i32.length) {
      // Rare: the heap has grown since this thread made its views, or a shorter record lies at its end.
      reach(heap, ref, RECORD_HEAD_WORDS);
      if (((heap.i32[ref + RECORD_META] as number) & KEY_BYTES_MASK) !== length) return false;
      reach(heap, ref, keyAt + ((length + 3) >>> 2));
      i32 = heap.i32;
    }
    return recordHasKey(i32, ref, keyAt, hash, bytes, offset, length);
  }

  /** Looks where entries lie that found their home bucket full. */
  private findAway(
    hints: number,
    pattern: number,
    hash: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    const heap = this.heap;
    const table = this.table;
    if ((hints & NEIGHBOUR_HINTS) !== 0) {
      const neighbour = this.neighbour();
      const ref = this.probe(neighbour, pattern, hash, bytes, offset, length);
      if (ref !== 0) return ref;
    }
    if (hints < OVERFLOW_HINT) return 0;
    let node = heap.load(table + TABLE_OVERFLOW);
    for (let count = 0; node !== 0; count++) {
      if (count > OVERFLOW_WALK_MAX) throwStaleRead();
      reach(heap, node, OVERFLOW_WORDS);
      const ref = this.probe(node + OVERFLOW_BUCKET, pattern, hash, bytes, offset, length);
      if (ref !== 0) return ref;
      node = heap.load(node + OVERFLOW_NEXT);
    }
    return 0;
  }

  /** The bucket behind the home bucket last located; behind the last comes the first. */
  protected neighbour(): number {
    const heap = this.heap;
    reach(heap, this.table, 1);
    const buckets = heap.i32[this.table + TABLE_BUCKETS] as number;
    if (buckets <= 0 || buckets > FULL_BUCKETS) throwStaleRead();
    const first = this.table + tableHeadWords(buckets);
    const next = this.home + BUCKET_WORDS;
    const bucket = next < first + (buckets << BUCKET_SHIFT) ? next : first;
    reach(heap, bucket, BUCKET_WORDS);
    return bucket;
  }
}
