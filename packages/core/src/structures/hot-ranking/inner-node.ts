/** Fresh inner nodes made from published ones where the number of children stays: one block copy, then the changed entries. */
import { distinctBefore, distinctOf } from './distinct-scores.ts';
import {
  childrenAt,
  ENTRIES_MASK,
  innerWords,
  LEVEL_SHIFT,
  membersOf,
  NODE_KEYS,
  NODE_META,
  NODE_SUM,
} from './node-layout.ts';
import type { TreeEdit } from './tree-edit.ts';

/** The node with `child` in the place of the child at `slot`. Its place in the old tree is noted as replaced. */
export function innerWithChild(edit: TreeEdit, node: number, slot: number, child: number): number {
  const fresh = copyInner(edit, node);
  putChild(edit, fresh, slot, child);
  finishInner(edit, fresh);
  return fresh;
}

/** The node with two children replaced. */
export function innerWithChildren(
  edit: TreeEdit,
  node: number,
  slotA: number,
  childA: number,
  slotB: number,
  childB: number,
): number {
  const fresh = copyInner(edit, node);
  putChild(edit, fresh, slotA, childA);
  putChild(edit, fresh, slotB, childB);
  finishInner(edit, fresh);
  return fresh;
}

/** Last key below a node. Of an inner node only in dense rankings, which keep it. */
export function lastKeyOf(i32: Int32Array, f64: Float64Array, node: number): number {
  const meta = i32[node + NODE_META] as number;
  const n = meta & ENTRIES_MASK;
  const keys = (node + NODE_KEYS) >>> 1;
  return (meta >>> LEVEL_SHIFT === 0 ? f64[keys + n - 1] : f64[keys + 2 * n - 1]) as number;
}

function copyInner(edit: TreeEdit, node: number): number {
  const { heap, dense } = edit.tree;
  const words = innerWords((heap.i32[node + NODE_META] as number) & ENTRIES_MASK, dense);
  const fresh = edit.take(words);
  heap.i32.copyWithin(fresh, node, node + words);
  edit.replace(node, words);
  return fresh;
}

/** Describes `child` at `slot` of a fresh node, and counts the difference in the node's members. */
function putChild(edit: TreeEdit, node: number, slot: number, child: number): void {
  const { heap, dense } = edit.tree;
  const { i32, f64 } = heap;
  const n = (i32[node + NODE_META] as number) & ENTRIES_MASK;
  const children = node + childrenAt(n, dense);
  const members = membersOf(i32, child);
  i32[node + NODE_SUM] = (i32[node + NODE_SUM] as number) + members - (i32[children + n + slot] as number);
  i32[children + slot] = child;
  i32[children + n + slot] = members;
  f64[((node + NODE_KEYS) >>> 1) + slot] = f64[(child + NODE_KEYS) >>> 1] as number;
  if (!dense) return;
  f64[((node + NODE_KEYS) >>> 1) + n + slot] = lastKeyOf(i32, f64, child);
  i32[children + 2 * n + slot] = distinctOf(i32, child);
}

/** Writes a dense node's sum of distinct scores, once its entries are in place. */
export function finishInner(edit: TreeEdit, node: number): void {
  const { heap, dense } = edit.tree;
  if (!dense) return;
  const n = (heap.i32[node + NODE_META] as number) & ENTRIES_MASK;
  heap.i32[node + innerWords(n, true) - 1] = distinctBefore(heap.i32, heap.f64, node, n);
}
