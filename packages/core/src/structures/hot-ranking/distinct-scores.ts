/** Counts of distinct scores, kept by dense rankings (see node-layout.ts for how they join). */
import { countBelow } from './key-search.ts';
import {
  entriesOf,
  entryKey,
  entryMembers,
  entryRef,
  innerWords,
  isLeaf,
  leafWords,
  NODE_ENTRIES,
  NODE_SUM,
  openInner,
  openLeaf,
  openRoot,
} from './node-layout.ts';
import type { RankingTree } from './ranking-tree.ts';

/** Double index of an inner node's last keys. */
export function lastKeysAt(node: number, n: number): number {
  return (node + leafWords(n)) >>> 1;
}

/** Word index of the counts of distinct keys below an inner node's children. */
export function distinctsAt(node: number, n: number): number {
  return node + leafWords(n) + n * 2;
}

/** Last key below a node of a dense ranking. */
export function lastKeyOf(i32: Int32Array, f64: Float64Array, node: number): number {
  const n = entriesOf(i32, node);
  return isLeaf(i32, node) ? entryKey(f64, node, n - 1) : (f64[lastKeysAt(node, n) + n - 1] as number);
}

/** Distinct keys below a node of a dense ranking. */
export function distinctOf(i32: Int32Array, node: number): number {
  if (isLeaf(i32, node)) return i32[node + NODE_SUM] as number;
  return i32[node + innerWords(entriesOf(i32, node), true) - 1] as number;
}

/** How many different keys the first `n` entries of a leaf have. */
export function countDistinct(f64: Float64Array, leaf: number, n: number): number {
  let distinct = n === 0 ? 0 : 1;
  for (let slot = 1; slot < n; slot++) {
    if (entryKey(f64, leaf, slot) !== entryKey(f64, leaf, slot - 1)) distinct++;
  }
  return distinct;
}

/** Distinct keys of the first `slots` children of an inner node. */
export function distinctBefore(i32: Int32Array, f64: Float64Array, node: number, slots: number): number {
  const n = entriesOf(i32, node);
  const lasts = lastKeysAt(node, n);
  const counts = distinctsAt(node, n);
  let distinct = 0;
  for (let slot = 0; slot < slots; slot++) {
    distinct += i32[counts + slot] as number;
    if (slot > 0 && f64[lasts + slot - 1] === entryKey(f64, node, slot)) distinct--;
  }
  return distinct;
}

/** How many distinct keys of a dense ranking are below `key`. */
export function distinctBelow(tree: RankingTree, root: number, key: number): number {
  const heap = tree.heap;
  let level = openRoot(heap, root);
  let node = root;
  let distinct = 0;
  for (; level > 0; level--) {
    const n = openInner(heap, node, level, true);
    const { i32, f64 } = heap;
    const slot = countBelow(f64, (node + NODE_ENTRIES) >>> 1, n, key) - 1;
    if (slot < 0) return distinct;
    distinct += distinctBefore(i32, f64, node, slot);
    // The child entered begins below `key`: where it goes on with its neighbour's last key, that was counted already.
    if (slot > 0 && f64[lastKeysAt(node, n) + slot - 1] === entryKey(f64, node, slot)) distinct--;
    node = entryRef(i32, node, slot);
  }
  const n = openLeaf(heap, node);
  return distinct + countDistinct(heap.f64, node, countBelow(heap.f64, (node + NODE_ENTRIES) >>> 1, n, key));
}

/** Distinct keys of the whole tree. */
export function distinctInAll(tree: RankingTree, root: number): number {
  const level = openRoot(tree.heap, root);
  if (level === 0) openLeaf(tree.heap, root);
  else openInner(tree.heap, root, level, true);
  return distinctOf(tree.heap.i32, root);
}

/** Position of the first entry of the distinct key number `number`, counted from 0 and below the distinct keys in all. */
export function positionOfDistinct(tree: RankingTree, root: number, number: number): number {
  const heap = tree.heap;
  let level = openRoot(heap, root);
  let node = root;
  let rest = number;
  let position = 0;
  for (; level > 0; level--) {
    const n = openInner(heap, node, level, true);
    const { i32, f64 } = heap;
    const lasts = lastKeysAt(node, n);
    const counts = distinctsAt(node, n);
    let slot = 0;
    for (; slot < n - 1; slot++) {
      const distinct = i32[counts + slot] as number;
      if (rest < distinct) break;
      rest -= distinct;
      // The next child goes on with the last key of this one: its first key was counted here.
      if (f64[lasts + slot] === entryKey(f64, node, slot + 1)) rest++;
      position += entryMembers(i32, node, slot);
    }
    node = entryRef(i32, node, slot);
  }
  const n = openLeaf(heap, node);
  let slot = 0;
  while (slot < n && rest > 0) {
    slot++;
    if (slot < n && entryKey(heap.f64, node, slot) !== entryKey(heap.f64, node, slot - 1)) rest--;
  }
  return position + slot;
}
