/**
 * How much a partition has committed that is not durable yet, and since when. Past its limits the partition takes no more
 * commands, queries go on. Partition thread only.
 */
import { durableSequence, entrySequence, type Heap, type OutboxWriter } from '@spacegrid/core';

interface Mark {
  /** The last turn of a stretch of turns that begins behind the mark before it. */
  readonly sequence: number;
  /** Bytes that the outbox has taken up to it; wraps at 2³². */
  readonly bytes: number;
  /** When the stretch was first seen. */
  readonly at: number;
}

export interface BacklogLimits {
  readonly bytesMax: number;
  readonly ageMaxMs: number;
}

const MARK_BYTES = 64 * 1024;

export class Backlog {
  /** At a limit, as of the last check. */
  isOver: boolean;
  private readonly heap: Heap;
  private readonly outbox: OutboxWriter;
  private readonly limits: BacklogLimits;
  private readonly marks: Mark[];
  private passed: number;
  private durableBytes: number;
  private checkedBytes: number;
  private nowMs: number;

  constructor(heap: Heap, outbox: OutboxWriter, limits: BacklogLimits) {
    this.isOver = false;
    this.heap = heap;
    this.outbox = outbox;
    this.limits = limits;
    this.marks = [];
    this.passed = 0;
    this.durableBytes = 0;
    this.checkedBytes = 0;
    this.nowMs = 0;
  }

  /** Committed and not durable by the watermark of the last check; up to 64 KiB more right after one. */
  get bytes(): number {
    return (this.outbox.totalBytes() - this.durableBytes) >>> 0;
  }

  /** Counts what a predecessor has left. Once, when the outbox is taken over. */
  resume(): void {
    const { i32 } = this.heap;
    const durable = durableSequence(this.heap);
    let left = 0;
    this.outbox.forEachEntry((entry) => {
      if (entrySequence(i32, entry) > durable) left += (i32[entry] as number) * 4;
    });
    this.durableBytes = (this.outbox.totalBytes() - left) >>> 0;
  }

  /** Looks at the watermark. Once in each round for partitions that have changed. */
  check(nowMs: number): void {
    this.nowMs = nowMs;
    const bytes = this.advance();
    const oldest = this.marks[this.passed];
    this.isOver =
      bytes > this.limits.bytesMax ||
      (bytes > 0 && oldest !== undefined && nowMs - oldest.at > this.limits.ageMaxMs) ||
      this.fillsHeap(bytes);
  }

  /** After a commit: looks again when much was written since the last check. */
  wrote(): void {
    // Before the first round nothing says what time it is.
    if (this.nowMs === 0) return;
    // So the limit is passed by a sixteenth and one change set at most.
    const isMuch = (this.outbox.totalBytes() - this.checkedBytes) >>> 0 > this.limits.bytesMax >>> 4;
    if (isMuch || this.outbox.isSpareUsed) this.check(this.nowMs);
  }

  /** What waits for the disk leaves no room for the changes of turns to come: it goes, in contrast to the state. */
  private fillsHeap(bytes: number): boolean {
    return this.outbox.isSpareUsed && !this.outbox.refill() && bytes > 0;
  }

  /** Bytes that are committed and not durable; up to 64 KiB more right after a watermark. */
  private advance(): number {
    const { marks } = this;
    const durable = durableSequence(this.heap);
    while (this.passed < marks.length && (marks[this.passed] as Mark).sequence <= durable) {
      this.durableBytes = (marks[this.passed] as Mark).bytes;
      this.passed++;
    }
    if (this.passed > 1024 || this.passed === marks.length) {
      marks.splice(0, this.passed);
      this.passed = 0;
    }
    const total = this.outbox.totalBytes();
    this.checkedBytes = total;
    const sequence = this.heap.committed;
    if (sequence <= durable) {
      this.durableBytes = total;
      return 0;
    }
    const last = marks[marks.length - 1];
    // Bound: one mark for each 64 KiB of backlog.
    if (last === undefined || (total - last.bytes) >>> 0 > MARK_BYTES)
      marks.push({ sequence, bytes: total, at: this.nowMs });
    return (total - this.durableBytes) >>> 0;
  }
}
