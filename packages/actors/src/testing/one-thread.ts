/**
 * Drives a partition worker and its client on one thread. It runs a round when a bell is rung, in a microtask, so replies come
 * without the event loop; a test's clock stands still meanwhile. Nothing here sleeps, or keeps the process alive.
 *
 * ```
 * client writes a request → microtask: publishes, rings → microtask: rounds until nothing is left → replies resolve promises
 * ```
 */
import { setImmediate as atTurnOfTheLoop } from 'node:timers';
import {
  type FakeClock,
  GridClosedError,
  Heap,
  InvalidArgumentError,
  type Logger,
  releasePin,
  UnsettledError,
} from '@spacegrid/core';
import type { Pump } from '../client/client-pump.ts';
import { LocalClient } from '../client/local-client.ts';
import {
  GRID_CLOSED,
  GRID_CLOSING,
  GRID_RUNNING,
  WORKER_DOWN,
  WORKER_RECOVERING,
  WORKER_SERVING,
} from '../control/control-block.ts';
import type { GridMemory } from '../control/grid-memory.ts';
import type { Surroundings } from '../control/surroundings.ts';
import type { ActorType } from '../define/actor-type.ts';
import { clearRunning } from '../runtime/running-mark.ts';
import { reasonOf } from '../runtime/unheard-news.ts';
import { WorkerLoop } from '../runtime/worker-loop.ts';
import type { GridSettings } from '../supervise/grid-thread-data.ts';
import { InThreadOffload } from './in-thread-offload.ts';

const WORKER = 0;
/** Rounds in one go, and goes in microtasks, before the event loop has its turn. */
const ROUNDS_MAX = 32;
const GOES_MAX = 8;
/** Bound: rounds in which the grid must come to rest, each of up to 256 requests; well under a second. */
const ROUNDS_TO_REST_MAX = 5000;

export class OneThread {
  readonly local: LocalClient;
  private readonly memory: GridMemory;
  private readonly settings: GridSettings;
  private readonly types: readonly ActorType[];
  private readonly surroundings: Surroundings;
  private readonly clock: FakeClock;
  private readonly offload: InThreadOffload;
  private readonly pump: Pump;
  private readonly go: () => void;
  private loop: WorkerLoop;
  private inRound: boolean;
  private goQueued: boolean;
  private goes: number;
  /** Counts the rounds: unchanged means that nothing happened. */
  private rounds: number;
  private restless: boolean;
  private closing: Promise<void> | undefined;
  private closed: boolean;

  constructor(
    memory: GridMemory,
    settings: GridSettings,
    types: readonly ActorType[],
    clock: FakeClock,
    logger: Logger,
  ) {
    this.memory = memory;
    this.settings = settings;
    this.types = types;
    this.clock = clock;
    this.surroundings = {
      clock,
      bell: () => ({ ring: () => this.wake() }),
      unheard(command, error) {
        logger.error(`${command} failed, and nobody waits for its answer: ${reasonOf(error)}`, { command, error });
      },
    };
    this.offload = new InThreadOffload();
    this.pump = { onTick: () => undefined, stop: () => undefined };
    this.go = () => this.run();
    this.inRound = false;
    this.goQueued = false;
    this.goes = 0;
    this.rounds = 0;
    this.restless = false;
    this.closing = undefined;
    this.closed = false;
    const client = { hashSeed: settings.hashSeed, callTimeoutMs: settings.callTimeoutMs, persistent: true };
    this.local = new LocalClient(memory, client, types, memory.shape.workers, this.surroundings, () => this.pump);
    this.loop = this.startLoop();
    this.local.control.setGridState(GRID_RUNNING);
  }

  /** When the next reminder, deadline or passivation is due. */
  nextDueAt(): number {
    return Math.min(this.loop.nextDueAt(), this.local.thread.calls.nextDeadline());
  }

  /** Does what is due by the clock's time. */
  runDue(): void {
    this.refuseWhenClosed();
    this.local.thread.expire(this.clock.now());
    this.round(() => this.loop.roundWithSweep());
    this.wake();
  }

  /** Resolves when nothing is left to do. Throws UnsettledError when that never comes. */
  async settle(): Promise<void> {
    this.refuseWhenClosed();
    // Something due at once, such as a reminder in the past, is waited for by nobody.
    this.wake();
    const end = this.rounds + ROUNDS_TO_REST_MAX;
    while (this.rounds < end) {
      const before = this.rounds;
      // Once around the event loop: all microtasks have run, and what they queued.
      await new Promise((resolve) => atTurnOfTheLoop(resolve));
      if (this.closed) return;
      if (this.goQueued || this.rounds !== before) continue;
      if (this.offload.running === 0) return;
      await this.offload.oneEnded();
    }
    this.restless = true;
    throw new UnsettledError(
      `the test grid came to no rest in ${ROUNDS_TO_REST_MAX} rounds: its actors keep each other busy`,
    );
  }

  /** Ends the partition thread's part as a death would, and starts a successor on the same memory. */
  async restart(): Promise<void> {
    this.refuseWhenClosed();
    if (this.inRound || this.loop.inTurn)
      throw new InvalidArgumentError('restart is called inside a turn or query: call it from the test');
    this.loop.abandon();
    const { control } = this.local;
    control.setWorkerState(WORKER, WORKER_DOWN);
    clearRunning(control, WORKER);
    for (const buffer of this.memory.heaps) releasePin(new Heap(buffer), WORKER);
    try {
      this.loop = this.startLoop();
    } catch (error) {
      this.stop();
      throw error;
    }
    await this.settle();
  }

  /** Lets what is under way come to rest, then fails what still waits. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    if (this.closed) return;
    const { control } = this.local;
    try {
      const rest = this.restless ? undefined : this.settle();
      control.setGridState(GRID_CLOSING);
      await rest;
    } finally {
      this.stop();
    }
  }

  private stop(): void {
    if (this.closed) return;
    this.closed = true;
    this.local.control.setGridState(GRID_CLOSED);
    this.local.close();
    if (!this.loop.inTurn) this.loop.abandon();
  }

  private startLoop(): WorkerLoop {
    const { control } = this.local;
    control.setWorkerState(WORKER, WORKER_RECOVERING);
    control.raiseIncarnation(WORKER);
    const data = { worker: WORKER, memory: this.memory, settings: this.settings, suspectFrame: -1, quarantined: [] };
    const loop = new WorkerLoop(data, this.types, this.surroundings, this.offload);
    this.inRound = true;
    try {
      loop.attach();
      loop.takeOver();
    } finally {
      this.inRound = false;
    }
    control.setWorkerState(WORKER, WORKER_SERVING);
    return loop;
  }

  private wake(): void {
    if (this.goQueued || this.closed) return;
    this.goQueued = true;
    this.goes = (this.goes + 1) % GOES_MAX;
    if (this.goes === 0) atTurnOfTheLoop(this.go);
    else queueMicrotask(this.go);
  }

  private run(): void {
    this.goQueued = false;
    if (this.closed) return;
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      this.rounds++;
      const worked = this.round(() => this.loop.round());
      const replied = this.local.thread.poll();
      this.pump.onTick();
      if (!worked && !replied) return;
    }
    this.wake();
  }

  /** What escapes a round is a bug of the grid: it ends, and nobody catches it. */
  private round(run: () => boolean): boolean {
    this.inRound = true;
    try {
      return run();
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      this.inRound = false;
    }
  }

  private refuseWhenClosed(): void {
    if (this.closed) throw new GridClosedError('the test grid is closed');
  }
}
