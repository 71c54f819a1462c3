/**
 * Gathers what the partitions have committed and not yet journalled, straight from their outboxes in shared memory.
 * Durability thread only. It never goes further than a partition's committed sequence, and leaves no gap.
 */
import { assert, durableSequence, type Heap, hasGateWaiters, OutboxReader, ReaderPin } from '@spacegrid/core';
import { BatchWriter } from './batch.ts';
import type { Watermark } from './journal.ts';

interface Source {
  readonly heap: Heap;
  readonly reader: OutboxReader;
}

export class Drain {
  readonly heaps: readonly Heap[];
  readonly batch: BatchWriter;
  private readonly sources: readonly Source[];
  private readonly batchBytes: number;
  private run: Uint8Array;
  /** Partition to begin with next, so that none waits behind a busy one. */
  private next: number;

  constructor(heaps: readonly Heap[], pinSlot: number, watermarks: ReadonlyMap<number, Watermark>, batchBytes: number) {
    this.heaps = heaps;
    this.batch = new BatchWriter();
    this.batchBytes = batchBytes;
    this.run = new Uint8Array(64 * 1024);
    this.next = 0;
    this.sources = heaps.map((heap, partition) => ({
      heap,
      reader: new OutboxReader(heap, watermarks.get(partition)?.sequence ?? 0, new ReaderPin(heap, pinSlot)),
    }));
  }

  /** Fills the batch, up to about its size. False when there is nothing to write. */
  fill(): boolean {
    const { batch, sources } = this;
    for (let count = 0; count < sources.length && batch.bytes < this.batchBytes; count++) {
      const partition = this.next;
      this.next = (partition + 1) % sources.length;
      this.gather(partition, sources[partition] as Source);
    }
    return batch.reached.size > 0;
  }

  /** True when a partition has committed something that is not in a batch yet. */
  hasMore(): boolean {
    return this.sources.some(({ heap, reader }) => heap.sequence() > reader.sequence);
  }

  /** True when a reply waits for what is committed and not yet durable. */
  isAwaited(): boolean {
    return this.heaps.some((heap) => hasGateWaiters(heap) && heap.sequence() > durableSequence(heap));
  }

  private gather(partition: number, { heap, reader }: Source): void {
    const first = reader.sequence + 1;
    let bytes = 0;
    while (bytes < this.batchBytes && reader.next()) {
      const length = reader.changeBytes;
      if (bytes + length > this.run.length) this.growRun(bytes, bytes + length);
      this.run.set(heap.u8.subarray(reader.changeOffset, reader.changeOffset + length), bytes);
      bytes += length;
    }
    if (reader.sequence < first) return;
    assert(reader.sequence >= first, 'a run goes forward');
    this.batch.addRun(partition, heap.epoch, first, reader.sequence, this.run, bytes);
  }

  private growRun(used: number, needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.run.length * 2));
    larger.set(this.run.subarray(0, used));
    this.run = larger;
  }
}
