/**
 * Gathers what the partitions have committed and not yet journalled, straight from their outboxes in shared memory.
 * Durability thread only. It never goes further than a partition's committed sequence, and leaves no gap.
 */
import { type DurablePosition, durableSequence, type Heap, hasGateWaiters } from '@spacegrid/core';
import { BatchWriter } from './batch.ts';
import { OutboxSource } from './outbox-source.ts';

export interface BacklogSize {
  /** Committed and not durable, over all partitions. */
  readonly bytes: number;
  /** Of the partition with most. */
  readonly bytesMax: number;
  /** How long the oldest has waited. */
  readonly ageMs: number;
}

export class Drain {
  readonly batch: BatchWriter;
  private readonly heaps: readonly Heap[];
  private readonly sources: readonly OutboxSource[];
  private readonly batchBytes: number;
  /** Partition to begin with next, so that none waits behind a busy one. */
  private next: number;
  private lookedAt: number;

  constructor(
    heaps: readonly Heap[],
    pinSlot: number,
    watermarks: ReadonlyMap<number, DurablePosition>,
    batchBytes: number,
  ) {
    this.batch = new BatchWriter();
    this.heaps = heaps;
    this.batchBytes = batchBytes;
    this.next = 0;
    this.lookedAt = Date.now();
    this.sources = heaps.map(
      (heap, partition) => new OutboxSource(heap, pinSlot, watermarks.get(partition)?.sequence ?? 0),
    );
  }

  /** Looks who has something. @param slept the thread was asleep until just now: what it finds has just come. */
  look(slept: boolean): void {
    const nowMs = Date.now();
    const sinceMs = slept ? nowMs : this.lookedAt;
    this.lookedAt = nowMs;
    for (const source of this.sources) source.look(sinceMs);
  }

  /** Fills the batch, up to about its size, unless it holds what could not be written. False when there is nothing to write. */
  fill(): boolean {
    const { batch, sources } = this;
    if (batch.reached.size > 0) return true;
    const nowMs = Date.now();
    for (let count = 0; count < sources.length && batch.bytes < this.batchBytes; count++) {
      const partition = this.next;
      this.next = (partition + 1) % sources.length;
      (sources[partition] as OutboxSource).gather(partition, batch, this.batchBytes - batch.bytes, nowMs);
    }
    return batch.reached.size > 0;
  }

  /** The batch is on disk. */
  written(): void {
    for (const partition of this.batch.reached.keys()) (this.sources[partition] as OutboxSource).written();
    this.batch.clear();
  }

  /** True when a partition has committed something that is not in a batch yet. */
  hasMore(): boolean {
    return this.sources.some((source) => source.hasMore);
  }

  /** True when a reply waits for what is committed and not yet durable. */
  isAwaited(): boolean {
    return this.heaps.some((heap) => hasGateWaiters(heap) && heap.sequence() > durableSequence(heap));
  }

  backlog(): BacklogSize {
    const nowMs = Date.now();
    let bytes = 0;
    let bytesMax = 0;
    let ageMs = 0;
    for (const source of this.sources) {
      const own = source.unpersistedBytes();
      bytes += own;
      bytesMax = Math.max(bytesMax, own);
      ageMs = Math.max(ageMs, source.ageMs(nowMs));
    }
    return { bytes, bytesMax, ageMs };
  }
}
