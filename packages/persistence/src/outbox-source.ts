/**
 * One partition as the durability thread drains it: its outbox, how far that is in a batch and how far on disk, and since when
 * something waits. Durability thread only.
 */
import { durableSequence, type Heap, OutboxReader, ReaderPin } from '@spacegrid/core';
import type { BatchWriter } from './batch.ts';

export class OutboxSource {
  readonly heap: Heap;
  private readonly reader: OutboxReader;
  /** Bytes that the outbox had taken up to what is durable, modulo 2³²; −1 until an entry behind it was seen. */
  private durableBytes: number;
  private gatheredBytes: number;
  /** When the oldest turn that is not durable was committed, or a little before; 0 while none was seen. */
  private since: number;
  private gatheredAt: number;
  private gatheredAll: boolean;

  constructor(heap: Heap, pinSlot: number, after: number) {
    this.heap = heap;
    this.reader = new OutboxReader(heap, after, new ReaderPin(heap, pinSlot));
    this.durableBytes = -1;
    this.gatheredBytes = -1;
    this.since = 0;
    this.gatheredAt = 0;
    this.gatheredAll = false;
  }

  /** True when something is committed that is in no batch. */
  get hasMore(): boolean {
    return this.heap.sequence() > this.reader.sequence;
  }

  /** Notes since when something waits. @param sinceMs nothing was committed before, as far as is not known already. */
  look(sinceMs: number): void {
    if (this.since === 0 && this.hasMore) this.since = sinceMs;
  }

  /** Adds what is committed to the batch, as one run of at most about `bytesMax`. */
  gather(partition: number, batch: BatchWriter, bytesMax: number, nowMs: number): void {
    const { reader, heap } = this;
    if (!this.hasMore) return;
    if (this.durableBytes < 0) this.durableBytes = reader.passedBytes();
    const first = reader.sequence + 1;
    const endBytes = batch.bytes + bytesMax;
    while (batch.bytes < endBytes && reader.next()) batch.addChanges(heap.u8, reader.changeOffset, reader.changeBytes);
    batch.endRun(partition, heap.epoch, first, reader.sequence);
    this.gatheredBytes = reader.bytesBehind();
    this.gatheredAt = nowMs;
    this.gatheredAll = !this.hasMore;
  }

  /** What was gathered is durable. */
  written(): void {
    this.durableBytes = this.gatheredBytes;
    // What was left over has waited as long as the rest; what came later came after the gathering.
    if (!this.hasMore) this.since = 0;
    else if (this.gatheredAll) this.since = this.gatheredAt;
  }

  /** Committed and not durable. */
  unpersistedBytes(): number {
    if (this.heap.sequence() <= durableSequence(this.heap)) return 0;
    if (this.durableBytes < 0) this.durableBytes = this.reader.passedBytes();
    return (this.reader.committedBytes() - this.durableBytes) >>> 0;
  }

  /** How long the oldest of it has waited. */
  ageMs(nowMs: number): number {
    if (this.since === 0 || this.heap.sequence() <= durableSequence(this.heap)) return 0;
    return Math.max(0, nowMs - this.since);
  }
}
