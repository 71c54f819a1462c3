/**
 * Bounds for walks over memory that may have been reused: every reference that a structure follows goes through `reach`.
 */
import type { Heap } from '../memory/heap.ts';
import { throwStaleRead } from '../memory/stale-read-error.ts';

/** Makes the block of `words` words at `ref` readable by this thread; throws StaleReadError when no such memory exists. */
export function reach(heap: Heap, ref: number, words: number): void {
  if (ref <= 0 || ref + words > heap.i32.length) reachFar(heap, ref, words);
}

function reachFar(heap: Heap, ref: number, words: number): void {
  if (ref <= 0) throwStaleRead();
  heap.cover(ref + words - 1);
  if (ref + words > heap.i32.length) throwStaleRead();
}
