/**
 * Finds records by key: the index of HotMap, and of the members of a HotRanking. Memory map: index-layout.ts.
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
import { assert } from '../../assert.ts';
import { CapacityError } from '../../errors/grid-errors.ts';
import type { KeyBytes } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { BYTES_PER_UNIT } from '../block-units.ts';
import { KEY_BYTES_MASK, RECORD_HEAD_WORDS, RECORD_META, recordHasKey } from '../keyed-record.ts';
import { reach } from '../reach.ts';
import { retireRoot } from './index-graves.ts';
import { createFirstTable, maySplit, splitTable, widenTable } from './index-growth.ts';
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
  freeSlotIn,
  HINTS,
  INDEX_WORDS,
  mixHash,
  NEIGHBOUR_HINT,
  NEIGHBOUR_HINTS,
  OVERFLOW_BUCKET,
  OVERFLOW_HINT,
  OVERFLOW_NEXT,
  OVERFLOW_NODES_MAX,
  OVERFLOW_WALK_MAX,
  OVERFLOW_WORDS,
  OWNS_RECORDS,
  ROOT,
  SAME_HASH_MAX,
  SLOT_COUNT,
  SLOTS,
  slotsWithTag,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  tableHeadWords,
  tagOf,
  tagPattern,
  tagShiftOf,
  tagWordOf,
  UNITS,
} from './index-layout.ts';
import { fillSlot, newOverflowNode, OVERFLOW_UNITS, sameHashInOverflow, takenSlots } from './table-build.ts';

/** A full bucket in a table with fewer entries than this means unlucky or chosen hashes, which a split would not part. */
const SPLIT_ENTRIES_MIN = (FULL_BUCKETS * SLOT_COUNT) / 2;

export interface HashIndexOptions {
  /** Word of the record where the key begins; the same for all records of this index. */
  readonly keyAt: number;
  /** True when `clear` frees the records with the tables; false when the owner does. */
  readonly ownsRecords: boolean;
}

export class HashIndex {
  readonly heap: Heap;
  /** First of the three header words [root, entries, units], which the owner keeps in a block of its own. */
  readonly at: number;
  readonly keyAt: number;
  private readonly tableState: number;
  /** Where the last find met its record; 0 when it met none. `replace` and `remove` act there. */
  slot: number;
  private bucket: number;
  private home: number;
  private table: number;

  constructor(heap: Heap, at: number, options: HashIndexOptions) {
    this.heap = heap;
    this.at = at;
    this.keyAt = options.keyAt;
    this.tableState = options.ownsRecords ? OWNS_RECORDS : 0;
    this.slot = 0;
    this.bucket = 0;
    this.home = 0;
    this.table = 0;
  }

  /** Makes the three words at `at`, in a block of this turn that nobody can reach yet, an empty index. */
  static format(heap: Heap, at: number): void {
    heap.i32.fill(0, at, at + INDEX_WORDS);
  }

  /** Entries; on reader threads as of some instant not long ago. */
  get size(): number {
    return this.heap.i32[this.at + ENTRIES] as number;
  }

  /** Bytes of the heap that the index takes, and what its owner has added by `account`. */
  get bytes(): number {
    return (this.heap.i32[this.at + UNITS] as number) * BYTES_PER_UNIT;
  }

