/**
 * The words that all threads of a node share: who is there, who sleeps, who runs what. One 128-byte line for each thread and
 * purpose, so that no two threads write the same line in the course of their work.
 *
 * ```
 * line 0                    the grid: state, counts
 * line 1 …                  doorbells, one line for each thread number
 * then                      client slots, one line for each thread number
 * then                      workers, one line each
 * then                      counters, one line for each thread number
 * then                      how long calls took, one line for each thread number
 * then                      partitions, one line each
 * then                      1 KiB for each worker: the key of what it runs, where that stands in no ring
 * ```
 * Thread numbers: workers 0 … W−1, the main thread W, threads with attachGrid after it, the durability thread last. A thread
 * number is also the client's slot in the rings and its pin in every partition heap.
 */
import { KEY_BYTES_MAX, SharedWords } from '@spacegrid/core';

const LINE = 32;

export interface ControlShape {
  readonly partitions: number;
  readonly workers: number;
  /** Threads that may be clients: workers, main and attached ones. */
  readonly clients: number;
}

export const GRID_RUNNING = 1;
export const GRID_CLOSING = 2;
export const GRID_CLOSED = 3;

export const CLIENT_FREE = 0;
export const CLIENT_ACTIVE = 1;
/** The thread is gone or closes: workers finish what it asked for and let go of the slot. */
export const CLIENT_CLOSING = 2;

export const WORKER_DOWN = 0;
export const WORKER_RECOVERING = 1;
export const WORKER_SERVING = 2;
/** Not restarted any more. */
export const WORKER_FAILED = 3;

const CLIENT_STATE = 0;
/** Workers that still hold the closing client's rings. */
const CLIENT_HELD = 1;

const WORKER_STATE = 0;
const WORKER_INCARNATION = 1;
/** 1 asks the worker to look at its control port. */
const WORKER_CONTROL = 2;

const PARTITION_UNPERSISTED_BYTES = 0;
const PARTITION_WAITING = 1;

export class ControlBlock {
  readonly shape: ControlShape;
  readonly shared: SharedWords;

  constructor(buffer: SharedArrayBuffer, shape: ControlShape) {
    this.shared = new SharedWords(buffer);
    this.shape = shape;
  }

  static create(shape: ControlShape): SharedArrayBuffer {
    const lines = 1 + (shape.clients + 1) * 4 + shape.workers + shape.partitions;
    return new SharedArrayBuffer(lines * LINE * 4 + shape.workers * KEY_BYTES_MAX);
  }

  get mainThread(): number {
    return this.shape.workers;
  }

  get durabilityThread(): number {
    return this.shape.clients;
  }

  /** The pin of the thread that verifies, which has no line here. */
  get verifyThread(): number {
    return this.shape.clients + 1;
  }

  /** Word of a thread's doorbell. */
  doorbell(thread: number): number {
    return (1 + thread) * LINE;
  }

  // ---- grid ----

  get gridState(): number {
    return this.shared.load(0);
  }

  setGridState(state: number): void {
    this.shared.store(0, state);
  }

  // ---- clients ----

  clientState(slot: number): number {
    return this.shared.load(this.client(slot) + CLIENT_STATE);
  }

  /** Takes a free slot for a thread with attachGrid; −1 when all are taken. */
  claimClient(): number {
    for (let slot = this.shape.workers + 1; slot < this.shape.clients; slot++) {
      if (this.shared.swap(this.client(slot) + CLIENT_STATE, CLIENT_FREE, CLIENT_ACTIVE)) return slot;
    }
    return -1;
  }

  activateClient(slot: number): void {
    this.shared.store(this.client(slot) + CLIENT_STATE, CLIENT_ACTIVE);
  }

