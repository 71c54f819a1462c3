/** Walks all pages, blocks and lists of a heap, and checks them against each other and against the blocks known to live. */
import type { Heap } from '../../src/memory/heap.ts';
import {
  DESCRIPTOR_WORDS,
  GRAVE_KINDS,
  GRAVES,
  LIMBO_NEW,
  LIMBO_OLD,
  PAGE_WORDS,
  PAGES_USED,
  PARTIAL,
  RUN_BIN_COUNT,
  RUN_BINS,
  TOP_PAGE,
} from '../../src/memory/heap-words.ts';
import {
  FREE_HEAD,
  FREE_RUN,
  FRESH,
  KIND,
  LARGE_RUN,
  NEXT,
  PREVIOUS,
  RUN_PAGES,
  SLAB,
  SLAB_REST,
  USED,
} from '../../src/memory/page-descriptor.ts';
import { CLASS_COUNT, slabPages, slotsPerSlab, slotWords } from '../../src/memory/size-classes.ts';

export interface HeapCensus {
  /** Blocks that are handed out, those that wait to be reused included. */
  readonly blocks: ReadonlySet<number>;
  readonly freeRuns: readonly number[];
  readonly topPage: number;
  readonly usedPages: number;
}

/** Throws an Error that says what is wrong, or returns what there is. */
export function takeHeapCensus(heap: Heap): HeapCensus {
  const { i32 } = heap;
  const word = (at: number): number => i32[at] as number;
  const topPage = word(TOP_PAGE) || 1;
  const blocks = new Set<number>();
  const freeRuns: number[] = [];
  const slabs = new Map<number, number>();
  let usedPages = 0;
  let wasFree = false;
  for (let page = 1; page < topPage; ) {
    const descriptor = heap.pageTable + page * DESCRIPTOR_WORDS;
    const start = heap.pages + page * PAGE_WORDS;
    const kind = word(descriptor + KIND);
    let pages = word(descriptor + RUN_PAGES);
    if (kind === FREE_RUN) {
      check(!wasFree, `the free runs at page ${page} and before it are one`);
      const last = descriptor + (pages - 1) * DESCRIPTOR_WORDS;
      check(word(last + KIND) === FREE_RUN && word(last + RUN_PAGES) === pages, `the free run at ${page} has two ends`);
      freeRuns.push(pages);
      check(isListed(heap, descriptor), `the free run at page ${page} of ${pages} is in a bin`);
    } else {
      usedPages += pages;
      if (kind === LARGE_RUN) {
        blocks.add(start + 4);
      } else {
        check(kind >= SLAB && kind < SLAB + CLASS_COUNT, `page ${page} has kind ${kind}`);
        usedPages -= pages;
        pages = slabPages[kind - SLAB] as number;
        usedPages += pages;
        if (pages === 2) check(word(descriptor + DESCRIPTOR_WORDS + KIND) === SLAB_REST, 'a slab has a second page');
        slabs.set(descriptor, kind - SLAB);
        addSlots(heap, descriptor, start, kind - SLAB, blocks);
      }
    }
    check(pages >= 1 && page + pages <= topPage, `the run of ${pages} pages at ${page} ends before page ${topPage}`);
    wasFree = kind === FREE_RUN;
    page += pages;
  }
  check(usedPages === word(PAGES_USED), `${usedPages} pages are taken, ${word(PAGES_USED)} are counted`);
  check(heap.pages + topPage * PAGE_WORDS <= heap.buffer.byteLength / 4, 'all pages lie in the buffer');
  checkBins(heap, freeRuns);
  checkPartials(heap, slabs);
  for (const list of [LIMBO_NEW, LIMBO_OLD, ...Array.from({ length: GRAVE_KINDS }, (_, kind) => GRAVES + kind)]) {
    const seen = new Set<number>();
    for (let ref = word(list); ref !== 0; ref = word(ref - 1)) {
      check(blocks.has(ref) && !seen.has(ref), `block ${ref} waits once in list ${list}, and is not free`);
      seen.add(ref);
    }
  }
  return { blocks, freeRuns, topPage, usedPages };
}

function addSlots(heap: Heap, slab: number, start: number, cls: number, blocks: Set<number>): void {
  const i32 = heap.i32;
  const words = slotWords[cls] as number;
  const fresh = i32[slab + FRESH] as number;
  check(fresh <= (slotsPerSlab[cls] as number), `a slab of ${words} words has no more than its slots`);
  const free = new Set<number>();
  for (let slot = i32[slab + FREE_HEAD] as number; slot !== 0; slot = i32[slot - 1] as number) {
    check(!free.has(slot) && (slot - start - 4) % words === 0, `slot ${slot} is free once`);
    check((slot - start - 4) / words < fresh, `slot ${slot} was handed out before it became free`);
    free.add(slot);
  }
  for (let slot = 0; slot < fresh; slot++) {
    const ref = start + 4 + slot * words;
    if (!free.has(ref)) blocks.add(ref);
  }
  check(i32[slab + USED] === fresh - free.size, `a slab counts ${i32[slab + USED]} of ${fresh - free.size} slots`);
}

function isListed(heap: Heap, run: number): boolean {
  for (let bin = RUN_BINS; bin < RUN_BINS + RUN_BIN_COUNT; bin++) {
    for (let at = heap.i32[bin] as number; at !== 0; at = heap.i32[at + NEXT] as number) if (at === run) return true;
  }
  return false;
}

function checkBins(heap: Heap, freeRuns: readonly number[]): void {
  let listed = 0;
  for (let bin = 0; bin < RUN_BIN_COUNT; bin++) {
    let previous = 0;
    for (let run = heap.i32[RUN_BINS + bin] as number; run !== 0; run = heap.i32[run + NEXT] as number) {
      const pages = heap.i32[run + RUN_PAGES] as number;
      const isRight = bin < 32 ? pages === bin + 1 : pages > 32 && Math.floor(Math.log2(pages)) === bin - 27;
      check(heap.i32[run + KIND] === FREE_RUN && isRight, `a run of ${pages} pages lies in bin ${bin}`);
      check(heap.i32[run + PREVIOUS] === previous, 'a bin is linked both ways');
      previous = run;
      listed++;
      check(listed <= freeRuns.length, 'the bins hold each free run once');
    }
  }
  check(listed === freeRuns.length, `${listed} of ${freeRuns.length} free runs are listed`);
}

function checkPartials(heap: Heap, slabs: ReadonlyMap<number, number>): void {
  const partial = new Set<number>();
  for (let cls = 0; cls < CLASS_COUNT; cls++) {
    let previous = 0;
    for (let slab = heap.i32[PARTIAL + cls] as number; slab !== 0; slab = heap.i32[slab + NEXT] as number) {
      check(slabs.get(slab) === cls && !partial.has(slab), `a slab of class ${cls} is listed once`);
      check(heap.i32[slab + PREVIOUS] === previous, 'the slabs with room are linked both ways');
      partial.add(slab);
      previous = slab;
    }
  }
  for (const [slab, cls] of slabs) {
    const hasRoom = (heap.i32[slab + USED] as number) < (slotsPerSlab[cls] as number);
    check(hasRoom === partial.has(slab), 'the slabs with room are those listed');
  }
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`heap census: ${sentence}`);
}
