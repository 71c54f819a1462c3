/** A partition's watermarks, durable and folded: written by the durability thread, read by the partition thread. */
import type { Heap } from './heap.ts';
import { ANSWERED_LOW, DURABLE_HALVES, DURABLE_LOW, FOLDED_HALVES, FOLDED_LOW, GATE_WAITERS } from './heap-words.ts';
import { halvesOf, loadSequence } from './sequence-words.ts';

/** The highest sequence known to be durable. */
export function durableSequence(heap: Heap): number {
  return loadSequence(heap.i32, DURABLE_LOW, DURABLE_HALVES);
}

/**
 * Publish: the watermark. Durability thread only. True when the partition thread waits for it. Bound: a step of 2³¹ or more,
 * as from nothing to where a store ends, is taken before other threads read.
 */
export function storeDurableSequence(heap: Heap, sequence: number): boolean {
  Atomics.store(heap.i32, DURABLE_HALVES, halvesOf(sequence));
  Atomics.store(heap.i32, DURABLE_LOW, sequence | 0);
  return Atomics.load(heap.i32, GATE_WAITERS) !== 0;
}

/** The highest sequence whose changes, and all before, stand in the store's rows: what may be dropped here and read back. */
export function foldedSequence(heap: Heap): number {
  return loadSequence(heap.i32, FOLDED_LOW, FOLDED_HALVES);
}

/** Publish: the same. Durability thread only, after the rows were synced; the bound of `storeDurableSequence` holds. */
export function storeFoldedSequence(heap: Heap, sequence: number): void {
  Atomics.store(heap.i32, FOLDED_HALVES, halvesOf(sequence));
  Atomics.store(heap.i32, FOLDED_LOW, sequence | 0);
}

/** Says whether replies wait for the watermark. Partition thread only; re-read the watermark after setting it. */
export function storeGateWaiters(heap: Heap, waiting: boolean): void {
  Atomics.store(heap.i32, GATE_WAITERS, waiting ? 1 : 0);
}

/** True while replies wait for the watermark. */
export function hasGateWaiters(heap: Heap): boolean {
  return Atomics.load(heap.i32, GATE_WAITERS) !== 0;
}

/**
 * Says that the replies of all turns up to `sequence` are where their callers find them. Partition thread only, after it
 * published its rings: dying between the two makes its successor answer again what callers drop.
 */
export function storeAnswered(heap: Heap, sequence: number): void {
  Atomics.store(heap.i32, ANSWERED_LOW, sequence | 0);
}

/** The number of turns after `answered` that are committed: a successor answers them again. At most 2³¹. */
export function unansweredTurns(heap: Heap): number {
  return Math.max(0, ((heap.committed | 0) - Atomics.load(heap.i32, ANSWERED_LOW)) | 0);
}
