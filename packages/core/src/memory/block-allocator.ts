/**
 * Blocks: small ones from slabs of one size class, larger ones as whole runs of pages. A block's header word, the one
 * before its payload, links it in free, limbo and grave lists; while it lives, nobody reads it.
 *
 * Slab descriptor (8 words in the page table): [kind, used, free list head, fresh slots handed out, next, previous]; `next`
 * and `previous` link the slabs of a class that have a free slot. Writer thread only, always inside a journalled bracket:
 * every word here goes through `heap.set`.
 */
import { assert } from '../assert.ts';
import type { HeapPort } from './heap-port.ts';
import { DESCRIPTOR_SHIFT, PAGE_SHIFT, PARTIAL } from './heap-words.ts';
import { allocatePages, hasRoomBesideReserve, releasePages } from './page-allocator.ts';
import {
  FREE_HEAD,
  FRESH,
  KIND,
  LARGE_RUN,
  NEXT,
  PREVIOUS,
  RUN_PAGES,
  SLAB,
  SLAB_REST,
  USED,
} from './page-descriptor.ts';
import { CLASS_COUNT, classOfPayload, SLAB_PAYLOAD_MAX, slabPages, slotsPerSlab, slotWords } from './size-classes.ts';

export function allocateBlock(heap: HeapPort, words: number): number {
  if (words > SLAB_PAYLOAD_MAX) return allocateLarge(heap, words);
  let cls = classOfPayload(words);
  let slab = heap.i32[PARTIAL + cls] as number;
  if (slab === 0) {
    slab = slabFor(heap, cls);
    cls = (heap.i32[slab + KIND] as number) - SLAB;
  }
  const i32 = heap.i32;
  const slot = i32[slab + FREE_HEAD] as number;
  const used = (i32[slab + USED] as number) + 1;
  let ref: number;
  if (slot !== 0) {
    ref = slot;
    heap.set(slab + FREE_HEAD, i32[slot - 1] as number);
  } else {
    const fresh = i32[slab + FRESH] as number;
    heap.set(slab + FRESH, fresh + 1);
    ref = firstPayload(heap, slab) + fresh * (slotWords[cls] as number);
  }
  heap.set(slab + USED, used);
  if (used === slotsPerSlab[cls]) unlinkSlab(heap, slab, cls);
  return ref;
}

/** Really frees a block: no reader can hold it any more. */
export function releaseBlock(heap: HeapPort, ref: number): void {
  const i32 = heap.i32;
  let slab = descriptorOf(heap, ref);
  let kind = i32[slab + KIND] as number;
  if (kind === SLAB_REST) {
    slab -= 1 << DESCRIPTOR_SHIFT;
    kind = i32[slab + KIND] as number;
  }
  if (kind === LARGE_RUN) {
    releasePages(heap, slab, i32[slab + RUN_PAGES] as number);
    return;
  }
  assert(kind >= SLAB, 'a freed reference lies in a slab or a run');
  const cls = kind - SLAB;
  const used = (i32[slab + USED] as number) - 1;
  assert(used >= 0, 'a block is freed once');
  heap.set(ref - 1, i32[slab + FREE_HEAD] as number);
  heap.set(slab + FREE_HEAD, ref);
  heap.set(slab + USED, used);
  if (used + 1 === slotsPerSlab[cls]) linkSlab(heap, slab, cls);
  else if (used === 0 && (i32[PARTIAL + cls] !== slab || i32[slab + NEXT] !== 0)) {
    // Another slab of the class has room, so this one's pages go back.
    unlinkSlab(heap, slab, cls);
    releasePages(heap, slab, slabPages[cls] as number);
  }
}

export function capacityOfBlock(heap: HeapPort, ref: number): number {
  const i32 = heap.i32;
  let slab = descriptorOf(heap, ref);
  if (i32[slab + KIND] === SLAB_REST) slab -= 1 << DESCRIPTOR_SHIFT;
  const kind = i32[slab + KIND] as number;
  if (kind === LARGE_RUN) return ((i32[slab + RUN_PAGES] as number) << PAGE_SHIFT) - 4;
  return (slotWords[kind - SLAB] as number) - 1;
}

/** Whole pages that a block takes; 1 for one in a slab. */
export function pagesOfBlock(heap: HeapPort, ref: number): number {
  const descriptor = descriptorOf(heap, ref);
  return heap.i32[descriptor + KIND] === LARGE_RUN ? (heap.i32[descriptor + RUN_PAGES] as number) : 1;
}

function allocateLarge(heap: HeapPort, words: number): number {
  const pages = (words + 4 + 1023) >>> PAGE_SHIFT;
  const run = allocatePages(heap, pages);
  heap.set(run + KIND, LARGE_RUN);
  heap.set(run + RUN_PAGES, pages);
  return pageStart(heap, run) + 4;
}

/**
 * A slab with a free slot of this class. A turn that takes away from a full heap writes copies that are a little smaller than
 * what they replace: slots of larger classes serve it, as those are what it frees. Pages in reserve are for its beginning.
 */
function slabFor(heap: HeapPort, cls: number): number {
  if (heap.takesReserve && !hasRoomBesideReserve(heap, slabPages[cls] as number)) {
    for (let larger = cls + 1; larger < CLASS_COUNT; larger++) {
      const slab = heap.i32[PARTIAL + larger] as number;
      if (slab !== 0) return slab;
    }
  }
  return addSlab(heap, cls);
}

function addSlab(heap: HeapPort, cls: number): number {
  const pages = slabPages[cls] as number;
  const slab = allocatePages(heap, pages);
  heap.set(slab + KIND, SLAB + cls);
  heap.set(slab + USED, 0);
  heap.set(slab + FREE_HEAD, 0);
  heap.set(slab + FRESH, 0);
  if (pages === 2) heap.set(slab + (1 << DESCRIPTOR_SHIFT) + KIND, SLAB_REST);
  linkSlab(heap, slab, cls);
  return slab;
}

function linkSlab(heap: HeapPort, slab: number, cls: number): void {
  const head = heap.i32[PARTIAL + cls] as number;
  heap.set(slab + NEXT, head);
  heap.set(slab + PREVIOUS, 0);
  if (head !== 0) heap.set(head + PREVIOUS, slab);
  heap.set(PARTIAL + cls, slab);
}

function unlinkSlab(heap: HeapPort, slab: number, cls: number): void {
  const next = heap.i32[slab + NEXT] as number;
  const previous = heap.i32[slab + PREVIOUS] as number;
  if (previous === 0) heap.set(PARTIAL + cls, next);
  else heap.set(previous + NEXT, next);
  if (next !== 0) heap.set(next + PREVIOUS, previous);
}

/** Word index of the descriptor of the page that holds `ref`. */
function descriptorOf(heap: HeapPort, ref: number): number {
  return heap.pageTable + (((ref - heap.pages) >>> PAGE_SHIFT) << DESCRIPTOR_SHIFT);
}

function pageStart(heap: HeapPort, descriptor: number): number {
  return heap.pages + (((descriptor - heap.pageTable) >>> DESCRIPTOR_SHIFT) << PAGE_SHIFT);
}

function firstPayload(heap: HeapPort, slab: number): number {
  return pageStart(heap, slab) + 4;
}
