/**
 * Walks from a root to the place of a record, of a key, or of a position. Any thread: every node is bounds-checked before
 * it is read, a level at a time down to 0, so a walk ends after at most 12 nodes whatever the memory holds.
 */
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { countBelow, countUpTo } from './key-search.ts';
import {
  ENTRIES_MASK,
  ENTRY_HINT,
  ENTRY_MEMBERS,
  ENTRY_REF,
  ENTRY_WORDS,
  entryAt,
  entryKey,
  entryMembers,
  entryRef,
  membersOf,
  NODE_ENTRIES,
  NODE_META,
  openInner,
  openLeaf,
  openRoot,
} from './node-layout.ts';
import type { Path } from './path.ts';
import type { RankingTree } from './ranking-tree.ts';
import { compareTies, tieHintOf } from './tie-order.ts';

/** The record is in the tree: its leaf entry is found by its reference, which touches no other record. */
export const LISTED = 0;
/** The record is new and belongs behind all that have its key: nothing is compared but keys. */
export const NEWEST = 1;
/** The record is new and belongs somewhere among those that have its key. */
export const UNLISTED = 2;

/**
 * Leads `path` to the entry of `record`, whose key is `key`, or to the place where it belongs. A LISTED one that the tree does
 * not hold, because it belongs to another root, leaves `path.found` false. The record's words are within reach.
 */
export function seek(tree: RankingTree, root: number, key: number, record: number, mode: number, path: Path): void {
  seekLeaf(tree, root, key, record, mode, path);
  path.touch(tree.heap.i32);
  seekInLeaf(tree, key, record, mode, path);
}

/** The first part of `seek`: down to the leaf, which is not read yet. */
export function seekLeaf(tree: RankingTree, root: number, key: number, record: number, mode: number, path: Path): void {
  const { heap, dense } = tree;
  let level = openRoot(heap, root);
  let node = root;
  let members = 0;
  path.height = level;
  path.found = false;
  for (; level > 0; level--) {
    const n = openInner(heap, node, level, dense);
    let slot = countUpTo(heap.f64, (node + NODE_ENTRIES) >>> 1, n, key) - 1;
    if (slot < 0) slot = 0;
    else if (mode !== NEWEST && entryKey(heap.f64, node, slot) === key) {
      slot = slotAmongEquals(tree, node, n, level, slot, key, record);
    }
    path.nodes[level] = node;
    path.slots[level] = slot;
    members = entryMembers(heap.i32, node, slot);
    node = entryRef(heap.i32, node, slot);
  }
  path.nodes[0] = node;
  path.leafMembers = members;
}

/** The second part of `seek`: within the leaf. */
export function seekInLeaf(tree: RankingTree, key: number, record: number, mode: number, path: Path): void {
  const heap = tree.heap;
  const leaf = path.nodes[0] as number;
  const n = openLeaf(heap, leaf);
  if (mode === LISTED) {
    const i32 = heap.i32;
    const first = leaf + NODE_ENTRIES + ENTRY_REF;
    let slot = 0;
    for (let at = first; slot < n && i32[at] !== record; at += ENTRY_WORDS) slot++;
    path.slots[0] = slot;
    path.found = slot < n;
    return;
  }
  const slot = countUpTo(heap.f64, (leaf + NODE_ENTRIES) >>> 1, n, key);
  const isTie = slot > 0 && entryKey(heap.f64, leaf, slot - 1) === key;
  path.slots[0] = mode !== NEWEST && isTie ? slotInTie(tree, leaf, slot, key, record) : slot;
}

/** Members listed before the entry that `path` leads to. */
export function positionOf(tree: RankingTree, path: Path): number {
  const i32 = tree.heap.i32;
  let position = path.slots[0] as number;
  for (let level = path.height; level > 0; level--) {
    position += membersBefore(i32, path.nodes[level] as number, path.slots[level] as number);
  }
  return position;
}

