/**
 * Nodes of the counted B+ tree, each exactly as large as its entries need, so that occupancy costs no memory:
 *
 * ```
 * leaf   [entries, distinct scores | keys f64 × n | record references × n]
 * inner  [entries | level << 16, members below | first keys f64 × n | children × n | members below each × n]
 * inner of a dense ranking
 *        [… | first keys f64 × n | last keys f64 × n | children × n | members × n | distinct scores × n | distinct in all]
 * ```
 *
 * A key is the score, negated when the order is descending: the tree always ascends. Inner entries hold the exact first key
 * of their child; the first members of children are compared only where keys are equal. All leaves lie at level 0. A node
 * is immutable once its root is published.
 *
 * Dense ranks need how many distinct scores precede an entry. Each subtree is summed up by (members, distinct, first, last),
 * which joins from left to right: distinct(a ++ b) = distinct(a) + distinct(b) − (last(a) = first(b)). So one tree and one
 * root serve both counts; a second tree of distinct scores would need a second published word, and readers could meet the
 * two at different instants. It costs 12 bytes for each child, 0.1 bytes for each member.
 */
import type { Heap } from '../../memory/heap.ts';
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { reach } from '../reach.ts';

export const NODE_META = 0;
/** Inner: members below. Leaf: distinct scores, kept by dense rankings only. */
export const NODE_SUM = 1;
/** First word of the first keys, in every node. */
export const NODE_KEYS = 2;
export const ENTRIES_MASK = 0xffff;
export const LEVEL_SHIFT = 16;

export const LEAF_MAX = 64;
export const LEAF_MIN: number = LEAF_MAX >> 2;
export const INNER_MAX = 64;
export const INNER_MIN: number = INNER_MAX >> 2;
/** Bound: levels of a tree. Nodes are at least a quarter full save on the edges, so 2^31 members need less than 8. */
export const DEPTH_MAX = 12;

export function leafWords(entries: number): number {
  return NODE_KEYS + entries * 3;
}

export function innerWords(entries: number, dense: boolean): number {
  return dense ? NODE_KEYS + entries * 7 + 1 : NODE_KEYS + entries * 4;
}

/** Word offset of a leaf's first record reference. */
export function recordsAt(entries: number): number {
  return NODE_KEYS + entries * 2;
}

/** Word offset of an inner node's first child; the counts follow, then the distinct counts. */
export function childrenAt(entries: number, dense: boolean): number {
  return dense ? NODE_KEYS + entries * 4 : NODE_KEYS + entries * 2;
}

/** Level of the root, once its words are within this thread's reach. Throws StaleReadError when it can't be a node. */
export function openRoot(heap: Heap, root: number): number {
  reach(heap, root, NODE_KEYS);
  const level = (heap.i32[root + NODE_META] as number) >>> LEVEL_SHIFT;
  if (level >= DEPTH_MAX) throwStaleRead();
  return level;
}

/** Entries of the leaf at `ref`, its words within reach. Observe: reached through the root's acquiring load. */
export function openLeaf(heap: Heap, ref: number): number {
  reach(heap, ref, NODE_KEYS);
  const entries = heap.i32[ref + NODE_META] as number;
  if (entries <= 0 || entries > LEAF_MAX) throwStaleRead();
  reach(heap, ref, leafWords(entries));
  return entries;
}

/** Entries of the inner node at `ref`, which must stand at `level`, its words within reach. */
export function openInner(heap: Heap, ref: number, level: number, dense: boolean): number {
  reach(heap, ref, NODE_KEYS);
  const meta = heap.i32[ref + NODE_META] as number;
  const entries = meta & ENTRIES_MASK;
  if (meta >>> LEVEL_SHIFT !== level || entries === 0 || entries > INNER_MAX) throwStaleRead();
  reach(heap, ref, innerWords(entries, dense));
  return entries;
}

/** Members below a node whose words are within reach. */
export function membersOf(i32: Int32Array, node: number): number {
  const meta = i32[node + NODE_META] as number;
  return meta >>> LEVEL_SHIFT === 0 ? meta : (i32[node + NODE_SUM] as number);
}
