/**
 * Frees a cleared ranking's nodes and records in bounded steps, from the graveyard: an inner node hands over its children, a
 * leaf frees its records; then each frees itself. So a step frees a node's worth, whatever the size of the tree, and needs no
 * word to keep its progress in: readers with older pins may still be looking at the nodes.
 */
import { registerRetireStep } from '../../memory/graveyard.ts';
import type { Heap } from '../../memory/heap.ts';
import { childrenAt, ENTRIES_MASK, LEVEL_SHIFT, NODE_META, recordsAt } from './node-layout.ts';

export const RANKING_NODE_GRAVE = 8;
export const DENSE_RANKING_NODE_GRAVE = 9;

registerRetireStep(RANKING_NODE_GRAVE, (heap, node) => freeNode(heap, node, false));
registerRetireStep(DENSE_RANKING_NODE_GRAVE, (heap, node) => freeNode(heap, node, true));

/** Hands an unlinked root to the graveyard: O(1). */
export function retireTree(heap: Heap, root: number, dense: boolean): void {
  heap.retire(dense ? DENSE_RANKING_NODE_GRAVE : RANKING_NODE_GRAVE, root);
}

function freeNode(heap: Heap, node: number, dense: boolean): boolean {
  const i32 = heap.i32;
  const meta = i32[node + NODE_META] as number;
  const n = meta & ENTRIES_MASK;
  if (meta >>> LEVEL_SHIFT === 0) {
    const records = node + recordsAt(n);
    for (let slot = 0; slot < n; slot++) heap.free(i32[records + slot] as number);
  } else {
    const children = node + childrenAt(n, dense);
    for (let slot = 0; slot < n; slot++) retireTree(heap, i32[children + slot] as number, dense);
  }
  heap.free(node);
  return true;
}
