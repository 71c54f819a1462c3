/** Fresh leaves made from published ones by block copies. Each old leaf is noted as replaced. Writer only. */
import { countDistinct } from './distinct-scores.ts';
import {
  ENTRY_HINT,
  ENTRY_REF,
  ENTRY_WORDS,
  entryAt,
  leafWords,
  NODE_ENTRIES,
  NODE_META,
  NODE_SUM,
} from './node-layout.ts';
import { tieHintOf } from './tie-order.ts';
import type { TreeEdit } from './tree-edit.ts';

/** A leaf of one entry. */
export function leafOfOne(edit: TreeEdit, key: number, record: number): number {
  const fresh = edit.take(leafWords(1));
  writeEntry(edit, fresh, 0, key, record);
  finishLeaf(edit, fresh, 1);
  return fresh;
}

/** The leaf with one more entry at `slot`. */
export function leafWith(edit: TreeEdit, leaf: number, slot: number, key: number, record: number): number {
  const heap = edit.tree.heap;
  const n = heap.i32[leaf + NODE_META] as number;
  const fresh = edit.take(leafWords(n + 1));
  const gap = entryAt(leaf, slot);
  heap.i32.copyWithin(fresh + NODE_ENTRIES, leaf + NODE_ENTRIES, gap);
  heap.i32.copyWithin(entryAt(fresh, slot + 1), gap, leaf + leafWords(n));
  writeEntry(edit, fresh, slot, key, record);
  finishLeaf(edit, fresh, n + 1);
  edit.replace(leaf, leafWords(n));
  return fresh;
}

/** The leaf, of two entries or more, without the entry at `slot`. */
export function leafWithout(edit: TreeEdit, leaf: number, slot: number): number {
  const heap = edit.tree.heap;
  const n = heap.i32[leaf + NODE_META] as number;
  const fresh = edit.take(leafWords(n - 1));
  const gap = entryAt(leaf, slot);
  heap.i32.copyWithin(fresh + NODE_ENTRIES, leaf + NODE_ENTRIES, gap);
  heap.i32.copyWithin(entryAt(fresh, slot), gap + ENTRY_WORDS, leaf + leafWords(n));
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
  let slot = to;
  if (to > from) {
    slot = to - 1;
    i32.copyWithin(entryAt(fresh, from), entryAt(fresh, from + 1), entryAt(fresh, to));
  } else if (to < from) {
    i32.copyWithin(entryAt(fresh, to + 1), entryAt(fresh, to), entryAt(fresh, from));
  }
  writeEntry(edit, fresh, slot, key, record);
  finishLeaf(edit, fresh, n);
  edit.replace(leaf, words);
  return fresh;
}

/** Writes an entry of a fresh leaf. */
export function writeEntry(edit: TreeEdit, leaf: number, slot: number, key: number, record: number): void {
  const { heap, byArrival } = edit.tree;
  const entry = entryAt(leaf, slot);
  heap.f64[entry >>> 1] = key;
  heap.i32[entry + ENTRY_REF] = record;
  heap.i32[entry + ENTRY_HINT] = tieHintOf(heap.i32, record, byArrival);
}

/** Writes the head of a fresh leaf, once its entries are in place. */
export function finishLeaf(edit: TreeEdit, leaf: number, n: number): void {
  const { heap, dense } = edit.tree;
  heap.i32[leaf + NODE_META] = n;
  heap.i32[leaf + NODE_SUM] = dense ? countDistinct(heap.f64, leaf, n) : 0;
}
