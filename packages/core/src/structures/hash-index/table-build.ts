/**
 * Fills tables that no reader can reach yet, by plain stores. Writer thread only, inside a turn: the blocks are fresh ones of
 * this turn, so nothing here is journalled; a turn that dies gives them back by the allocator's own journalled words.
 */
import { assert } from '../../assert.ts';
import type { Heap } from '../../memory/heap.ts';
import { unitsOfBlock } from '../block-units.ts';
import { RECORD_HASH } from '../keyed-record.ts';
import {
  BUCKET_SHIFT,
  BUCKET_WORDS,
  bucketOf,
  FULL_BUCKETS,
  freeSlotIn,
  HINTS,
  mixHash,
  NEIGHBOUR_HINT,
  OVERFLOW_BUCKET,
  OVERFLOW_HINT,
  OVERFLOW_NEXT,
  OVERFLOW_WALK_MAX,
  OVERFLOW_WORDS,
  SLOT_COUNT,
  SLOTS,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  TABLE_STATE,
  tableHeadWords,
  tableWords,
  tagOf,
  tagShiftOf,
  tagWordOf,
} from './index-layout.ts';

export const OVERFLOW_UNITS: number = unitsOfBlock(OVERFLOW_WORDS);

/** Records of the table that is being replaced: more than a table and the longest chain can hold. */
const refs = new Int32Array((FULL_BUCKETS + OVERFLOW_WALK_MAX) * SLOT_COUNT);
const hashes = new Int32Array(refs.length);

export function newTable(heap: Heap, buckets: number, state: number): number {
  const words = tableWords(buckets);
  const table = heap.alloc(words);
  heap.i32.fill(0, table, table + words);
  heap.i32[table + TABLE_BUCKETS] = buckets;
  heap.i32[table + TABLE_STATE] = state;
  return table;
}

export function newOverflowNode(heap: Heap): number {
  const node = heap.alloc(OVERFLOW_WORDS);
  heap.i32.fill(0, node, node + OVERFLOW_WORDS);
  return node;
}

/** Puts tag and reference in a slot by plain stores. */
export function fillSlot(i32: Int32Array, bucket: number, slot: number, mixed: number, ref: number): void {
  i32[slot] = ref;
  const tags = tagWordOf(bucket, slot);
  i32[tags] = (i32[tags] as number) | (tagOf(mixed) << tagShiftOf(bucket, slot));
}

/** Puts a record in a fresh table: at home, in the neighbour, or in an overflow node. Returns the units of nodes added. */
export function placeInFresh(heap: Heap, table: number, mixed: number, ref: number): number {
  const i32 = heap.i32;
  const buckets = i32[table + TABLE_BUCKETS] as number;
  const first = table + tableHeadWords(buckets);
  const number = bucketOf(mixed, buckets);
  const home = first + (number << BUCKET_SHIFT);
  let slot = freeSlotIn(i32, home);
  if (slot !== 0) {
    fillSlot(i32, home, slot, mixed, ref);
    return 0;
  }
  const neighbour = number + 1 === buckets ? first : home + BUCKET_WORDS;
  slot = freeSlotIn(i32, neighbour);
  if (slot !== 0) {
    fillSlot(i32, neighbour, slot, mixed, ref);
    i32[home + HINTS] = (i32[home + HINTS] as number) + NEIGHBOUR_HINT;
    return 0;
  }
  i32[home + HINTS] = (i32[home + HINTS] as number) + OVERFLOW_HINT;
  return placeInFreshOverflow(heap, table, mixed, ref);
}

function placeInFreshOverflow(heap: Heap, table: number, mixed: number, ref: number): number {
  let link = table + TABLE_OVERFLOW;
  for (let count = 0; count < OVERFLOW_WALK_MAX; count++) {
    const i32 = heap.i32;
    const node = i32[link] as number;
    if (node === 0) {
      const fresh = newOverflowNode(heap);
      fillSlot(heap.i32, fresh + OVERFLOW_BUCKET, fresh + OVERFLOW_BUCKET + SLOTS, mixed, ref);
      heap.i32[link] = fresh;
      return OVERFLOW_UNITS;
    }
    const slot = freeSlotIn(i32, node + OVERFLOW_BUCKET);
    if (slot !== 0) {
      fillSlot(i32, node + OVERFLOW_BUCKET, slot, mixed, ref);
      return 0;
    }
    link = node + OVERFLOW_NEXT;
  }
  assert(false, 'a fresh table holds what its predecessor held');
}

