import type { MessagePort } from 'node:worker_threads';
import type { AckLevel, AnyDefinition } from '../define/define-actor.ts';
import type { RecoveryEvent } from '../supervise/grid-events.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Receipt, WaitOptions } from './call-options.ts';
import type { VerifyOptions, VerifyReport } from '../verify/verify-report.ts';
import type { GridHealth, GridStats } from './grid-stats.ts';

/** The grid as any of its client threads has it. */
export interface GridClient extends AsyncDisposable {
  /** Refers to an actor; nothing is sent. Throws UnknownActorError, InvalidKeyError. */
  actor<D extends AnyDefinition>(definition: D, key: string): ActorRef<D>;
  /**
   * Resolves when the turn of a receipt is at `level`: `'durable'` is synced to disk. Throws InvalidOptionError, CallTimeoutError,
   * AbortedError, and OutcomeUnknownError for a receipt from before the grid was last started.
   */
  reached(receipt: Receipt, level: AckLevel, options?: WaitOptions): Promise<void>;
  /** Lets go of the grid in this thread: calls under way fail, watches end. Idempotent. */
  close(): Promise<void>;
}

/** For one more thread: post it (with its transfer list) or give it in workerData. */
export interface GridHandle {
  readonly spacegrid: unknown;
  /** What must be in the transfer list of the message or Worker that carries the handle. */
  readonly transferList: MessagePort[];
}

/** The grid as the thread that created it has it. */
export interface Grid extends GridClient {
  /**
   * A handle for one of your own threads, which calls attachGrid with it. It keeps one of the `clientThreads` until that thread
   * closes its client or ends; one that was never posted, until it is collected. Throws ClientsExhaustedError.
   */
  handle(): GridHandle;
  stats(): Promise<GridStats>;
  health(): Promise<GridHealth>;
  /** Resolves when all that was committed before is on disk. Waits as long as that takes, unless told otherwise. */
  flush(options?: WaitOptions): Promise<void>;
  /** Copies the store, at one point, to an empty directory, while the grid runs. */
  backup(directory: string, options?: WaitOptions): Promise<void>;
  /**
   * Compares memory with the store while the grid serves, checksums of both included, and with `repair` mends what is damaged from
   * the side that is whole. Throws InvalidOptionError without persistence, VerifyRunningError, VerifyFailedError, AbortedError.
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** Ends a partition thread, as a fault would; resolves when its successor serves. For tests and demonstrations. */
  terminateWorker(worker: number): Promise<RecoveryEvent>;
  /** Ends the durability thread, as a fault would; resolves when its successor serves. For tests. */
  terminateDurability(): Promise<void>;
  /** Finishes what was taken, makes it durable, stops all threads. Idempotent. */
  close(): Promise<void>;
}
