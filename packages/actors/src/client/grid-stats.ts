import type { DurabilityStatus } from '@spacegrid/core';
import type { CounterName } from '../control/counters.ts';
import type { BlockedEvent, RecoveryEvent } from '../supervise/grid-events.ts';
import type { AskTimes } from './ask-times.ts';
import type { VerifyStats } from '../verify/verify-report.ts';
import type { WorkerDepth } from './worker-depths.ts';

export interface WorkerStats extends WorkerDepth {
  readonly worker: number;
  readonly state: 'down' | 'recovering' | 'serving' | 'failed';
  /** How many threads have served as this worker. */
  readonly incarnation: number;
  /** JavaScript heap in use. */
  readonly heapBytes: number;
  readonly counters: Readonly<Record<CounterName, number>>;
}

export interface PartitionStats {
  readonly partition: number;
  readonly worker: number;
  /** Committed turns. */
  readonly sequence: number;
  /** Of them on disk; the same as `sequence` without persistence. */
  readonly durableSequence: number;
  /** Committed and not on disk: bytes of change sets and answers, up to 64 KiB more right after a flush. */
  readonly unpersistedBytes: number;
  /** Commands held back for what is not on disk yet, and answers that wait for it. */
  readonly waiting: number;
  /** Shared memory in use. */
  readonly usedBytes: number;
}

export interface ClientStats {
  /** The thread's number. */
  readonly client: number;
  /** Its calls, peeks, retries. */
  readonly counters: Readonly<Record<CounterName, number>>;
  /** From a call until its answer is taken, of one call in sixteen. */
  readonly askTimes: AskTimes;
}

export interface GridStats {
  readonly workers: readonly WorkerStats[];
  readonly partitions: readonly PartitionStats[];
  /** Threads that call. */
  readonly clients: readonly ClientStats[];
  readonly recoveries: readonly RecoveryEvent[];
  /** Handlers that kept their partitions longer than `blockedHandler`: the last 20, oldest first. */
  readonly blocked: readonly BlockedEvent[];
  readonly durability: DurabilityStatus | undefined;
  /** Of `grid.verify`. */
  readonly verify: VerifyStats;
}

export interface GridHealth {
  readonly status: 'ready' | 'degraded' | 'unavailable';
  /** What is wrong, a sentence each. */
  readonly reasons: readonly string[];
}
