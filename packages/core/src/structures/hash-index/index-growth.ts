/**
 * Makes room in a hash index: widens a lone table, splits a full one, doubles the directory. Writer thread only, in a turn.
 *
 * Bound: one call builds at most two tables of one page each (at most 2,292 records move, mostly about 650: some 50 µs) and
 * copies at most one directory (4 bytes for each 32 entries or more: 10 million entries, 128 KiB, some 30 µs).
 * Publish: the last stores are those of references: of the root, or of the directory words of the split table, from left to
 * right. Between them a reader finds the old table through some words and the fresh ones through others: all are whole.
 */
import type { Heap } from '../../memory/heap.ts';
import { unitsOfBlock } from '../block-units.ts';
import {
  DEPTH_MAX,
  DIRECTORY,
  DIRECTORY_HEAD_WORDS,
  DIRECTORY_PROGRESS,
  DIRECTORY_STATE,
  ENTRIES,
  FULL_BUCKETS,
  LOCAL_DEPTH_MASK,
  nextBuckets,
  OWNS_RECORDS,
  ROOT,
  TABLE_BUCKETS,
  TABLE_STATE,
  TIMED_RECORDS,
  tableWords,
  UNITS,
} from './index-layout.ts';
import { freeTable, moveRecords, newTable } from './table-build.ts';

/** A directory has at most one word for so many entries, whatever the hashes are: floods can't make it grow. */
const ENTRIES_PER_TABLE_MIN = 64;

/** First table of an empty index: one bucket. */
export function createFirstTable(heap: Heap, at: number, state: number): void {
  const table = newTable(heap, 1, state);
  heap.set(at + UNITS, (heap.i32[at + UNITS] as number) + unitsOfBlock(tableWords(1)));
  heap.publish(at + ROOT, table);
}

/** Replaces a lone table that is not full by the next larger one. */
export function widenTable(heap: Heap, at: number): void {
  const table = heap.i32[at + ROOT] as number;
  const buckets = nextBuckets(heap.i32[table + TABLE_BUCKETS] as number);
  const wider = newTable(heap, buckets, stateOf(heap.i32, table));
  let units = unitsOfBlock(tableWords(buckets));
  units += moveRecords(heap, table, wider, wider, 0);
  heap.publish(at + ROOT, wider);
  units -= freeTable(heap, table);
  heap.set(at + UNITS, (heap.i32[at + UNITS] as number) + units);
}

/** True when the full table that `mixed` leads to may be split: its depth, or the directory's length, allows it. */
export function maySplit(heap: Heap, at: number, table: number): boolean {
  const i32 = heap.i32;
  const depth = depthOf(i32, i32[at + ROOT] as number);
  const localDepth = (i32[table + TABLE_STATE] as number) & LOCAL_DEPTH_MASK;
  if (localDepth < depth) return true;
  return depth < DEPTH_MAX && (i32[at + ENTRIES] as number) >= ENTRIES_PER_TABLE_MIN << depth;
}

/** Replaces the full table that `mixed` leads to by two. */
export function splitTable(heap: Heap, at: number, table: number, mixed: number): void {
  const state = stateOf(heap.i32, table);
  const localDepth = (heap.i32[table + TABLE_STATE] as number) & LOCAL_DEPTH_MASK;
  const left = newTable(heap, FULL_BUCKETS, state | (localDepth + 1));
  const right = newTable(heap, FULL_BUCKETS, state | (localDepth + 1));
  let units = 2 * unitsOfBlock(tableWords(FULL_BUCKETS));
  units += moveRecords(heap, table, left, right, 1 << (31 - localDepth));
  const root = heap.i32[at + ROOT] as number;
  const depth = depthOf(heap.i32, root);
  if (localDepth === depth) units += publishDoubled(heap, at, depth, mixed, left, right, state);
  else publishHalves(heap, root, depth, localDepth, mixed, left, right);
  units -= freeTable(heap, table);
  heap.set(at + UNITS, (heap.i32[at + UNITS] as number) + units);
}

function publishHalves(
  heap: Heap,
  directory: number,
  depth: number,
  localDepth: number,
  mixed: number,
  left: number,
  right: number,
): void {
  const span = 1 << (depth - localDepth);
  const first = directory + DIRECTORY_HEAD_WORDS + ((mixed >>> (32 - depth)) & -span);
  for (let word = 0; word < span; word++) heap.publish(first + word, word < span >>> 1 ? left : right);
}

/** Publishes a directory of twice the length (of 2 in place of a lone table). Returns the units added. */
function publishDoubled(
  heap: Heap,
  at: number,
  depth: number,
  mixed: number,
  left: number,
  right: number,
  state: number,
): number {
  const length = 2 << depth;
  const words = DIRECTORY_HEAD_WORDS + length;
  const directory = heap.alloc(words);
  const i32 = heap.i32;
  const old = i32[at + ROOT] as number;
  i32[directory + TABLE_BUCKETS] = DIRECTORY + depth + 1;
  i32[directory + DIRECTORY_PROGRESS] = 0;
  i32[directory + DIRECTORY_STATE] = state;
  const tables = directory + DIRECTORY_HEAD_WORDS;
  if (depth > 0) {
    const oldTables = old + DIRECTORY_HEAD_WORDS;
    for (let word = 0; word < length; word++) i32[tables + word] = i32[oldTables + (word >>> 1)] as number;
  }
  const split = depth === 0 ? 0 : mixed >>> (32 - depth);
  i32[tables + split * 2] = left;
  i32[tables + split * 2 + 1] = right;
  heap.publish(at + ROOT, directory);
  let units = unitsOfBlock(words);
  if (depth > 0) {
    units -= unitsOfBlock(DIRECTORY_HEAD_WORDS + (1 << depth));
    heap.free(old);
  }
  return units;
}

function depthOf(i32: Int32Array, root: number): number {
  const kind = i32[root + TABLE_BUCKETS] as number;
  return kind > FULL_BUCKETS ? kind - DIRECTORY : 0;
}

function stateOf(i32: Int32Array, table: number): number {
  return (i32[table + TABLE_STATE] as number) & (OWNS_RECORDS | TIMED_RECORDS);
}
