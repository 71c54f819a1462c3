/**
 * Carries a change of one leaf up its path to a fresh root, splitting and merging on the way. Writer only; builds fresh
 * nodes and leaves the published ones as they are.
 *
 * A node splits in halves, but on the outer edges of the tree, where entries come in order, the full side stays full. A node
 * that falls under a quarter takes in a sibling: one node if both fit three quarters, two even ones otherwise. A node whose
 * only company is itself (on an edge) may be smaller; it goes when it is empty. All leaves stay at level 0.
 */
import { ChildBuffer } from './child-buffer.ts';
import { innerWithChild } from './inner-node.ts';
import { leafWith, leafWithout } from './leaf.ts';
import { LeafBuffer } from './leaf-buffer.ts';
import {
  childrenAt,
  ENTRIES_MASK,
  INNER_MAX,
  INNER_MIN,
  innerWords,
  LEAF_MAX,
  LEAF_MIN,
  LEVEL_SHIFT,
  leafWords,
  NODE_META,
} from './node-layout.ts';
import type { Path } from './path.ts';
import type { TreeEdit } from './tree-edit.ts';

const leaves = new LeafBuffer();
const inner = new ChildBuffer();

/** What takes the place of `removed` children, from slot `at` on, of the node one level up: up to two nodes. */
const change: { at: number; removed: number; first: number; second: number } = {
  at: 0,
  removed: 0,
  first: 0,
  second: 0,
};

/** Root of the tree with one more entry at the place that `path` leads to. */
export function rootWith(edit: TreeEdit, path: Path, key: number, record: number): number {
  const leaf = path.nodes[0] as number;
  const slot = path.slots[0] as number;
  const n = entriesOf(edit, leaf);
  if (n < LEAF_MAX) {
    replaceAt(path, 0, leafWith(edit, leaf, slot, key, record), 0);
  } else {
    leaves.clear();
    leaves.addLeaf(edit, leaf);
    leaves.insert(slot, key, record);
    const cut = cutOf(edit, path, 0, slot, n + 1);
    const left = leaves.toLeaf(edit, 0, cut);
    replaceAt(path, 0, left, leaves.toLeaf(edit, cut, n + 1));
  }
  return carryUp(edit, path);
}

/** Root of the tree without the entry that `path` leads to; 0 when it was the last one. */
export function rootWithout(edit: TreeEdit, path: Path): number {
  const leaf = path.nodes[0] as number;
  const slot = path.slots[0] as number;
  const left = entriesOf(edit, leaf) - 1;
  const sibling = left < LEAF_MIN ? siblingSlot(edit, path, 0) : -1;
  if (sibling >= 0) {
    const own = path.slots[1] as number;
    leaves.clear();
    if (sibling < own) leaves.addLeaf(edit, childAt(edit, path, 1, sibling));
    const before = leaves.n;
    leaves.addLeaf(edit, leaf);
    leaves.remove(before + slot);
    if (sibling > own) leaves.addLeaf(edit, childAt(edit, path, 1, sibling));
    const n = leaves.n;
    const cut = n * 4 <= LEAF_MAX * 3 ? n : n >>> 1;
    const first = leaves.toLeaf(edit, 0, cut);
    replaceTwo(path, 0, sibling, first, cut < n ? leaves.toLeaf(edit, cut, n) : 0);
  } else if (left > 0) {
    replaceAt(path, 0, leafWithout(edit, leaf, slot), 0);
  } else {
    edit.replace(leaf, leafWords(1));
    replaceAt(path, 0, 0, 0);
  }
  return carryUp(edit, path);
}

function carryUp(edit: TreeEdit, path: Path): number {
  for (let level = 1; level <= path.height; level++) {
    const node = path.nodes[level] as number;
    if (change.removed === 1 && change.second === 0 && change.first !== 0) {
      replaceAt(path, level, innerWithChild(edit, node, change.at, change.first), 0);
    } else {
      restructure(edit, path, level, node);
    }
  }
  if (change.second !== 0) return rootOver(edit, path.height + 1);
  return rootWithoutLoneChildren(edit, change.first);
}

