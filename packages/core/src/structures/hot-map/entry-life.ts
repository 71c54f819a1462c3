/** When an entry of a map with policies ends. Any thread: it reads what a record holds, and the clock of who asks. */
import type { Heap } from '../../memory/heap.ts';
import { RECORD_HASH, RECORD_STAMP, stampMask } from '../keyed-record.ts';
import type { AccessStamps } from './access-stamps.ts';
import type { RecordShape } from './record-shape.ts';

export class EntryLife {
  readonly shape: RecordShape;
  readonly stamps: AccessStamps;
  /** Milliseconds without access after which an entry ends; Infinity for no such end. */
  readonly maxIdleMs: number;

  constructor(shape: RecordShape, stamps: AccessStamps, maxIdleMs: number) {
    this.shape = shape;
    this.stamps = stamps;
    this.maxIdleMs = maxIdleMs;
  }

  /** Wall-clock milliseconds, as things are: an access may put it off. Infinity for an entry that does not end. */
  endsAt(heap: Heap, record: number, nowMs: number): number {
    const { deadline } = this.shape;
    const endsAt =
      deadline === undefined ? Number.POSITIVE_INFINITY : (heap.f64[(record + deadline.at) >>> 1] as number);
    if (this.maxIdleMs === Number.POSITIVE_INFINITY) return endsAt;
    return Math.min(endsAt, this.stamps.accessedAt(stampOf(heap, record), nowMs) + this.maxIdleMs);
  }

  hasEnded(heap: Heap, record: number, nowMs: number): boolean {
    return this.shape.deadline !== undefined && this.endsAt(heap, record, nowMs) <= nowMs;
  }

  /** How soon it is evicted, against others. */
  rank(heap: Heap, record: number, nowMs: number): number {
    if (this.hasEnded(heap, record, nowMs)) return Number.POSITIVE_INFINITY;
    return this.stamps.rank(stampOf(heap, record), nowMs);
  }
}

function stampOf(heap: Heap, record: number): number {
  const { i32 } = heap;
  return (i32[record + RECORD_STAMP] as number) ^ stampMask(i32[record + RECORD_HASH] as number);
}