  /** Adds to the bytes counted here, in units of 16 (records belong to the owner: see block-units.ts). Writer only. */
  account(units: number): void {
    if (units !== 0) this.heap.set(this.at + UNITS, (this.heap.i32[this.at + UNITS] as number) + units);
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

  /** Puts another record of the same key in the place of the one that the last `find` met. Freeing that is the caller's. */
  replace(ref: number): void {
    assert(this.slot !== 0, 'the record to replace has been found');
    this.heap.publish(this.slot, ref);
  }

  /** Takes out what the last `find` met. Freeing the record is the caller's. */
  remove(): void {
    const { heap, slot, bucket, home } = this;
    assert(slot !== 0, 'the record to remove has been found');
    heap.publish(slot, 0);
    const tags = tagWordOf(bucket, slot);
    const i32 = heap.i32;
    heap.set(tags, (i32[tags] as number) & ~(0xff << tagShiftOf(bucket, slot)));
    if (bucket !== home) {
      const hint = this.isNeighbour(bucket) ? NEIGHBOUR_HINT : OVERFLOW_HINT;
      heap.set(home + HINTS, (i32[home + HINTS] as number) - hint);
    }
    heap.set(this.at + ENTRIES, (i32[this.at + ENTRIES] as number) - 1);
    this.slot = 0;
  }

  /** Adds a record whose key is not there (the caller has just looked). Throws CapacityError when over 500 share one hash. */
  insert(hash: number, ref: number): void {
    const heap = this.heap;
    const mixed = mixHash(hash);
    this.slot = 0;
    if (heap.i32[this.at + ROOT] === 0) createFirstTable(heap, this.at, this.tableState);
    let home = this.locate(mixed);
    if (!this.insertNear(home, mixed, ref)) {
      if (this.makeRoom(mixed)) home = this.locate(mixed);
      if (!this.insertNear(home, mixed, ref)) this.insertInOverflow(mixed, ref);
    }
    heap.set(this.at + ENTRIES, (heap.i32[this.at + ENTRIES] as number) + 1);
  }

  /** Empties the index at once; what it held is freed in steps after the turn. */
  clear(): void {
    const heap = this.heap;
    const root = heap.i32[this.at + ROOT] as number;
    this.slot = 0;
    if (root === 0) return;
    heap.publish(this.at + ROOT, 0);
    heap.set(this.at + ENTRIES, 0);
    heap.set(this.at + UNITS, 0);
    retireRoot(heap, root);
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
  private neighbour(): number {
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

  private isNeighbour(bucket: number): boolean {
    return bucket === this.neighbour();
  }

  private insertNear(home: number, mixed: number, ref: number): boolean {
    const heap = this.heap;
    let bucket = home;
    let slot = freeSlotIn(heap.i32, home);
    if (slot === 0) {
      bucket = this.neighbour();
      slot = freeSlotIn(heap.i32, bucket);
      if (slot === 0) return false;
      // The hint comes before the entry that it leads to.
      heap.set(home + HINTS, (heap.i32[home + HINTS] as number) + NEIGHBOUR_HINT);
    }
    this.publishEntry(bucket, slot, mixed, ref);
    return true;
  }

  private publishEntry(bucket: number, slot: number, mixed: number, ref: number): void {
    const heap = this.heap;
    const tags = tagWordOf(bucket, slot);
    heap.set(tags, (heap.i32[tags] as number) | (tagOf(mixed) << tagShiftOf(bucket, slot)));
    heap.publish(slot, ref);
  }

  /** Widens or splits the table last located, where that may help. Bound: 6 widenings or one split. */
  private makeRoom(mixed: number): boolean {
    const heap = this.heap;
    const buckets = heap.i32[this.table + TABLE_BUCKETS] as number;
    if (buckets < FULL_BUCKETS) {
      widenTable(heap, this.at);
      return true;
    }
    if (takenSlots(heap.i32, this.table) < SPLIT_ENTRIES_MIN && this.overflowNodes() < OVERFLOW_NODES_MAX) return false;
    if (!maySplit(heap, this.at, this.table)) return false;
    splitTable(heap, this.at, this.table, mixed);
    return true;
  }

  private overflowNodes(): number {
    const i32 = this.heap.i32;
    let nodes = 0;
    let node = i32[this.table + TABLE_OVERFLOW] as number;
    for (; node !== 0 && nodes <= OVERFLOW_WALK_MAX; nodes++) node = i32[node + OVERFLOW_NEXT] as number;
    return nodes;
  }

  private insertInOverflow(mixed: number, ref: number): void {
    const heap = this.heap;
    let link = this.table + TABLE_OVERFLOW;
    const hint = this.home + HINTS;
    const crowded = (heap.i32[hint] as number) >= SAME_HASH_MAX * OVERFLOW_HINT;
    if (crowded && sameHashInOverflow(heap.i32, this.table, mixed) >= SAME_HASH_MAX) refuseColliding(heap);
    for (let count = 0; count < OVERFLOW_NODES_MAX; count++) {
      const node = heap.i32[link] as number;
      if (node === 0) {
        const fresh = newOverflowNode(heap);
        fillSlot(heap.i32, fresh + OVERFLOW_BUCKET, fresh + OVERFLOW_BUCKET + SLOTS, mixed, ref);
        heap.set(hint, (heap.i32[hint] as number) + OVERFLOW_HINT);
        heap.publish(link, fresh);
        this.account(OVERFLOW_UNITS);
        return;
      }
      const slot = freeSlotIn(heap.i32, node + OVERFLOW_BUCKET);
      if (slot !== 0) {
        heap.set(hint, (heap.i32[hint] as number) + OVERFLOW_HINT);
        this.publishEntry(node + OVERFLOW_BUCKET, slot, mixed, ref);
        return;
      }
      link = node + OVERFLOW_NEXT;
    }
    refuseColliding(heap);
  }
}

function refuseColliding(heap: Heap): never {
  throw new CapacityError(
    `${SAME_HASH_MAX} keys or more of partition ${heap.partition} share the hash of the one to insert: they look chosen to collide`,
  );
}
