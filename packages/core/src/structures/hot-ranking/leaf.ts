/** Fresh leaves made from published ones, by at most three block copies: keys behind the gap and records before it adjoin. */
import { countDistinct } from './distinct-scores.ts';
import { leafWords, NODE_KEYS, NODE_META, NODE_SUM, recordsAt } from './node-layout.ts';
import type { TreeEdit } from './tree-edit.ts';

/** A leaf of one entry. */
export function leafOfOne(edit: TreeEdit, key: number, record: number): number {
  const fresh = edit.take(leafWords(1));
  const heap = edit.tree.heap;
  heap.f64[(fresh + NODE_KEYS) >>> 1] = key;
  heap.i32[fresh + recordsAt(1)] = record;
  finishLeaf(edit, fresh, 1);
  return fresh;
}

/** The leaf with one more entry at `slot`. Its place in the old tree is noted as replaced. */
export function leafWith(edit: TreeEdit, leaf: number, slot: number, key: number, record: number): number {
  const heap = edit.tree.heap;
  const n = heap.i32[leaf + NODE_META] as number;
  const fresh = edit.take(leafWords(n + 1));
  const i32 = heap.i32;
  const keys = leaf + NODE_KEYS + slot * 2;
  const records = leaf + recordsAt(n) + slot;
  const freshKeys = fresh + NODE_KEYS + slot * 2;
  const freshRecords = fresh + recordsAt(n + 1) + slot;
  i32.copyWithin(fresh + NODE_KEYS, leaf + NODE_KEYS, keys);
  i32.copyWithin(freshKeys + 2, keys, records);
  i32.copyWithin(freshRecords + 1, records, leaf + leafWords(n));
  heap.f64[freshKeys >>> 1] = key;
  i32[freshRecords] = record;
  finishLeaf(edit, fresh, n + 1);
  edit.replace(leaf, leafWords(n));
  return fresh;
}

/** The leaf, of two entries or more, without the entry at `slot`. */
export function leafWithout(edit: TreeEdit, leaf: number, slot: number): number {
  const heap = edit.tree.heap;
  const n = heap.i32[leaf + NODE_META] as number;
  const fresh = edit.take(leafWords(n - 1));
  const i32 = heap.i32;
  const keys = leaf + NODE_KEYS + slot * 2;
  const records = leaf + recordsAt(n) + slot;
  const freshKeys = fresh + NODE_KEYS + slot * 2;
  i32.copyWithin(fresh + NODE_KEYS, leaf + NODE_KEYS, keys);
  i32.copyWithin(freshKeys, keys + 2, records);
  i32.copyWithin(fresh + recordsAt(n - 1) + slot, records + 1, leaf + leafWords(n));
  finishLeaf(edit, fresh, n - 1);
  edit.replace(leaf, leafWords(n));
  return fresh;
}

/** The leaf with the entry at `from` taken out and another put before what stands at `to` now. */
export function leafMoved(edit: TreeEdit, leaf: number, from: number, to: number, key: number, record: number): number {
  const heap = edit.tree.heap;
  const n = heap.i32[leaf + NODE_META] as number;
  const words = leafWords(n);
  const fresh = edit.take(words);
  const i32 = heap.i32;
  i32.copyWithin(fresh, leaf, leaf + words);
  const keys = fresh + NODE_KEYS;
  const records = fresh + recordsAt(n);
  let slot = to;
  if (to > from) {
    slot = to - 1;
    i32.copyWithin(keys + from * 2, keys + from * 2 + 2, keys + to * 2);
    i32.copyWithin(records + from, records + from + 1, records + to);
  } else if (to < from) {
    i32.copyWithin(keys + to * 2 + 2, keys + to * 2, keys + from * 2);
    i32.copyWithin(records + to + 1, records + to, records + from);
  }
  heap.f64[(keys >>> 1) + slot] = key;
  i32[records + slot] = record;
  finishLeaf(edit, fresh, n);
  edit.replace(leaf, words);
  return fresh;
}

/** Writes what precedes the entries, once these are in place. */
export function finishLeaf(edit: TreeEdit, leaf: number, n: number): void {
  const { heap, dense } = edit.tree;
  heap.i32[leaf + NODE_META] = n;
  heap.i32[leaf + NODE_SUM] = dense ? countDistinct(heap.f64, (leaf + NODE_KEYS) >>> 1, n) : 0;
}
