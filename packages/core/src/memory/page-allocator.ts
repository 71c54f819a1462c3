/**
 * Runs of 4 KiB pages: best fit by bins of run length, split on allocation, merged with free neighbours on release (boundary
 * tags: first and last descriptor of a free run hold its length). What no bin has comes from the untouched top. Writer
 * thread only, inside a journalled bracket. After Knuth's boundary tags and the bins of dlmalloc.
 *
 * Free run descriptor: [FREE_RUN, pages, next, previous] at its first page, [FREE_RUN, pages] at its last.
 */
import { CapacityError } from '../errors/grid-errors.ts';
import type { HeapPort } from './heap-port.ts';
import {
  DESCRIPTOR_SHIFT,
  DESCRIPTOR_WORDS,
  PAGE_SHIFT,
  PAGES_USED,
  RUN_BIN_COUNT,
  RUN_BINS,
  TOP_PAGE,
} from './heap-words.ts';
import { FREE_RUN, KIND, NEXT, PREVIOUS, RUN_PAGES } from './page-descriptor.ts';

/** Bound: runs looked at in a bin of mixed lengths before the next bin is taken. */
const SEARCH_MAX = 16;
/** Bins 1 to 32 hold runs of that many pages; the others a power of two each. */
const EXACT_BINS = 32;

/**
 * Pages that writes leave free, for turns that take away more than they add: what is replaced by copies can be taken out
 * of a full heap too.
 */
export const RESERVE_PAGES = 16;

/**
 * Descriptor of the first of `pages` adjacent pages; their kind words are the caller's to set. Throws CapacityError before it
 * has changed anything.
 */
export function allocatePages(heap: HeapPort, pages: number): number {
  const used = (heap.i32[PAGES_USED] as number) + pages;
  if (!heap.takesReserve) leaveReserve(heap, used, pages);
  const run = takeFromBins(heap, pages) || takeFromTop(heap, pages);
  heap.set(PAGES_USED, used);
  return run;
}

export function releasePages(heap: HeapPort, run: number, pages: number): void {
  heap.set(PAGES_USED, (heap.i32[PAGES_USED] as number) - pages);
  let first = run;
  let length = pages;
  const top = descriptorOfPage(heap, topPage(heap));
  const after = first + length * DESCRIPTOR_WORDS;
  if (after < top && heap.i32[after + KIND] === FREE_RUN) {
    length += heap.i32[after + RUN_PAGES] as number;
    unlinkRun(heap, after);
  }
  const before = first - DESCRIPTOR_WORDS;
  // Page 0 is never handed out nor freed: the walk ends there.
  if (heap.i32[before + KIND] === FREE_RUN) {
    const beforePages = heap.i32[before + RUN_PAGES] as number;
    first -= beforePages * DESCRIPTOR_WORDS;
    length += beforePages;
    unlinkRun(heap, first);
  }
  linkRun(heap, first, length);
}

/** Whether `pages` can be had without touching the reserve. Takes more memory from the system for that. */
export function hasRoomBesideReserve(heap: HeapPort, pages: number): boolean {
  try {
    leaveReserve(heap, (heap.i32[PAGES_USED] as number) + pages, pages);
    return true;
  } catch (error) {
    if (error instanceof CapacityError) return false;
    throw error;
  }
}

function takeFromBins(heap: HeapPort, pages: number): number {
  const i32 = heap.i32;
  for (let bin = binOf(pages); bin < RUN_BIN_COUNT; bin++) {
    let run = i32[RUN_BINS + bin] as number;
    for (let looked = 0; run !== 0 && looked < SEARCH_MAX; looked++) {
      const length = i32[run + RUN_PAGES] as number;
      if (length >= pages) {
        unlinkRun(heap, run);
        if (length > pages) linkRun(heap, run + pages * DESCRIPTOR_WORDS, length - pages);
        return run;
      }
      run = i32[run + NEXT] as number;
    }
  }
  return 0;
}

/** Sees to it that the heap holds the reserve beside `used` pages. */
function leaveReserve(heap: HeapPort, used: number, pages: number): void {
  // Page 0 is none.
  const needed = 1 + used + RESERVE_PAGES;
  if (needed > heap.pageCountMax) refuse(heap, pages);
  heap.ensure(heap.pages + (needed << PAGE_SHIFT));
}

function takeFromTop(heap: HeapPort, pages: number): number {
  const top = topPage(heap);
  if (top + pages > heap.pageCountMax) refuse(heap, pages);
  heap.ensure(heap.pages + ((top + pages) << PAGE_SHIFT));
  heap.set(TOP_PAGE, top + pages);
  return descriptorOfPage(heap, top);
}

function refuse(heap: HeapPort, pages: number): never {
  heap.isStarved = true;
  throw new CapacityError(
    `partition ${heap.partition} is full: ${heap.usedBytes()} of ${heap.pageCountMax * 4096} bytes are in use and ${pages * 4096} more are asked for`,
  );
}

function linkRun(heap: HeapPort, run: number, pages: number): void {
  const last = run + (pages - 1) * DESCRIPTOR_WORDS;
  heap.set(last + KIND, FREE_RUN);
  heap.set(last + RUN_PAGES, pages);
  heap.set(run + KIND, FREE_RUN);
  heap.set(run + RUN_PAGES, pages);
  const bin = RUN_BINS + binOf(pages);
  const head = heap.i32[bin] as number;
  heap.set(run + NEXT, head);
  heap.set(run + PREVIOUS, 0);
  if (head !== 0) heap.set(head + PREVIOUS, run);
  heap.set(bin, run);
}

function unlinkRun(heap: HeapPort, run: number): void {
  const i32 = heap.i32;
  const pages = i32[run + RUN_PAGES] as number;
  const next = i32[run + NEXT] as number;
  const previous = i32[run + PREVIOUS] as number;
  if (previous === 0) heap.set(RUN_BINS + binOf(pages), next);
  else heap.set(previous + NEXT, next);
  if (next !== 0) heap.set(next + PREVIOUS, previous);
  heap.set(run + KIND, 0);
  heap.set(run + (pages - 1) * DESCRIPTOR_WORDS + KIND, 0);
}

function binOf(pages: number): number {
  return pages <= EXACT_BINS ? pages - 1 : Math.min(RUN_BIN_COUNT - 1, EXACT_BINS + 26 - Math.clz32(pages));
}

function topPage(heap: HeapPort): number {
  return (heap.i32[TOP_PAGE] as number) || 1;
}

function descriptorOfPage(heap: HeapPort, page: number): number {
  return heap.pageTable + (page << DESCRIPTOR_SHIFT);
}