/** Members whose key is below `key`, or at most `key`. */
export function positionOfKey(tree: RankingTree, root: number, key: number, isInclusive: boolean): number {
  const heap = tree.heap;
  let level = openRoot(heap, root);
  let node = root;
  let position = 0;
  for (; level > 0; level--) {
    const n = openInner(heap, node, level, tree.dense);
    const keys = (node + NODE_ENTRIES) >>> 1;
    const before = isInclusive ? countUpTo(heap.f64, keys, n, key) : countBelow(heap.f64, keys, n, key);
    if (before === 0) return position;
    position += membersBefore(heap.i32, node, before - 1);
    node = entryRef(heap.i32, node, before - 1);
  }
  const n = openLeaf(heap, node);
  const keys = (node + NODE_ENTRIES) >>> 1;
  return position + (isInclusive ? countUpTo(heap.f64, keys, n, key) : countBelow(heap.f64, keys, n, key));
}

/** Leads `path` to the entry at a position, which must be below the members of the tree. */
export function seekPosition(tree: RankingTree, root: number, position: number, path: Path): void {
  const heap = tree.heap;
  let level = openRoot(heap, root);
  let node = root;
  let rest = position;
  path.height = level;
  path.found = true;
  for (; level > 0; level--) {
    const n = openInner(heap, node, level, tree.dense);
    const i32 = heap.i32;
    let slot = 0;
    for (let at = entryAt(node, 0) + ENTRY_MEMBERS; slot < n; slot++, at += ENTRY_WORDS) {
      const members = i32[at] as number;
      if (rest < members) break;
      rest -= members;
    }
    if (slot === n) throwStaleRead();
    path.nodes[level] = node;
    path.slots[level] = slot;
    node = entryRef(i32, node, slot);
  }
  if (rest >= openLeaf(heap, node)) throwStaleRead();
  path.nodes[0] = node;
  path.slots[0] = rest;
}

/** Sum of the members before `slot` of an inner node, from the nearer end. The node's words are within reach. */
export function membersBefore(i32: Int32Array, node: number, slot: number): number {
  const n = (i32[node + NODE_META] as number) & ENTRIES_MASK;
  const middle = entryAt(node, slot) + ENTRY_MEMBERS;
  let sum = 0;
  if (slot * 2 <= n) {
    for (let at = entryAt(node, 0) + ENTRY_MEMBERS; at < middle; at += ENTRY_WORDS) sum += i32[at] as number;
    return sum;
  }
  for (let at = middle, end = entryAt(node, n); at < end; at += ENTRY_WORDS) sum += i32[at] as number;
  return membersOf(i32, node) - sum;
}

/**
 * Which child of an inner node a record belongs to when `last` is the last of the children that begin with its key: the last
 * one whose first entry is not listed behind it, or the one before all these.
 */
function slotAmongEquals(
  tree: RankingTree,
  node: number,
  n: number,
  level: number,
  last: number,
  key: number,
  record: number,
): number {
  const hint = tieHintOf(tree.heap.i32, record, tree.byArrival);
  let low = countBelow(tree.heap.f64, (node + NODE_ENTRIES) >>> 1, n, key);
  let high = last + 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const leaf = firstLeafBelow(tree, entryRef(tree.heap.i32, node, middle), level - 1);
    if (isListedBehind(tree, leaf, 0, hint, record)) high = middle;
    else low = middle + 1;
  }
  return low > 0 ? low - 1 : 0;
}

function slotInTie(tree: RankingTree, leaf: number, end: number, key: number, record: number): number {
  const hint = tieHintOf(tree.heap.i32, record, tree.byArrival);
  let low = countBelow(tree.heap.f64, (leaf + NODE_ENTRIES) >>> 1, end, key);
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isListedBehind(tree, leaf, middle, hint, record)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether a leaf's entry is listed behind a record of the same key. */
function isListedBehind(tree: RankingTree, leaf: number, slot: number, hint: number, record: number): boolean {
  const i32 = tree.heap.i32;
  const entry = entryAt(leaf, slot);
  const other = i32[entry + ENTRY_REF] as number;
  return compareTies(tree.heap, i32[entry + ENTRY_HINT] as number, other, hint, record, tree.byArrival) > 0;
}

function firstLeafBelow(tree: RankingTree, from: number, fromLevel: number): number {
  const heap = tree.heap;
  let node = from;
  for (let level = fromLevel; level > 0; level--) {
    openInner(heap, node, level, tree.dense);
    node = entryRef(heap.i32, node, 0);
  }
  openLeaf(heap, node);
  return node;
}
