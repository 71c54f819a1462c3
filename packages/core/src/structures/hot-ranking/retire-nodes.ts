/**
 * Frees a cleared ranking's nodes and records in bounded steps, from the graveyard: an inner node hands over its children, a
 * leaf frees its records; then each frees itself. So a step frees a node's worth, whatever the size of the tree, and needs no
 * word to keep its progress in: readers with older pins may still be looking at the nodes.
 */
import { registerRetireStep } from '../../memory/graveyard.ts';
import type { Heap } from '../../memory/heap.ts';
import { entriesOf, entryRef, isLeaf } from './node-layout.ts';

export const RANKING_NODE_GRAVE = 8;

registerRetireStep(RANKING_NODE_GRAVE, freeNode);

/** Hands an unlinked root to the graveyard: O(1). */
export function retireTree(heap: Heap, root: number): void {
  heap.retire(RANKING_NODE_GRAVE, root);
}

function freeNode(heap: Heap, node: number): boolean {
  const i32 = heap.i32;
  const n = entriesOf(i32, node);
  const ofLeaf = isLeaf(i32, node);
  for (let slot = 0; slot < n; slot++) {
    const ref = entryRef(i32, node, slot);
    if (ofLeaf) heap.free(ref);
    else retireTree(heap, ref);
  }
  heap.free(node);
  return true;
}
