/**
 * The block by which a timed record tells whose it is (core: timed-owner.ts), so that a partition that comes to it in its timer
 * wheel can delete it as a turn of its actor would:
 *
 * ```
 * [map's header, actor type, structure, bytes of the actor's key, key bytes…]
 * ```
 */
import { type Heap, HotMap, type KeyBytes, OWNER_MAP, OWNER_WORDS } from '@spacegrid/core';
import type { EntryLayout, StateLayout, StructureSlot } from './state-layout.ts';

const TYPE = OWNER_WORDS;
const STRUCTURE = OWNER_WORDS + 1;
const KEY_BYTES = OWNER_WORDS + 2;
const KEY = OWNER_WORDS + 3;

export interface MapOwner {
  /** Header of the map; 0 when it was destroyed. */
  readonly header: number;
  readonly type: number;
  readonly structure: number;
  readonly key: Uint8Array;
}

/** Makes the map of an actor's field and returns its header's reference. In a turn. */
export function createMap(heap: Heap, layout: StateLayout, slot: StructureSlot, key: KeyBytes): number {
  const isTimed = (slot.entry as EntryLayout).shape.nodeAt !== 0;
  return HotMap.create(heap, isTimed ? createOwner(heap, layout.type.index, slot.index, key) : 0);
}

function createOwner(heap: Heap, type: number, structure: number, key: KeyBytes): number {
  const owner = heap.alloc(KEY + ((key.length + 3) >>> 2));
  const { i32 } = heap;
  i32[owner + TYPE] = type;
  i32[owner + STRUCTURE] = structure;
  i32[owner + KEY_BYTES] = key.length;
  heap.u8.set(key.bytes.subarray(key.offset, key.offset + key.length), (owner + KEY) * 4);
  return owner;
}

export function readMapOwner(heap: Heap, owner: number): MapOwner {
  const { i32 } = heap;
  const keyAt = (owner + KEY) * 4;
  return {
    header: i32[owner + OWNER_MAP] as number,
    type: i32[owner + TYPE] as number,
    structure: i32[owner + STRUCTURE] as number,
    key: heap.u8.slice(keyAt, keyAt + (i32[owner + KEY_BYTES] as number)),
  };
}
