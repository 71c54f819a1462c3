/**
 * The fold thread as the durability thread sees it: starts it, and replaces it when it died. A call that it did not answer
 * rejects, and is made again by whoever made it.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { callControl, StorageFailedError } from '@spacegrid/core';
import type { FoldApi, FoldState } from './fold-messages.ts';
import type { StoreIdentity } from './store-identity.ts';

interface Running {
  readonly thread: Worker;
  readonly api: FoldApi;
  /** Rejects when the thread ends. */
  readonly gone: Promise<never>;
}

export class FoldHost {
  private readonly directory: string;
  private readonly store: StoreIdentity;
  private running: Running | undefined;
  /** Told when a thread that was open has died. */
  onDeath: (cause: Error) => void;

  constructor(directory: string, store: StoreIdentity) {
    this.directory = directory;
    this.store = store;
    this.running = undefined;
    this.onDeath = () => undefined;
  }

  get isOpen(): boolean {
    return this.running !== undefined;
  }

  /** Starts the thread, which opens the rows. Throws what the store says; no thread is left then. */
  async open(): Promise<FoldState> {
    const { port1, port2 } = new MessageChannel();
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const thread = new Worker(new URL(`./fold-thread.${extension}`, import.meta.url), {
      workerData: { port: port2 },
      transferList: [port2],
      name: 'spacegrid-fold',
    });
    let cause = 'ended';
    thread.on('error', (error: Error) => {
      cause = error.message;
    });
    const gone = new Promise<never>((_, reject) => {
      thread.once('exit', () => {
        port1.close();
        const error = new StorageFailedError(`the fold thread died: ${cause}`);
        const wasOpen = this.running?.thread === thread;
        if (wasOpen) this.running = undefined;
        reject(error);
        if (wasOpen) this.onDeath(error);
      });
    });
    // Whoever makes a call hears of it there; between calls onDeath does.
    gone.catch(() => undefined);
    const api = callControl<FoldApi>(port1);
    try {
      const state = await Promise.race([api.open(this.directory, this.store), gone]);
      this.running = { thread, api, gone };
      return state;
    } catch (error) {
      await thread.terminate();
      throw error;
    }
  }

  /** Rejects when the thread is gone or dies before it has answered. */
  call<T>(ask: (api: FoldApi) => Promise<T>): Promise<T> {
    const { running } = this;
    if (running === undefined) return Promise.reject(new StorageFailedError('the fold thread is being restarted'));
    return Promise.race([ask(running.api), running.gone]);
  }

  /** Ends the thread as a fault would. */
  async terminate(): Promise<void> {
    await this.running?.thread.terminate();
  }

  async close(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    if (running === undefined) return;
    try {
      await Promise.race([running.api.close(), running.gone]);
    } finally {
      await running.thread.terminate();
    }
  }
}
