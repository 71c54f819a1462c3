/**
 * Stubs: what is in memory of an actor whose state is in the store alone. Its record stands in the table of its type with a flag
 * and initial values, and refers to nothing, so that whoever finds it on any thread knows that it exists, and that its state is not
 * here.
 *
 * Invariant: a partition has a stub only for an actor whose changes all stand in the store's rows (fold-cover.ts), or stood in the
 * store when it was opened (row-reads.ts in persistence). Publish: the record takes the place of the one before by one store
 * (HotMap.put), so a peek finds the whole state or the stub.
 *
 * Whoever compares memory with the store finds no state for it in memory: its rows are right as they are stored, and a row in the
 * store that memory does not know is none that is missing here.
 */
import { type Heap, type KeyBytes, readBool, readU32 } from '@spacegrid/core';
import type { Partition } from '../runtime/partition.ts';
import { retireStructure } from './retire-structure.ts';
import type { StateLayout } from './state-layout.ts';

/** Among the roots of a partition: a count, no reference. */
const COUNT_ROOT = 9;

/** How many actors of a partition are unloaded. */
export function stubCount(heap: Heap): number {
  return heap.i32[heap.root(COUNT_ROOT)] as number;
}

/** In a bracket, with the change that it counts. */
export function countStubs(heap: Heap, difference: number): void {
  heap.set(heap.root(COUNT_ROOT), stubCount(heap) + difference);
}

/** Whether a record of an unloading type is a stub. Partition thread only. */
export function isStub(heap: Heap, layout: StateLayout, record: number): boolean {
  return layout.unloaded !== undefined && readBool(heap, record, layout.unloaded);
}

/**
 * Puts a stub in the place of an actor, or of nothing. What the actor had is freed in steps, which a successor of the thread can
 * resume. In a bracket. Throws CapacityError.
 */
export function putStub(partition: Partition, layout: StateLayout, key: KeyBytes): void {
  const { heap } = partition;
  const table = partition.ensureTable(layout.type.index);
  const record = table.find(key);
  if (record !== 0) {
    if (isStub(heap, layout, record)) return;
    for (const slot of layout.structures) {
      const header = readU32(heap, record, slot.record);
      if (header !== 0) retireStructure(heap, slot, header);
    }
  }
  const draft = partition.draft(layout.type.index);
  draft.reset();
  if (layout.unloaded !== undefined) draft.setBool(layout.unloaded, true);
  table.put(key, draft);
  countStubs(heap, 1);
}

/** In a bracket. */
export function removeStub(partition: Partition, layout: StateLayout, key: KeyBytes): void {
  const table = partition.table(layout.type.index);
  const record = table?.find(key) ?? 0;
  if (table === undefined || record === 0) return;
  table.delete(key);
  countStubs(partition.heap, -1);
}
