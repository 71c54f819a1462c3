/**
 * The index of HotMap, and of the members of a HotRanking: finds (index-reader.ts, where the happens-before argument stands),
 * and, on the writer thread in a turn, inserts, replaces, removes and clears.
 */
import { assert } from '../../assert.ts';
import { CapacityError } from '../../errors/grid-errors.ts';
import type { Heap } from '../../memory/heap.ts';
import { retireRoot } from './index-graves.ts';
import { createFirstTable, maySplit, splitTable, widenTable } from './index-growth.ts';
import {
  ENTRIES,
  freeSlotIn,
  FULL_BUCKETS,
  HINTS,
  INDEX_WORDS,
  mixHash,
  NEIGHBOUR_HINT,
  OVERFLOW_BUCKET,
  OVERFLOW_HINT,
  OVERFLOW_NEXT,
  OVERFLOW_NODES_MAX,
  OVERFLOW_WALK_MAX,
  OWNS_RECORDS,
  ROOT,
  SAME_HASH_MAX,
  SLOT_COUNT,
  SLOTS,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  tagOf,
  tagShiftOf,
  tagWordOf,
  TIMED_RECORDS,
  UNITS,
} from './index-layout.ts';
import { IndexReader } from './index-reader.ts';
import { fillSlot, newOverflowNode, OVERFLOW_UNITS, sameHashInOverflow, takenSlots } from './table-build.ts';

/** A full bucket in a table with fewer entries than this means unlucky or chosen hashes, which a split would not part. */
const SPLIT_ENTRIES_MIN = (FULL_BUCKETS * SLOT_COUNT) / 2;

export interface HashIndexOptions {
  /** Word of the record where the key begins; the same for all records of this index. */
  readonly keyAt: number;
  /** True when `clear` frees the records with the tables; false when the owner does. */
  readonly ownsRecords: boolean;
  /** True when those records have nodes of the timer wheel. Default false. */
  readonly timed?: boolean;
}

export class HashIndex extends IndexReader {
  /** Counts what may have moved entries to other slots. An undone turn moves them back uncounted. Writer only. */
  moves: number;
  private readonly tableState: number;

  constructor(heap: Heap, at: number, options: HashIndexOptions) {
    super(heap, at, options.keyAt);
    this.moves = 0;
    this.tableState = (options.ownsRecords ? OWNS_RECORDS : 0) | (options.timed === true ? TIMED_RECORDS : 0);
  }

  /** Makes the three words at `at`, in a block of this turn that nobody can reach yet, an empty index. */
  static format(heap: Heap, at: number): void {
    heap.i32.fill(0, at, at + INDEX_WORDS);
  }

  /** Adds to the bytes counted here, in units of 16 (records belong to the owner: see block-units.ts). Writer only. */
  account(units: number): void {
    if (units !== 0) this.heap.set(this.at + UNITS, (this.heap.i32[this.at + UNITS] as number) + units);
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

  /**
   * Looks for the slot where a key's record stood before damage: its home bucket, the one behind it, overflow nodes. `isIts`
   * says of a slot's reference whether it may be the key's. When there is one, its tag is mended, and `replace` puts a whole
   * record there. Writer only, in a turn.
   */
  findDamaged(hash: number, isIts: (ref: number) => boolean): boolean {
    const { heap } = this;
    const mixed = mixHash(hash);
    const home = this.locate(mixed);
    if (home === 0) return false;
    const buckets = [home, this.neighbour()];
    let node = heap.i32[this.table + TABLE_OVERFLOW] as number;
    for (; node !== 0 && buckets.length <= OVERFLOW_WALK_MAX; node = heap.i32[node + OVERFLOW_NEXT] as number)
      buckets.push(node + OVERFLOW_BUCKET);
    for (const bucket of buckets) {
      for (let slot = bucket + SLOTS; slot < bucket + SLOTS + SLOT_COUNT; slot++) {
        const ref = heap.i32[slot] as number;
        if (ref === 0 || !isIts(ref)) continue;
        const tags = tagWordOf(bucket, slot);
        const shift = tagShiftOf(bucket, slot);
        heap.set(tags, ((heap.i32[tags] as number) & ~(0xff << shift)) | (tagOf(mixed) << shift));
        this.bucket = bucket;
        this.slot = slot;
        return true;
      }
    }
    return false;
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
    this.moves++;
    if (root === 0) return;
    heap.publish(this.at + ROOT, 0);
    heap.set(this.at + ENTRIES, 0);
    heap.set(this.at + UNITS, 0);
    retireRoot(heap, root);
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
    this.moves++;
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
