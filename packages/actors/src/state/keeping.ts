/**
 * What a partition needs beside its maps to keep entries for a time, or up to a limit: its timer wheel, the durable watermark,
 * and counts of what was removed. Partition thread only.
 */
import { type Clock, durableSequence, type Heap, readU32, type RecordField, TimerWheel } from '@spacegrid/core';
import { EVICTIONS_LFU, EVICTIONS_LRU, EXPIRATIONS, MAP_HITS, MAP_MISSES } from '../control/counters.ts';

/** Root of the timer wheel. */
const WHEEL_ROOT = 5;

export type Removal = 'expired' | 'lfu' | 'lru';

/** The thread's counters. */
export interface KeepingCounters {
  add(counter: number, amount: number): void;
}

const COUNTER_OF: Readonly<Record<Removal, number>> = {
  expired: EXPIRATIONS,
  lfu: EVICTIONS_LFU,
  lru: EVICTIONS_LRU,
};

export class Keeping {
  /** Told when something may be due earlier than was known. */
  onDue: () => void;
  counters: KeepingCounters | undefined;
  clock: Clock | undefined;
  private readonly heap: Heap;
  private readonly persistent: boolean;
  private known: TimerWheel | undefined;
  /** Removed by one turn. */
  private readonly removed: { readonly counter: number; amount: number }[];
  /** What was committed before that turn. */
  private removedBy: number;

  constructor(heap: Heap, persistent: boolean) {
    this.onDue = () => undefined;
    this.counters = undefined;
    this.clock = undefined;
    this.heap = heap;
    this.persistent = persistent;
    this.known = undefined;
    this.removed = [];
    this.removedBy = 0;
  }

  /** The wheel; undefined while no map has needed one. */
  get wheel(): TimerWheel | undefined {
    const ref = this.heap.i32[this.heap.root(WHEEL_ROOT)] as number;
    if (ref === 0) return undefined;
    if (this.known?.ref !== ref) this.known = new TimerWheel(this.heap, ref);
    return this.known;
  }

  /** The same, made when needed. In a turn. */
  ensureWheel(nowMs: number): TimerWheel {
    const { heap } = this;
    if (this.wheel === undefined) heap.publish(heap.root(WHEEL_ROOT), TimerWheel.create(heap, nowMs));
    return this.wheel as TimerWheel;
  }

  /** Wall-clock milliseconds outside of turns: not before the last turn's. */
  now(lastTurnMs: number): number {
    return Math.max(lastTurnMs, this.clock?.now() ?? lastTurnMs);
  }

  /** Sequence that a record written in the open turn is marked with: its low 32 bits. */
  get version(): number {
    return (this.heap.committed + 1) | 0;
  }

  /** True while the turn that wrote the record is not durable. */
  isDirty(record: number, version: RecordField): boolean {
    if (!this.persistent) return false;
    const { heap } = this;
    const durable = durableSequence(heap);
    // Between the watermark and the open turn, modulo 2³²: an older record does not come to lie there by wrapping.
    return (readU32(heap, record, version) - durable - 1) >>> 0 < heap.committed + 1 - durable;
  }

  /** Counts an access to a map's entry. */
  noteRead(found: boolean): void {
    this.counters?.add(found ? MAP_HITS : MAP_MISSES, 1);
  }

  /** Counts a removal in the open turn. It is added to the counters when that is committed. */
  noteRemoved(removal: Removal): void {
    this.settle();
    this.removedBy = this.heap.committed;
    const counter = COUNTER_OF[removal];
    const known = this.removed.find((one) => one.counter === counter);
    if (known === undefined) this.removed.push({ counter, amount: 1 });
    else known.amount++;
  }

  /** The open turn is undone, and its removals with it. */
  undone(): void {
    this.settle();
    this.removed.length = 0;
  }

  /** Adds what committed turns have removed to the counters. */
  settle(): void {
    if (this.removed.length === 0 || this.removedBy === this.heap.committed) return;
    for (const { counter, amount } of this.removed) this.counters?.add(counter, amount);
    this.removed.length = 0;
  }
}
