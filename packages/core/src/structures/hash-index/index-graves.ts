/**
 * Frees the tables of a cleared index in bounded steps, from the graveyard: a directory hands over its tables, a table frees
 * its records. Progress stands in words that no reader interprets, so a successor goes on where its predecessor died.
 */
import { assert } from '../../assert.ts';
import { registerRetireStep } from '../../memory/graveyard.ts';
import type { Heap } from '../../memory/heap.ts';
import { freeRecord, nodeOf } from '../keyed-record.ts';
import { unlinkNode } from '../timer-wheel/timer-node.ts';
import {
  BUCKET_SHIFT,
  DIRECTORY,
  DIRECTORY_HEAD_WORDS,
  DIRECTORY_PROGRESS,
  FULL_BUCKETS,
  LOCAL_DEPTH_MASK,
  OVERFLOW_BUCKET,
  OVERFLOW_NEXT,
  OVERFLOW_WALK_MAX,
  OWNS_RECORDS,
  PROGRESS_SHIFT,
  SLOT_COUNT,
  SLOTS,
  TABLE_BUCKETS,
  TABLE_OVERFLOW,
  TABLE_STATE,
  tableHeadWords,
  TIMED_RECORDS,
} from './index-layout.ts';
import { freeTable } from './table-build.ts';

export const INDEX_TABLE_GRAVE = 1;
export const INDEX_DIRECTORY_GRAVE = 2;

registerRetireStep(INDEX_TABLE_GRAVE, freeTableStep);
registerRetireStep(INDEX_DIRECTORY_GRAVE, freeDirectoryStep);

/** Hands an unlinked root to the graveyard: O(1). */
export function retireRoot(heap: Heap, root: number): void {
  const isDirectory = (heap.i32[root + TABLE_BUCKETS] as number) > FULL_BUCKETS;
  heap.retire(isDirectory ? INDEX_DIRECTORY_GRAVE : INDEX_TABLE_GRAVE, root);
}

function freeDirectoryStep(heap: Heap, directory: number, budget: number): boolean {
  const i32 = heap.i32;
  const depth = (i32[directory + TABLE_BUCKETS] as number) - DIRECTORY;
  let word = i32[directory + DIRECTORY_PROGRESS] as number;
  for (let count = 0; count < budget && word < 1 << depth; count++) {
    const table = i32[directory + DIRECTORY_HEAD_WORDS + word] as number;
    // A table of a smaller depth stands in several words, all adjacent.
    word += 1 << (depth - ((i32[table + TABLE_STATE] as number) & LOCAL_DEPTH_MASK));
    heap.retire(INDEX_TABLE_GRAVE, table);
  }
  if (word < 1 << depth) {
    heap.set(directory + DIRECTORY_PROGRESS, word);
    return false;
  }
  heap.free(directory);
  return true;
}

function freeTableStep(heap: Heap, table: number, budget: number): boolean {
  const i32 = heap.i32;
  const state = i32[table + TABLE_STATE] as number;
  if ((state & OWNS_RECORDS) !== 0) {
    const buckets = i32[table + TABLE_BUCKETS] as number;
    let position = state >>> PROGRESS_SHIFT;
    let freed = 0;
    for (; freed < budget && position < buckets + OVERFLOW_WALK_MAX; position++) {
      const bucket = bucketAtPosition(i32, table, buckets, position);
      if (bucket === 0) break;
      for (let slot = bucket + SLOTS; slot < bucket + SLOTS + SLOT_COUNT; slot++) {
        const record = i32[slot] as number;
        if (record === 0) continue;
        if ((state & TIMED_RECORDS) !== 0) unlinkNode(heap, nodeOf(i32, record));
        freed += freeRecord(heap, record);
      }
    }
    if (freed >= budget) {
      heap.set(table + TABLE_STATE, (state & ((1 << PROGRESS_SHIFT) - 1)) | (position << PROGRESS_SHIFT));
      return false;
    }
  }
  freeTable(heap, table);
  return true;
}

/** The bucket at a position that counts the table's own buckets first, then overflow nodes; 0 behind the last. */
function bucketAtPosition(i32: Int32Array, table: number, buckets: number, position: number): number {
  if (position < buckets) return table + tableHeadWords(buckets) + (position << BUCKET_SHIFT);
  let node = i32[table + TABLE_OVERFLOW] as number;
  for (let count = position - buckets; count > 0 && node !== 0; count--) node = i32[node + OVERFLOW_NEXT] as number;
  assert(node >= 0, 'an overflow chain holds references');
  return node === 0 ? 0 : node + OVERFLOW_BUCKET;
}