/** Applies a change in the number of children at a level, and leaves what it means for the level above. */
function restructure(edit: TreeEdit, path: Path, level: number, node: number): void {
  const left = entriesOf(edit, node) - change.removed + (change.second !== 0 ? 2 : change.first !== 0 ? 1 : 0);
  const sibling = left < INNER_MIN ? siblingSlot(edit, path, level) : -1;
  const own = path.slots[level + 1] as number;
  inner.clear();
  if (sibling >= 0 && sibling < own) inner.addNode(edit, childAt(edit, path, level + 1, sibling));
  const before = inner.n;
  inner.addNode(edit, node);
  inner.splice(edit, before + change.at, change.removed, change.first, change.second);
  if (sibling > own) inner.addNode(edit, childAt(edit, path, level + 1, sibling));
  const n = inner.n;
  if (sibling >= 0) {
    const cut = n * 4 <= INNER_MAX * 3 ? n : n >>> 1;
    const first = inner.toInner(edit, level, 0, cut);
    replaceTwo(path, level, sibling, first, cut < n ? inner.toInner(edit, level, cut, n) : 0);
  } else if (n > INNER_MAX) {
    const cut = cutOf(edit, path, level, change.at, n);
    const first = inner.toInner(edit, level, 0, cut);
    replaceAt(path, level, first, inner.toInner(edit, level, cut, n));
  } else {
    replaceAt(path, level, n > 0 ? inner.toInner(edit, level, 0, n) : 0, 0);
  }
}

/** How many of `n` entries stay left in a split: all but one, or one only, where entries come in order on an edge. */
function cutOf(edit: TreeEdit, path: Path, level: number, slot: number, n: number): number {
  if (level === 0 ? slot === n - 1 : slot === n - 2) {
    for (let up = level + 1; ; up++) {
      if (up > path.height) return n - 1;
      if (path.slots[up] !== entriesOf(edit, path.nodes[up] as number) - 1) break;
    }
  } else if (slot === 0) {
    for (let up = level + 1; ; up++) {
      if (up > path.height) return 1;
      if (path.slots[up] !== 0) break;
    }
  }
  return n >>> 1;
}

/** Slot in the parent of the neighbour to merge with: the right one, or for the last child the left one; −1: none. */
function siblingSlot(edit: TreeEdit, path: Path, level: number): number {
  if (level === path.height) return -1;
  const own = path.slots[level + 1] as number;
  return own + 1 < entriesOf(edit, path.nodes[level + 1] as number) ? own + 1 : own - 1;
}

function childAt(edit: TreeEdit, path: Path, level: number, slot: number): number {
  const node = path.nodes[level] as number;
  return edit.tree.heap.i32[node + childrenAt(entriesOf(edit, node), edit.tree.dense) + slot] as number;
}

function replaceAt(path: Path, level: number, first: number, second: number): void {
  change.at = path.slots[level + 1] as number;
  change.removed = 1;
  change.first = first;
  change.second = second;
}

function replaceTwo(path: Path, level: number, sibling: number, first: number, second: number): void {
  change.at = Math.min(path.slots[level + 1] as number, sibling);
  change.removed = 2;
  change.first = first;
  change.second = second;
}

function rootOver(edit: TreeEdit, level: number): number {
  inner.clear();
  inner.splice(edit, 0, 0, change.first, change.second);
  return inner.toInner(edit, level, 0, 2);
}

/** A root with one child gives way to it. Bound: the height of the tree. */
function rootWithoutLoneChildren(edit: TreeEdit, from: number): number {
  const { heap, dense } = edit.tree;
  let root = from;
  while (root !== 0 && (heap.i32[root + NODE_META] as number) >>> LEVEL_SHIFT !== 0 && entriesOf(edit, root) === 1) {
    const child = heap.i32[root + childrenAt(1, dense)] as number;
    edit.replace(root, innerWords(1, dense));
    root = child;
  }
  return root;
}

function entriesOf(edit: TreeEdit, node: number): number {
  return (edit.tree.heap.i32[node + NODE_META] as number) & ENTRIES_MASK;
}
