/** Entries of a hash index at a random place, for what evicts by sampling. Writer only. */
import type { Heap } from '../../memory/heap.ts';
import {
  BUCKET_SHIFT,
  DIRECTORY,
  DIRECTORY_HEAD_WORDS,
  FULL_BUCKETS,
  OVERFLOW_BUCKET,
  OVERFLOW_NEXT,
  OVERFLOW_WALK_MAX,
  ROOT,
  SLOT_COUNT,
  SLOTS,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  tableHeadWords,
} from './index-layout.ts';

/**
 * Fills `refs` with records of the bucket that 32 random bits choose, and of those behind it, once around its table and through
 * its overflow nodes at most. What lies together there has nothing in common but the hash. Returns how many.
 */
export function sampleEntries(heap: Heap, at: number, random: number, refs: Int32Array): number {
  const { i32 } = heap;
  const root = i32[at + ROOT] as number;
  if (root === 0) return 0;
  const kind = i32[root + TABLE_BUCKETS] as number;
  // The upper bits choose the table, as those of a mixed hash do.
  const table =
    kind > FULL_BUCKETS ? (i32[root + DIRECTORY_HEAD_WORDS + (random >>> (32 + DIRECTORY - kind))] as number) : root;
  const buckets = i32[table + TABLE_BUCKETS] as number;
  const first = table + tableHeadWords(buckets);
  const start = ((random & 0xfff) * buckets) >>> 12;
  let count = 0;
  for (let step = 0; step < buckets && count < refs.length; step++) {
    const number = start + step < buckets ? start + step : start + step - buckets;
    count = collect(i32, first + (number << BUCKET_SHIFT), refs, count);
  }
  let node = i32[table + TABLE_OVERFLOW] as number;
  for (let walked = 0; node !== 0 && walked < OVERFLOW_WALK_MAX && count < refs.length; walked++) {
    count = collect(i32, node + OVERFLOW_BUCKET, refs, count);
    node = i32[node + OVERFLOW_NEXT] as number;
  }
  return count;
}

function collect(i32: Int32Array, bucket: number, refs: Int32Array, from: number): number {
  let count = from;
  for (let slot = bucket + SLOTS; slot < bucket + SLOTS + SLOT_COUNT && count < refs.length; slot++) {
    const ref = i32[slot] as number;
    if (ref !== 0) refs[count++] = ref;
  }
  return count;
}
