/** Counts of distinct scores, kept by dense rankings (see node-layout.ts for how they join). */
import { countBelow } from './key-search.ts';
import {
  childrenAt,
  ENTRIES_MASK,
  innerWords,
  LEVEL_SHIFT,
  NODE_KEYS,
  NODE_META,
  NODE_SUM,
  openInner,
  openLeaf,
  openRoot,
} from './node-layout.ts';
import type { RankingTree } from './ranking-tree.ts';

/** How many different keys the `n` ascending ones from index `at` on are. */
export function countDistinct(f64: Float64Array, at: number, n: number): number {
  let distinct = n === 0 ? 0 : 1;
  for (let slot = 1; slot < n; slot++) {
    if (f64[at + slot] !== f64[at + slot - 1]) distinct++;
  }
  return distinct;
}

/** Distinct keys below a node of a dense ranking. */
export function distinctOf(i32: Int32Array, node: number): number {
  const meta = i32[node + NODE_META] as number;
  if (meta >>> LEVEL_SHIFT === 0) return i32[node + NODE_SUM] as number;
  return i32[node + innerWords(meta & ENTRIES_MASK, true) - 1] as number;
}

/** Distinct keys of the first `slots` children of an inner node. */
export function distinctBefore(i32: Int32Array, f64: Float64Array, node: number, slots: number): number {
  const n = (i32[node + NODE_META] as number) & ENTRIES_MASK;
  const firsts = (node + NODE_KEYS) >>> 1;
  const lasts = firsts + n;
  const counts = node + childrenAt(n, true) + 2 * n;
  let distinct = 0;
  for (let slot = 0; slot < slots; slot++) {
    distinct += i32[counts + slot] as number;
    if (slot > 0 && f64[lasts + slot - 1] === f64[firsts + slot]) distinct--;
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
    const firsts = (node + NODE_KEYS) >>> 1;
    const before = countBelow(f64, firsts, n, key);
    if (before === 0) return distinct;
    const slot = before - 1;
    distinct += distinctBefore(i32, f64, node, slot);
    // The child entered begins below `key`: where it goes on with its neighbour's last score, that was counted already.
    if (slot > 0 && f64[firsts + n + slot - 1] === f64[firsts + slot]) distinct--;
    node = i32[node + childrenAt(n, true) + slot] as number;
  }
  const n = openLeaf(heap, node);
  const keys = (node + NODE_KEYS) >>> 1;
  return distinct + countDistinct(heap.f64, keys, countBelow(heap.f64, keys, n, key));
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
    const firsts = (node + NODE_KEYS) >>> 1;
    const lasts = firsts + n;
    const children = node + childrenAt(n, true);
    let slot = 0;
    for (; slot < n - 1; slot++) {
      const distinct = i32[children + 2 * n + slot] as number;
      if (rest < distinct) break;
      rest -= distinct;
      // The next child goes on with the last score of this one: its first key was counted here.
      if (f64[lasts + slot] === f64[firsts + slot + 1]) rest++;
      position += i32[children + n + slot] as number;
    }
    node = i32[children + slot] as number;
  }
  const n = openLeaf(heap, node);
  const keys = (node + NODE_KEYS) >>> 1;
  let slot = 0;
  for (; slot < n && rest > 0; ) {
    slot++;
    if (slot < n && heap.f64[keys + slot] !== heap.f64[keys + slot - 1]) rest--;
  }
  return position + slot;
}
