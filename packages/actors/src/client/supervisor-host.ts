/**
 * The supervisor thread, as the thread that created the grid has it. It keeps the process alive while it is asked something,
 * and only then; questions fail when it ends.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { StartFailedError } from '@spacegrid/core';
import type { SupervisorApi } from '../supervise/supervisor-api.ts';

export class SupervisorHost {
  /** The thread has ended. */
  isGone: boolean;
  private readonly thread: Worker;
  private readonly api: SupervisorApi;
  private readonly port: MessagePort;
  private readonly gone: Promise<never>;
  private asking: number;
  private referenced: boolean;

  constructor(thread: Worker, api: SupervisorApi, port: MessagePort) {
    this.isGone = false;
    this.thread = thread;
    this.api = api;
    this.port = port;
    this.asking = 0;
    // Referenced from the start, until it serves.
    this.referenced = true;
    let cause: Error | undefined;
    thread.on('error', (error: Error) => {
      cause = error;
    });
    this.gone = new Promise((_, reject) => {
      thread.once('exit', () => {
        this.isGone = true;
        reject(cause ?? new StartFailedError('the supervisor thread of the grid ended'));
      });
    });
    this.gone.catch(() => undefined);
  }

  async ask<T>(question: (api: SupervisorApi) => Promise<T>): Promise<T> {
    if (this.asking++ === 0) this.thread.ref();
    try {
      return await Promise.race([question(this.api), this.gone]);
    } finally {
      if (--this.asking === 0 && !this.referenced) this.thread.unref();
    }
  }

  /** From now on the thread alone does not keep the process alive. */
  unref(): void {
    this.referenced = false;
    if (this.asking === 0) this.thread.unref();
    this.port.unref();
  }

  async end(): Promise<void> {
    await this.thread.terminate();
    this.port.close();
  }
}
