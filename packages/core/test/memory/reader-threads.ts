/** Threads that read a heap as fast as they can while a test writes to it, and the words that they share with it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Heap } from '../../src/memory/heap.ts';

const STOP = 0;
const READY = 32;
const RESULTS = 64;
const RESULT_WORDS = 32;

/** What each reader thread is given, beside what its test adds. */
export interface ReaderThreadData {
  readonly heap: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly slot: number;
  readonly seed: number;
}

/** The test's side. */
export class ReaderThreads {
  /** What readers threw. The event loop brings it: the test awaits something now and then. */
  readonly failures: unknown[] = [];
  private readonly threads: Worker[];
  private readonly control: Int32Array;

  private constructor(threads: Worker[], control: Int32Array) {
    this.threads = threads;
    this.control = control;
    for (const thread of threads) thread.on('error', (error) => this.failures.push(error));
  }

  /** Resolves when all of them read; fails when they do not within 10 s. */
  static async start(module: URL, count: number, heap: Heap, seed: number, more: object): Promise<ReaderThreads> {
    const control = new Int32Array(new SharedArrayBuffer(4096));
    const threads = Array.from({ length: count }, (_, slot) => {
      const workerData = { heap: heap.buffer, control: control.buffer, slot, seed, ...more };
      return new Worker(module, { workerData });
    });
    const started = new ReaderThreads(threads, control);
    const readyBy = performance.now() + 10_000;
    while (Atomics.load(control, READY) < count) {
      if (performance.now() > readyBy)
        throw new Error(`${control[READY]} of ${count} readers read after 10 s: ${String(started.failures[0])}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return started;
  }

  /** Sum of a result over all threads. */
  total(word: number): number {
    return this.threads.reduce(
      (sum, _, slot) => sum + (this.control[RESULTS + slot * RESULT_WORDS + word] as number),
      0,
    );
  }

  async stop(): Promise<void> {
    Atomics.store(this.control, STOP, 1);
    await Promise.all(this.threads.map(async (thread) => thread.threadId < 0 || (await once(thread, 'exit'))));
  }
}

/** A reader's side. */
export class ReaderResults {
  private readonly control: Int32Array;
  private readonly first: number;

  constructor({ control, slot }: ReaderThreadData) {
    this.control = new Int32Array(control);
    this.first = RESULTS + slot * RESULT_WORDS;
  }

  ready(): void {
    Atomics.add(this.control, READY, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.control, STOP) !== 0;
  }

  get(word: number): number {
    return this.control[this.first + word] as number;
  }

  add(word: number, count: number): void {
    if (count !== 0) Atomics.add(this.control, this.first + word, count);
  }
}
