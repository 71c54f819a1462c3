import { type Heap, HotMap, HotRanking, KeyScratch } from '@spacegrid/core';
import type { EntryLayout, StructureSlot } from './state-layout.ts';

/** Frees a structure, in steps after the turn's commit. In a turn. */
export function retireStructure(heap: Heap, slot: StructureSlot, header: number): void {
  if (slot.field.kind === 'ranking') new HotRanking(heap, header, new KeyScratch(0)).destroy();
  else new HotMap(heap, header, (slot.entry as EntryLayout).shape, 0).destroy();
}