  /** The slot's thread is gone: every worker is to let go of it. Repeating it changes nothing. */
  closeClient(slot: number): void {
    if (this.clientState(slot) !== CLIENT_ACTIVE) return;
    this.shared.store(this.client(slot) + CLIENT_HELD, (1 << this.shape.workers) - 1);
    this.shared.swap(this.client(slot) + CLIENT_STATE, CLIENT_ACTIVE, CLIENT_CLOSING);
  }

  /** True while the closing client's rings wait for this worker to let go. */
  isHeld(slot: number, worker: number): boolean {
    return (
      this.clientState(slot) === CLIENT_CLOSING &&
      (this.shared.load(this.client(slot) + CLIENT_HELD) & (1 << worker)) !== 0
    );
  }

  /** A worker has let go; the last one frees the slot. */
  letGoOfClient(slot: number, worker: number): void {
    const index = this.client(slot) + CLIENT_HELD;
    let held = this.shared.load(index);
    // Bound: each failed swap is another worker's success.
    while (!this.shared.swap(index, held, held & ~(1 << worker))) held = this.shared.load(index);
    if ((held & ~(1 << worker)) === 0) this.shared.store(this.client(slot) + CLIENT_STATE, CLIENT_FREE);
  }

  // ---- workers ----

  workerState(worker: number): number {
    return this.shared.load(this.workerLine(worker) + WORKER_STATE);
  }

  setWorkerState(worker: number, state: number): void {
    this.shared.store(this.workerLine(worker) + WORKER_STATE, state);
  }

  /** Counts the threads that have served as this worker. */
  incarnation(worker: number): number {
    return this.shared.load(this.workerLine(worker) + WORKER_INCARNATION);
  }

  raiseIncarnation(worker: number): number {
    return this.shared.add(this.workerLine(worker) + WORKER_INCARNATION, 1);
  }

  /** A message is on its way to the worker's control port: its event loop must run. */
  askForControl(worker: number): void {
    this.shared.store(this.workerLine(worker) + WORKER_CONTROL, 1);
  }

  controlAsked(worker: number): boolean {
    return this.shared.load(this.workerLine(worker) + WORKER_CONTROL) === 1;
  }

  /** The message has come. */
  controlCame(worker: number): void {
    this.shared.store(this.workerLine(worker) + WORKER_CONTROL, 0);
  }

  // ---- partitions ----

  /** As of its worker's last round. */
  unpersistedBytes(partition: number): number {
    return this.shared.load(this.partition(partition) + PARTITION_UNPERSISTED_BYTES) >>> 0;
  }

  /** Commands held back for the backlog, and replies held until they are durable. */
  waiting(partition: number): number {
    return this.shared.load(this.partition(partition) + PARTITION_WAITING);
  }

  /** Its worker only. */
  setBacklog(partition: number, unpersistedBytes: number, waiting: number): void {
    this.shared.store(this.partition(partition) + PARTITION_UNPERSISTED_BYTES, unpersistedBytes | 0);
    this.shared.store(this.partition(partition) + PARTITION_WAITING, waiting);
  }

  private partition(partition: number): number {
    return (1 + (this.shape.clients + 1) * 4 + this.shape.workers + partition) * LINE;
  }

  private client(slot: number): number {
    return (2 + this.shape.clients + slot) * LINE;
  }

  /** First word of a worker's line: 8 words of state, then what it runs. */
  workerLine(worker: number): number {
    return (3 + this.shape.clients * 2 + worker) * LINE;
  }

  /** First byte of a worker's key area. */
  keyArea(worker: number): number {
    return this.partition(this.shape.partitions) * 4 + worker * KEY_BYTES_MAX;
  }

  /** First of a thread's 32 counter words; see counters.ts. */
  counters(thread: number): number {
    return (3 + this.shape.clients * 2 + this.shape.workers + thread) * LINE;
  }

  /** First of the 32 words of a thread's calls; see ask-times.ts. */
  askTimes(thread: number): number {
    return (4 + this.shape.clients * 3 + this.shape.workers + thread) * LINE;
  }
}
