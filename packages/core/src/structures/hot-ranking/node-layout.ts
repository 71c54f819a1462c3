/**
 * Nodes of the counted B+ tree, each exactly as large as its entries need, so that occupancy costs no memory:
 *
 * ```
 * node         [entries | level << 16, sum | n entries of four words]
 * leaf entry   [key f64, record reference, tie hint]        sum: distinct keys (dense rankings only)
 * inner entry  [first key f64, child, members below it]     sum: members below the node
 * inner node of a dense ranking, behind its entries
 *              [last keys f64 × n | distinct keys below each × n | distinct keys in all]
 * ```
 *
 * A key is the score, negated when the order is descending: the tree always ascends. Inner entries hold the exact first key
 * of their child; the first entries of children are compared only where keys are equal. All leaves lie at level 0. A node is
 * immutable once its root is published. Entries of 16 bytes are copied 8 bytes at a time; references in a column of their
 * own, moved by 4 bytes, would go byte by byte (V8's copyWithin on shared memory).
 *
 * Dense ranks need how many distinct scores precede an entry. Each subtree is summed up by (members, distinct, first, last),
 * which joins from left to right: distinct(a ++ b) = distinct(a) + distinct(b) − (last(a) = first(b)). So one tree and one
 * root serve both counts; a second tree of distinct scores would need a second published word, and readers could meet the
 * two at different instants. It costs 12 bytes for each child, 0.2 bytes for each member.
 */
import type { Heap } from '../../memory/heap.ts';
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { reach } from '../reach.ts';

export const NODE_META = 0;
/** Inner: members below. Leaf: distinct keys, kept by dense rankings only. */
export const NODE_SUM = 1;
/** First word of the first entry, and its key. */
export const NODE_ENTRIES = 2;
export const ENTRY_SHIFT = 2;
export const ENTRY_WORDS = 4;
/** Word of an entry: the record of a leaf's entry, the child of an inner node's. */
export const ENTRY_REF = 2;
/** Word of an inner entry: members below the child. */
export const ENTRY_MEMBERS = 3;
/** Word of a leaf entry: tie-order.ts. */
export const ENTRY_HINT = 3;

export const ENTRIES_MASK = 0xffff;
export const LEVEL_SHIFT = 16;

export const LEAF_MAX = 64;
export const LEAF_MIN: number = LEAF_MAX >> 2;
export const INNER_MAX = 64;
export const INNER_MIN: number = INNER_MAX >> 2;
/** Bound: levels of a tree. Nodes are at least a quarter full save on the edges, so 2^31 members need less than 9. */
export const DEPTH_MAX = 12;

export function leafWords(entries: number): number {
  return NODE_ENTRIES + (entries << ENTRY_SHIFT);
}

export function innerWords(entries: number, dense: boolean): number {
  return dense ? NODE_ENTRIES + entries * 7 + 1 : NODE_ENTRIES + (entries << ENTRY_SHIFT);
}

/** Word index of an entry of the node. */
export function entryAt(node: number, slot: number): number {
  return node + NODE_ENTRIES + (slot << ENTRY_SHIFT);
}

export function entryKey(f64: Float64Array, node: number, slot: number): number {
  return f64[((node + NODE_ENTRIES) >>> 1) + (slot << 1)] as number;
}

/** The record of a leaf's entry, the child of an inner node's. */
export function entryRef(i32: Int32Array, node: number, slot: number): number {
  return i32[node + NODE_ENTRIES + (slot << ENTRY_SHIFT) + ENTRY_REF] as number;
}

/** Members below the child of an inner node's entry. */
export function entryMembers(i32: Int32Array, node: number, slot: number): number {
  return i32[node + NODE_ENTRIES + (slot << ENTRY_SHIFT) + ENTRY_MEMBERS] as number;
}

/** Level of the root, once its head is within this thread's reach. Throws StaleReadError when it can't be a node. */
export function openRoot(heap: Heap, root: number): number {
  reach(heap, root, NODE_ENTRIES);
  const level = (heap.i32[root + NODE_META] as number) >>> LEVEL_SHIFT;
  if (level >= DEPTH_MAX) throwStaleRead();
  return level;
}

/** Entries of the leaf at `ref`, its words within reach. Observe: reached through the root's acquiring load. */
export function openLeaf(heap: Heap, ref: number): number {
  reach(heap, ref, NODE_ENTRIES);
  const entries = heap.i32[ref + NODE_META] as number;
  if (entries <= 0 || entries > LEAF_MAX) throwStaleRead();
  reach(heap, ref, leafWords(entries));
  return entries;
}

/** Entries of the inner node at `ref`, which must stand at `level`, its words within reach. */
export function openInner(heap: Heap, ref: number, level: number, dense: boolean): number {
  reach(heap, ref, NODE_ENTRIES);
  const meta = heap.i32[ref + NODE_META] as number;
  const entries = meta & ENTRIES_MASK;
  if (meta >>> LEVEL_SHIFT !== level || entries === 0 || entries > INNER_MAX) throwStaleRead();
  reach(heap, ref, innerWords(entries, dense));
  return entries;
}

/** Entries of a node that is known to be one. */
export function entriesOf(i32: Int32Array, node: number): number {
  return (i32[node + NODE_META] as number) & ENTRIES_MASK;
}

export function isLeaf(i32: Int32Array, node: number): boolean {
  return (i32[node + NODE_META] as number) >>> LEVEL_SHIFT === 0;
}

/** Members below a node whose head is within reach. */
export function membersOf(i32: Int32Array, node: number): number {
  return isLeaf(i32, node) ? (i32[node + NODE_META] as number) : (i32[node + NODE_SUM] as number);
}
