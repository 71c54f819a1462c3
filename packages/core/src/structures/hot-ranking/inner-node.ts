/** Fresh inner nodes made from published ones where the number of children stays: one block copy, then the changed entries. */
import { distinctBefore, distinctOf, distinctsAt, lastKeyOf, lastKeysAt } from './distinct-scores.ts';
import {
  ENTRY_MEMBERS,
  ENTRY_REF,
  entriesOf,
  entryAt,
  entryKey,
  innerWords,
  membersOf,
  NODE_SUM,
} from './node-layout.ts';
import type { TreeEdit } from './tree-edit.ts';

/** The node with `child` in the place of the child at `slot`. The old node is noted as replaced. */
export function innerWithChild(edit: TreeEdit, node: number, slot: number, child: number): number {
  const fresh = copyInner(edit, node);
  replaceChild(edit, fresh, slot, child);
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
  replaceChild(edit, fresh, slotA, childA);
  replaceChild(edit, fresh, slotB, childB);
  finishInner(edit, fresh);
  return fresh;
}

/** Writes a dense node's sum of distinct keys, once its entries are in place. */
export function finishInner(edit: TreeEdit, node: number): void {
  const { heap, dense } = edit.tree;
  if (!dense) return;
  const n = entriesOf(heap.i32, node);
  heap.i32[node + innerWords(n, true) - 1] = distinctBefore(heap.i32, heap.f64, node, n);
}

function copyInner(edit: TreeEdit, node: number): number {
  const { heap, dense } = edit.tree;
  const words = innerWords(entriesOf(heap.i32, node), dense);
  const fresh = edit.take(words);
  heap.i32.copyWithin(fresh, node, node + words);
  edit.replace(node, words);
  return fresh;
}

/** Describes `child` at `slot` of a fresh node, and counts the difference in the node's members. */
function replaceChild(edit: TreeEdit, node: number, slot: number, child: number): void {
  const { heap, dense } = edit.tree;
  const { i32, f64 } = heap;
  const entry = entryAt(node, slot);
  const members = membersOf(i32, child);
  i32[node + NODE_SUM] = (i32[node + NODE_SUM] as number) + members - (i32[entry + ENTRY_MEMBERS] as number);
  i32[entry + ENTRY_REF] = child;
  i32[entry + ENTRY_MEMBERS] = members;
  f64[entry >>> 1] = entryKey(f64, child, 0);
  if (!dense) return;
  const n = entriesOf(i32, node);
  f64[lastKeysAt(node, n) + slot] = lastKeyOf(i32, f64, child);
  i32[distinctsAt(node, n) + slot] = distinctOf(i32, child);
}