/**
 * Puts every record of `table` in one of two fresh tables, by the bit of the mixed hash that `side` selects (0: all in
 * `left`). Returns the units of overflow nodes added. All records are touched in one tight loop, so that their cache misses
 * overlap: at 10 million entries half the time of reading each when its turn comes.
 */
export function moveRecords(heap: Heap, table: number, left: number, right: number, side: number): number {
  const count = collectRecords(heap.i32, table);
  const i32 = heap.i32;
  for (let record = 0; record < count; record++) hashes[record] = i32[(refs[record] as number) + RECORD_HASH] as number;
  let units = 0;
  for (let record = 0; record < count; record++) {
    const mixed = mixHash(hashes[record] as number);
    units += placeInFresh(heap, (mixed & side) === 0 ? left : right, mixed, refs[record] as number);
  }
  return units;
}

/** Frees a table and its overflow nodes, not its records. Returns the units given back. */
export function freeTable(heap: Heap, table: number): number {
  const i32 = heap.i32;
  let units = unitsOfBlock(tableWords(i32[table + TABLE_BUCKETS] as number));
  let node = i32[table + TABLE_OVERFLOW] as number;
  for (let count = 0; node !== 0; count++) {
    assert(count < OVERFLOW_WALK_MAX, 'an overflow chain is bounded');
    heap.free(node);
    units += OVERFLOW_UNITS;
    node = i32[node + OVERFLOW_NEXT] as number;
  }
  heap.free(table);
  return units;
}

/** How many slots of a full table's own buckets are taken. */
export function takenSlots(i32: Int32Array, table: number): number {
  let taken = 0;
  let bucket = table + tableHeadWords(FULL_BUCKETS);
  for (let count = 0; count < FULL_BUCKETS; count++, bucket += BUCKET_WORDS) {
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if (i32[bucket + SLOTS + slot] !== 0) taken++;
    }
  }
  return taken;
}

/** How many entries with this very hash lie in a table's overflow nodes. */
export function sameHashInOverflow(i32: Int32Array, table: number, mixed: number): number {
  let same = 0;
  let node = i32[table + TABLE_OVERFLOW] as number;
  for (let count = 0; node !== 0 && count < OVERFLOW_WALK_MAX; count++) {
    for (let slot = node + OVERFLOW_BUCKET + SLOTS; slot < node + OVERFLOW_BUCKET + SLOTS + SLOT_COUNT; slot++) {
      const ref = i32[slot] as number;
      if (ref !== 0 && mixHash(i32[ref + RECORD_HASH] as number) === mixed) same++;
    }
    node = i32[node + OVERFLOW_NEXT] as number;
  }
  return same;
}

/** Puts the references of all records of a table in `refs`, and returns their number. */
function collectRecords(i32: Int32Array, table: number): number {
  const buckets = i32[table + TABLE_BUCKETS] as number;
  let count = 0;
  let bucket = table + tableHeadWords(buckets);
  for (let number = 0; number < buckets; number++, bucket += BUCKET_WORDS) count = collectBucket(i32, bucket, count);
  let node = i32[table + TABLE_OVERFLOW] as number;
  for (let nodes = 0; node !== 0; nodes++) {
    assert(nodes < OVERFLOW_WALK_MAX, 'an overflow chain is bounded');
    count = collectBucket(i32, node + OVERFLOW_BUCKET, count);
    node = i32[node + OVERFLOW_NEXT] as number;
  }
  return count;
}

function collectBucket(i32: Int32Array, bucket: number, from: number): number {
  let count = from;
  for (let slot = bucket + SLOTS; slot < bucket + SLOTS + SLOT_COUNT; slot++) {
    const ref = i32[slot] as number;
    if (ref !== 0) refs[count++] = ref;
  }
  return count;
}
