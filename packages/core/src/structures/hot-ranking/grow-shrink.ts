/**
 * Carries a change of one leaf up its path to a fresh root, splitting and merging on the way. Writer only; builds fresh
 * nodes and leaves the published ones as they are.
 *
 * A node splits in halves, but on the outer edges of the tree, where entries come in order, the full side stays full. A node
 * that falls under a quarter takes in a sibling: one node if both fit three quarters, two even ones otherwise. A node whose
 * only company is itself (on an edge) may be smaller; it goes when it is empty. All leaves stay at level 0.
 */
import { EntryBuffer } from './entry-buffer.ts';
import { innerWithChild } from './inner-node.ts';
import { leafWith, leafWithout } from './leaf.ts';
import {
  entriesOf,
  entryRef,
  INNER_MAX,
  INNER_MIN,
  innerWords,
  isLeaf,
  LEAF_MAX,
  LEAF_MIN,
  leafWords,
} from './node-layout.ts';
import type { Path } from './path.ts';
import type { TreeEdit } from './tree-edit.ts';

const entries = new EntryBuffer();

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
  const n = entriesOf(edit.tree.heap.i32, leaf);
  if (n < LEAF_MAX) {
    replaceAt(path, 0, leafWith(edit, leaf, slot, key, record), 0);
  } else {
    entries.clear();
    entries.addNode(edit, leaf);
    entries.insertRecord(edit, slot, key, record);
    const cut = cutOf(edit, path, 0, slot, n + 1);
    const left = entries.toNode(edit, 0, 0, cut);
    replaceAt(path, 0, left, entries.toNode(edit, 0, cut, n + 1));
  }
  return carryUp(edit, path);
}

/** Root of the tree without the entry that `path` leads to; 0 when it was the last one. */
export function rootWithout(edit: TreeEdit, path: Path): number {
  const leaf = path.nodes[0] as number;
  const slot = path.slots[0] as number;
  const left = entriesOf(edit.tree.heap.i32, leaf) - 1;
  const sibling = left < LEAF_MIN ? siblingSlot(edit, path, 0) : -1;
  if (sibling >= 0) {
    const own = path.slots[1] as number;
    entries.clear();
    if (sibling < own) entries.addNode(edit, childAt(edit, path, 1, sibling));
    const before = entries.n;
    entries.addNode(edit, leaf);
    entries.removeRecord(before + slot);
    if (sibling > own) entries.addNode(edit, childAt(edit, path, 1, sibling));
    const n = entries.n;
    const cut = n * 4 <= LEAF_MAX * 3 ? n : n >>> 1;
    const first = entries.toNode(edit, 0, 0, cut);
    replaceTwo(path, 0, sibling, first, cut < n ? entries.toNode(edit, 0, cut, n) : 0);
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
  const left =
    entriesOf(edit.tree.heap.i32, node) - change.removed + (change.second !== 0 ? 2 : change.first !== 0 ? 1 : 0);
  const sibling = left < INNER_MIN ? siblingSlot(edit, path, level) : -1;
  const own = path.slots[level + 1] as number;
  entries.clear();
  if (sibling >= 0 && sibling < own) entries.addNode(edit, childAt(edit, path, level + 1, sibling));
  const before = entries.n;
  entries.addNode(edit, node);
  entries.spliceChildren(edit, before + change.at, change.removed, change.first, change.second);
  if (sibling > own) entries.addNode(edit, childAt(edit, path, level + 1, sibling));
  const n = entries.n;
  if (sibling >= 0) {
    const cut = n * 4 <= INNER_MAX * 3 ? n : n >>> 1;
    const first = entries.toNode(edit, level, 0, cut);
    replaceTwo(path, level, sibling, first, cut < n ? entries.toNode(edit, level, cut, n) : 0);
  } else if (n > INNER_MAX) {
    const cut = cutOf(edit, path, level, change.at, n);
    const first = entries.toNode(edit, level, 0, cut);
    replaceAt(path, level, first, entries.toNode(edit, level, cut, n));
  } else {
    replaceAt(path, level, n > 0 ? entries.toNode(edit, level, 0, n) : 0, 0);
  }
}

/** How many of `n` entries stay left in a split: all but one, or one only, where entries come in order on an edge. */
function cutOf(edit: TreeEdit, path: Path, level: number, slot: number, n: number): number {
  if (level === 0 ? slot === n - 1 : slot === n - 2) {
    for (let up = level + 1; ; up++) {
      if (up > path.height) return n - 1;
      if (path.slots[up] !== entriesOf(edit.tree.heap.i32, path.nodes[up] as number) - 1) break;
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
  return own + 1 < entriesOf(edit.tree.heap.i32, path.nodes[level + 1] as number) ? own + 1 : own - 1;
}

function childAt(edit: TreeEdit, path: Path, level: number, slot: number): number {
  return entryRef(edit.tree.heap.i32, path.nodes[level] as number, slot);
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
  entries.clear();
  entries.spliceChildren(edit, 0, 0, change.first, change.second);
  return entries.toNode(edit, level, 0, 2);
}

/** A root with one child gives way to it. Bound: the height of the tree. */
function rootWithoutLoneChildren(edit: TreeEdit, from: number): number {
  const { heap, dense } = edit.tree;
  const i32 = heap.i32;
  let root = from;
  while (root !== 0 && !isLeaf(i32, root) && entriesOf(i32, root) === 1) {
    edit.replace(root, innerWords(1, dense));
    root = entryRef(i32, root, 0);
  }
  return root;
}
