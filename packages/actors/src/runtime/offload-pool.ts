/** The pool behind `turn.offload`: piscina, started with the first task. Its threads hold no state of the grid. */
import { OffloadFailedError } from '@spacegrid/core';
import { Piscina } from 'piscina';
import type { OffloadTask } from '../define/offload-task.ts';

const QUEUE_MAX = 10_000;

/** Where `turn.offload` runs. */
export interface Offload {
  /** Tasks under way. */
  readonly running: number;
  run<A, R>(task: OffloadTask<A, R>, input: A): Promise<R>;
}

export class OffloadPool implements Offload {
  running: number;
  private readonly threads: number;
  private pool: Piscina | undefined;

  constructor(threads: number) {
    this.running = 0;
    this.threads = threads;
    this.pool = undefined;
  }

  async run<A, R>(task: OffloadTask<A, R>, input: A): Promise<R> {
    this.pool ??= new Piscina({ minThreads: 0, maxThreads: this.threads, maxQueue: QUEUE_MAX, idleTimeout: 10_000 });
    this.running++;
    try {
      return (await this.pool.run(input, { filename: task.module, name: task.exportName })) as R;
    } catch (cause) {
      throw offloadFailed(task, cause);
    } finally {
      this.running--;
    }
  }

  async close(): Promise<void> {
    await this.pool?.destroy();
  }
}

export function offloadFailed(task: OffloadTask<never, unknown>, cause: unknown): OffloadFailedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OffloadFailedError(`the task ${task.exportName} of ${task.module} failed: ${reason}`, { cause });
}
