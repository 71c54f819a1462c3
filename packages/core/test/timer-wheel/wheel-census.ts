/** Walks all lists of a timer wheel and checks that their nodes refer to each other. */
import type { Heap } from '../../src/memory/heap.ts';
import { NODE_LINK, NODE_NEXT } from '../../src/structures/timer-wheel/timer-node.ts';

const DUE = 1;
const LISTS = 1 + 5 * 64;

/** The nodes that hang in the wheel, by the number of their list: 0 for those that are due. Throws an Error that says what is wrong. */
export function takeWheelCensus(heap: Heap, wheel: number): Map<number, number> {
  const lists = new Map<number, number>();
  for (let list = 0; list < LISTS; list++) {
    let link = wheel + DUE + list;
    for (let node = heap.i32[link] as number; node !== 0; node = heap.i32[link] as number) {
      if (lists.has(node)) throw new Error(`census: the node ${node} hangs in two lists, or in one twice`);
      if (heap.i32[node + NODE_LINK] !== link)
        throw new Error(`census: the node ${node} does not know what refers to it`);
      lists.set(node, list);
      link = node + NODE_NEXT;
    }
  }
  return lists;
}
