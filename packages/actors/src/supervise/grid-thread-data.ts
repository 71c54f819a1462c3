/** What the threads of a grid are started with. Plain data and shared memory. */
import type { MessagePort } from 'node:worker_threads';
import type { RunningActor } from '../runtime/running-mark.ts';
import type { GridMemory } from '../control/grid-memory.ts';

export interface GridSettings {
  readonly actorsModule: string;
  readonly fingerprint: string;
  readonly hashSeed: number;
  readonly ack: 'memory' | 'durable';
  /** There is a store. */
  readonly persistent: boolean;
  readonly callTimeoutMs: number;
  readonly blockedHandlerMs: number;
  readonly backlogBytesMax: number;
  readonly backlogAgeMaxMs: number;
  readonly changeSetBytesMax: number;
  readonly onceWindowMs: number;
  readonly poolThreads: number;
  /** Bytes that all partitions together may take from the system. */
  readonly memoryBytesMax: number;
}

export interface PersistenceThread {
  readonly threadUrl: string;
  readonly options: unknown;
}

export interface SupervisorData {
  readonly memory: GridMemory;
  readonly settings: GridSettings;
  readonly persistence: PersistenceThread | undefined;
  readonly port: MessagePort;
}

export interface PartitionWorkerData {
  readonly worker: number;
  readonly incarnation: number;
  readonly memory: GridMemory;
  readonly settings: GridSettings;
  /** Word of the request whose handler ran when the predecessor died; −1 when that is not known. */
  readonly suspectFrame: number;
  /** Actors that are set aside: calls to them fail. */
  readonly quarantined: readonly RunningActor[];
  readonly port: MessagePort;
}
