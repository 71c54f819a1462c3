/**
 * The block that a timed record's node names as its owner: `[map's header, …]`, where the words behind the first are for whoever
 * keeps the map to know it by. It outlives the map: when that is destroyed its records still hang in the wheel, until they
 * are freed in steps. The header's word is 0 from then on, and the block is freed after the last of them.
 */
import { registerRetireStep } from '../../memory/graveyard.ts';
import type { Heap } from '../../memory/heap.ts';

/** Header of the owner's map; 0 once that was destroyed. */
export const OWNER_MAP = 0;
/** First word that is not ours. */
export const OWNER_WORDS = 1;

/** Higher than the kinds of index tables: lower kinds are freed first, and with them all records that name this owner. */
const TIMED_OWNER_GRAVE = 16;

registerRetireStep(TIMED_OWNER_GRAVE, (heap: Heap, owner: number) => {
  heap.free(owner);
  return true;
});

/** Of a map that is destroyed in this turn. */
export function retireOwner(heap: Heap, owner: number): void {
  heap.set(owner + OWNER_MAP, 0);
  heap.retire(TIMED_OWNER_GRAVE, owner);
}
