/** The durable watermark of a partition: written by the durability thread, read by the partition thread. */
import type { Heap } from './heap.ts';
import { ANSWERED_LOW, DURABLE_HIGH, DURABLE_LOW, GATE_WAITERS } from './heap-words.ts';

/** The highest sequence known to be durable. */
export function durableSequence(heap: Heap): number {
  for (;;) {
    const low = Atomics.load(heap.i32, DURABLE_LOW);
    const high = Atomics.load(heap.i32, DURABLE_HIGH);
    if (Atomics.load(heap.i32, DURABLE_LOW) === low) return high * 4_294_967_296 + (low >>> 0);
  }
}

/** Publish: the watermark, high word first. Durability thread only. True when the partition thread waits for it. */
export function storeDurableSequence(heap: Heap, sequence: number): boolean {
  Atomics.store(heap.i32, DURABLE_HIGH, Math.floor(sequence / 4_294_967_296));
  Atomics.store(heap.i32, DURABLE_LOW, sequence | 0);
  return Atomics.load(heap.i32, GATE_WAITERS) !== 0;
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
