/**
 * The words by which a record hangs in a list of its partition's timer wheel:
 *
 * ```
 * [next, link, owner]
 *    next   the node behind this one; 0 at the end
 *    link   the word that refers to this node: a list's head, or the `next` of the node before; 0 when it hangs nowhere
 *    owner  the block that says whose record it is (timed-owner.ts)
 * ```
 *
 * They lie within the record and are changed in place, under the rollback journal: no reader looks at them.
 */
import type { Heap } from '../../memory/heap.ts';

export const NODE_NEXT = 0;
export const NODE_LINK = 1;
export const NODE_OWNER = 2;
export const NODE_WORDS = 3;

/** Hangs a node that hangs nowhere at the front of the list whose head is the word `head`. In a bracket. */
export function linkNode(heap: Heap, head: number, node: number): void {
  const first = heap.i32[head] as number;
  heap.set(node + NODE_NEXT, first);
  heap.set(node + NODE_LINK, head);
  if (first !== 0) heap.set(first + NODE_LINK, node + NODE_NEXT);
  heap.set(head, node);
}

/** Takes a node out of its list; nothing when it hangs in none. In a bracket. */
export function unlinkNode(heap: Heap, node: number): void {
  const { i32 } = heap;
  const link = i32[node + NODE_LINK] as number;
  if (link === 0) return;
  const next = i32[node + NODE_NEXT] as number;
  heap.set(link, next);
  if (next !== 0) heap.set(next + NODE_LINK, link);
  heap.set(node + NODE_LINK, 0);
}

/** Hangs `fresh`, in a block made in this turn, where `node` hangs, and takes that out. In a bracket. */
export function replaceNode(heap: Heap, node: number, fresh: number): void {
  const { i32 } = heap;
  const link = i32[node + NODE_LINK] as number;
  const next = i32[node + NODE_NEXT] as number;
  i32[fresh + NODE_NEXT] = next;
  i32[fresh + NODE_LINK] = link;
  if (link === 0) return;
  heap.set(link, fresh);
  if (next !== 0) heap.set(next + NODE_LINK, fresh + NODE_NEXT);
  heap.set(node + NODE_LINK, 0);
}
