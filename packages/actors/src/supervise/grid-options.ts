/** What createGrid takes. Resolved once, then frozen. */
import { availableParallelism } from 'node:os';
import {
  customOption,
  defaultTo,
  durationOption,
  integerOption,
  type Logger,
  silentLogger,
  oneOfOption,
  optional,
  type Persistence,
  portOption,
  REFUSED,
  resolveOptions,
  sizeOption,
} from '@spacegrid/core';

export interface GridOptions {
  /** Module that exports the actor definitions; each thread loads it. */
  readonly actors: URL;
  /** Where state is kept: `sqlite({ directory })`. Default: nowhere, memory only. */
  readonly persistence?: Persistence;
  /** Fixed when the grid is created; a stored grid remembers it. Default 64, at most 1,024. */
  readonly partitions?: number;
  /** Threads that host partitions. Default: cores − 1, at least 1; at most 30. */
  readonly workers?: number;
  /** Threads with attachGrid at a time. Default 16, at most 48. */
  readonly clientThreads?: number;
  /** Ack level of commands that say nothing. Default `'memory'`. */
  readonly ack?: 'memory' | 'durable';
  /** How long a call waits for its reply. Milliseconds or a duration such as `'5s'`. Default 30 s. */
  readonly callTimeout?: number | string;
  /** A handler that keeps its partition longer is reported. Default 1 s. */
  readonly blockedHandler?: number | string;
  /** Most bytes of a partition's memory. Default 4 GiB, at most 7.5 GiB. */
  readonly partitionBytes?: number | string;
  /** Most bytes of all partitions together. Default: 60 % of the memory that the container or host has. */
  readonly memory?: number | string;
  /** Room for requests, and as much for replies, between two threads: a power of two from 64 KiB. Default 256 KiB. */
  readonly ringBytes?: number | string;
  /** Most bytes that a partition has committed and not yet stored, before it takes no more commands. Default 64 MiB. */
  readonly backlog?: number | string;
  /** How long a partition's oldest change may wait to be stored, before it takes no more commands. Default 30 s. */
  readonly backlogAge?: number | string;
  /** Most bytes that one turn changes and answers. Default 16 MiB. */
  readonly changeSet?: number | string;
  /** How long an idempotency key is remembered. Default 10 minutes. */
  readonly onceWindow?: number | string;
  /** Threads of the pool behind `turn.offload`. Default 1. */
  readonly poolThreads?: number;
  /** Told what happens. Default: nobody. */
  readonly logger?: Logger;
}

/** What options are when they are not given. */
export interface GridDefaults {
  readonly partitions: number;
  readonly clientThreads: number;
  readonly ack: 'memory' | 'durable';
  readonly callTimeout: number;
  readonly blockedHandler: number;
  readonly partitionBytes: number;
  readonly ringBytes: number;
  readonly backlog: number;
  readonly backlogAge: number;
  readonly changeSet: number;
  readonly onceWindow: number;
  readonly poolThreads: number;
}

export const gridDefaults: GridDefaults = {
  partitions: 64,
  clientThreads: 16,
  ack: 'memory',
  callTimeout: 30_000,
  blockedHandler: 1000,
  partitionBytes: 4 * 1024 ** 3,
  ringBytes: 256 * 1024,
  backlog: 64 * 1024 ** 2,
  backlogAge: 30_000,
  changeSet: 16 * 1024 ** 2,
  onceWindow: 600_000,
  poolThreads: 1,
};

export interface ResolvedGridOptions {
  readonly actors: URL;
  readonly persistence: Persistence | undefined;
  readonly partitions: number;
  readonly workers: number;
  readonly clientThreads: number;
  readonly ack: 'memory' | 'durable';
  readonly callTimeout: number;
  readonly blockedHandler: number;
  readonly partitionBytes: number;
  readonly memory: number;
  readonly ringBytes: number;
  readonly backlog: number;
  readonly backlogAge: number;
  readonly changeSet: number;
  readonly onceWindow: number;
  readonly poolThreads: number;
  readonly logger: Logger;
}

/** Throws InvalidOptionError naming option, value and what is allowed. */
export function resolveGridOptions(given: GridOptions): ResolvedGridOptions {
  const defaults = gridDefaults;
  const resolved = resolveOptions(
    'createGrid',
    given,
    {
      actors: customOption<URL>("a URL such as new URL('./actors.ts', import.meta.url)", (value) =>
        value instanceof URL ? value : REFUSED,
      ),
      persistence: optional(
        customOption<Persistence>('what sqlite({ directory }) returns', (value) =>
          isPersistence(value) ? value : REFUSED,
        ),
      ),
      partitions: integerOption({ min: 1, max: 1024, default: defaults.partitions }),
      workers: defaultTo(integerOption({ min: 1, max: 30 }), defaultWorkers),
      clientThreads: integerOption({ min: 0, max: 48, default: defaults.clientThreads }),
      ack: oneOfOption(['memory', 'durable'], { default: defaults.ack }),
      callTimeout: durationOption({ min: 1, max: 2 ** 31, default: defaults.callTimeout }),
      blockedHandler: durationOption({ min: 10, default: defaults.blockedHandler }),
      partitionBytes: sizeOption({ min: 1024 ** 2, max: 7.5 * 1024 ** 3, default: defaults.partitionBytes }),
      memory: defaultTo(sizeOption({ min: 16 * 1024 ** 2 }), defaultMemoryBytes),
      ringBytes: sizeOption({ min: 64 * 1024, max: 64 * 1024 ** 2, default: defaults.ringBytes }),
      backlog: sizeOption({ min: 1024 ** 2, max: 1024 ** 3, default: defaults.backlog }),
      backlogAge: durationOption({ min: 100, default: defaults.backlogAge }),
      changeSet: sizeOption({ min: 64 * 1024, max: 64 * 1024 ** 2, default: defaults.changeSet }),
      onceWindow: durationOption({ min: 1000, default: defaults.onceWindow }),
      poolThreads: integerOption({ min: 1, max: 64, default: defaults.poolThreads }),
      logger: portOption<Logger>(['debug', 'info', 'warn', 'error'], { default: silentLogger }),
    },
    [
      {
        between: ['workers', 'partitions'],
        when: ({ workers, partitions }) => workers > partitions,
        allowed: 'at most as many workers as partitions',
      },
      {
        between: ['ack', 'persistence'],
        when: ({ ack, persistence }) => ack === 'durable' && persistence === undefined,
        allowed: "ack 'durable' only with persistence",
      },
      {
        between: ['ringBytes'],
        when: ({ ringBytes }) => (ringBytes & (ringBytes - 1)) !== 0,
        allowed: 'ringBytes is a power of two',
      },
    ],
  );
  return resolved;
}

function isPersistence(value: unknown): value is Persistence {
  return (
    typeof value === 'object' &&
    value !== null &&
    'threadUrl' in value &&
    value.threadUrl instanceof URL &&
    'options' in value
  );
}

/** One core stays for the main thread. */
export function defaultWorkers(): number {
  return Math.min(30, Math.max(1, availableParallelism() - 1));
}

/** 60 % of what the container, or else the host, allows. */
export function defaultMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  const available = constrained > 0 && constrained < 2 ** 52 ? constrained : process.availableMemory();
  return Math.floor(available * 0.6);
}
