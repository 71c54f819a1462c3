/**
 * A changed score, in the common case that no node splits or falls short: both paths are copied side by side and become one
 * where they meet, so that each node above is copied once. Otherwise an update is a removal and an insertion.
 */
import { innerWithChild, innerWithChildren } from './inner-node.ts';
import { leafMoved, leafWith, leafWithout } from './leaf.ts';
import { LEAF_MAX, LEAF_MIN, NODE_META } from './node-layout.ts';
import type { Path } from './path.ts';
import type { TreeEdit } from './tree-edit.ts';

/** Whether `rootMoved` can take the entry that `from` leads to, to the place that `to` leads to. */
export function mayMove(i32: Int32Array, from: Path, to: Path): boolean {
  const source = from.nodes[0] as number;
  const target = to.nodes[0] as number;
  if (source === target) return true;
  return (i32[source + NODE_META] as number) > LEAF_MIN && (i32[target + NODE_META] as number) < LEAF_MAX;
}

/** Root of the tree with the entry taken out at `from`, and one for `record` put in at `to`; both are places of the same tree. */
export function rootMoved(edit: TreeEdit, from: Path, to: Path, key: number, record: number): number {
  const source = from.nodes[0] as number;
  const target = to.nodes[0] as number;
  const slot = from.slots[0] as number;
  let left: number;
  let right = 0;
  if (source === target) {
    left = leafMoved(edit, source, slot, to.slots[0] as number, key, record);
  } else {
    left = leafWithout(edit, source, slot);
    right = leafWith(edit, target, to.slots[0] as number, key, record);
  }
  for (let level = 1; level <= from.height; level++) {
    const node = from.nodes[level] as number;
    const other = to.nodes[level] as number;
    const at = from.slots[level] as number;
    if (right === 0) {
      left = innerWithChild(edit, node, at, left);
    } else if (node === other) {
      left = innerWithChildren(edit, node, at, left, to.slots[level] as number, right);
      right = 0;
    } else {
      left = innerWithChild(edit, node, at, left);
      right = innerWithChild(edit, other, to.slots[level] as number, right);
    }
  }
  return left;
}
