import type { MessagePort } from 'node:worker_threads';
import type { DurabilityStatus } from '@spacegrid/core';
import type { RunningActor } from '../runtime/running-mark.ts';
import type { Blocked } from './blocked-watch.ts';
import type { MendChoice } from '../verify/partition-verify.ts';
import type { VerifyReport, VerifyStats } from '../verify/verify-report.ts';
import type { RecoveryEvent, UnheardEvent } from './grid-events.ts';

export interface WorkerStatus {
  readonly worker: number;
  readonly state: number;
  /** How many threads have served as this worker. */
  readonly incarnation: number;
  /** JavaScript heap in use. */
  readonly heapBytes: number;
}

export interface SupervisorStatus {
  readonly workers: readonly WorkerStatus[];
  readonly recoveries: readonly RecoveryEvent[];
  readonly quarantined: readonly RunningActor[];
  readonly durability: DurabilityStatus | undefined;
  readonly verify: VerifyStats;
}

/** What the supervisor tells unasked; actors and handlers by their numbers. */
export type SupervisorNews =
  | RecoveryEvent
  | UnheardEvent
  | (Blocked & { readonly kind: 'blocked' })
  | (RunningActor & { readonly kind: 'quarantine'; readonly worker: number; readonly seenAt: number });

/** What the main thread asks of the supervisor, by comlink. */
export interface SupervisorApi {
  /** Resolves when all partitions are loaded and served. */
  start(): Promise<{ readonly hashSeed: number }>;
  terminateWorker(worker: number): Promise<RecoveryEvent>;
  /** Resolves when its successor serves. */
  terminateDurability(): Promise<void>;
  /** Watches over a client thread: when the port closes, its slot is given back. */
  attachClient(slot: number, port: MessagePort): Promise<void>;
  status(): Promise<SupervisorStatus>;
  /** Resolves when all that was committed before is on disk. */
  flush(): Promise<void>;
  backup(directory: string): Promise<unknown>;
  /** Rejects with VERIFY_RUNNING while another one runs, with VERIFY_FAILED when it can't be finished. */
  verify(choice: MendChoice): Promise<VerifyReport>;
  /** Ends the one that runs, if one does. */
  stopVerify(): Promise<void>;
  close(): Promise<void>;
}
