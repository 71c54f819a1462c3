/**
 * A grid in one thread: the runtime of a partition thread and its client, on the shared memory that threads would share, driven
 * by this thread and a clock that stands still.
 */
import {
  customOption,
  durationOption,
  FakeClock,
  integerOption,
  type Logger,
  type OptionKind,
  portOption,
  REFUSED,
  resolveOptions,
  silentLogger,
} from '@spacegrid/core';
import type { ActorRef } from '../client/actor-ref.ts';
import type { Receipt, WaitOptions } from '../client/call-options.ts';
import type { GridClient } from '../client/grid.ts';
import { createGridMemory } from '../control/grid-memory.ts';
import { compileActorTypes, fingerprint } from '../define/actor-type.ts';
import type { AckLevel, AnyDefinition } from '../define/define-actor.ts';
import { isDefinition } from '../define/load-definitions.ts';
import { gridDefaults } from '../supervise/grid-options.ts';
import { OneThread } from './one-thread.ts';
import { DrivenClock, type TestClock } from './test-clock.ts';

export interface TestGridOptions {
  /** What defineActor returned, for each actor of the grid. */
  readonly actors: readonly AnyDefinition[];
  /** The time when it begins: an ISO text, a Date, or milliseconds since 1970. Default `'2026-01-01T00:00:00Z'`. */
  readonly now?: string | Date | number;
  /** Default 4, at most 64. */
  readonly partitions?: number;
  /** How long a call waits for its reply, by the grid's clock. Milliseconds or a duration such as `'5s'`. Default 30 s. */
  readonly callTimeout?: number | string;
  /** How long an idempotency key is remembered, by the grid's clock. Default 10 minutes. */
  readonly onceWindow?: number | string;
  /** Told of commands that failed and that nobody waits for: tells, messages, reminders. Default: nobody; `console` is one. */
  readonly logger?: Logger;
}

/** A grid for tests. What takes a `GridClient` takes this as well. */
export interface TestGrid extends GridClient {
  readonly clock: TestClock;
  /**
   * Resolves when nothing is left to do at this time: requests, messages, watches, tasks of `turn.offload`. A handler that
   * awaits something outside the grid, such as a socket or a timer, is not waited for. Throws GridClosedError; UnsettledError
   * when actors keep each other busy without end.
   */
  settle(): Promise<void>;
  /**
   * Ends the partition thread's part of the grid as its death would, and starts a successor on the same memory. What was
   * committed stays; calls that had committed nothing run again; an asynchronous command that had committed steps fails with
   * OutcomeUnknownError. Resolves when the successor serves and is at rest. Throws InvalidArgumentError inside a turn.
   */
  restart(): Promise<void>;
}

const PARTITION_BYTES_MAX = 256 * 1024 ** 2;
const MEMORY_BYTES_MAX = 1024 ** 3;

/**
 * Starts a grid without threads, for unit tests: the same actors and the same references as with `createGrid`, in a few
 * milliseconds, under a clock that only `grid.clock.advance` moves. Its memory is its disk: `ack: 'durable'` is accepted and
 * means committed. Throws InvalidOptionError, InvalidDefinitionError.
 */
export function createTestGrid(options: TestGridOptions): TestGrid {
  const given = resolveOptions('createTestGrid', options, {
    actors: customOption<readonly AnyDefinition[]>('a list of what defineActor returned', (value) =>
      Array.isArray(value) && value.length > 0 && value.every(isDefinition) ? [...new Set(value)] : REFUSED,
    ),
    now: timeOption(Date.UTC(2026, 0, 1)),
    partitions: integerOption({ min: 1, max: 64, default: 4 }),
    callTimeout: durationOption({ min: 1, max: 2 ** 31, default: gridDefaults.callTimeout }),
    onceWindow: durationOption({ min: 1000, default: gridDefaults.onceWindow }),
    logger: portOption<Logger>(['debug', 'info', 'warn', 'error'], { default: silentLogger }),
  });
  const types = compileActorTypes(given.actors);
  const memory = createGridMemory({
    partitions: given.partitions,
    workers: 1,
    clients: 2,
    heapBytesMax: PARTITION_BYTES_MAX,
    ringBytes: gridDefaults.ringBytes,
  });
  const settings = {
    actorsModule: '',
    fingerprint: fingerprint(types),
    // The same in each run, so that keys meet the same neighbours.
    hashSeed: 1,
    ack: 'memory' as const,
    persistent: false,
    callTimeoutMs: given.callTimeout,
    blockedHandlerMs: gridDefaults.blockedHandler,
    backlogBytesMax: gridDefaults.backlog,
    backlogAgeMaxMs: gridDefaults.backlogAge,
    changeSetBytesMax: gridDefaults.changeSet,
    onceWindowMs: given.onceWindow,
    poolThreads: gridDefaults.poolThreads,
    memoryBytesMax: MEMORY_BYTES_MAX,
  };
  const clock = new FakeClock(given.now);
  return new SingleThreadGrid(new OneThread(memory, settings, types, clock, given.logger), clock);
}

class SingleThreadGrid implements TestGrid {
  readonly clock: TestClock;
  private readonly thread: OneThread;

  constructor(thread: OneThread, clock: FakeClock) {
    this.thread = thread;
    this.clock = new DrivenClock(clock, thread);
  }

  actor<D extends AnyDefinition>(definition: D, key: string): ActorRef<D> {
    return this.thread.local.actor(definition, key);
  }

  reached(receipt: Receipt, level: AckLevel, options?: WaitOptions): Promise<void> {
    return this.thread.local.reached(receipt, level, options);
  }

  settle(): Promise<void> {
    return this.thread.settle();
  }

  restart(): Promise<void> {
    return this.thread.restart();
  }

  close(): Promise<void> {
    return this.thread.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function timeOption(fallback: number): OptionKind<number> {
  return customOption(
    "an ISO text such as '2026-01-01T12:00:00Z', a Date, or milliseconds since 1970",
    (given) => {
      const ms = typeof given === 'string' ? Date.parse(given) : given instanceof Date ? given.getTime() : given;
      return typeof ms === 'number' && Number.isFinite(ms) ? ms : REFUSED;
    },
    { default: fallback },
  );
}
