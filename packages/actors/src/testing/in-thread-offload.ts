/** `turn.offload` without a pool: the task's module is loaded here, and its function runs on the calling thread. */
import type { OffloadTask } from '../define/offload-task.ts';
import { type Offload, offloadFailed } from '../runtime/offload-pool.ts';

export class InThreadOffload implements Offload {
  private readonly tasks = new Set<Promise<unknown>>();

  get running(): number {
    return this.tasks.size;
  }

  /** Input and result are cloned, as on the way to a thread and back. Rejects with OffloadFailedError. */
  async run<A, R>(task: OffloadTask<A, R>, input: A): Promise<R> {
    const running = runTask(task, input);
    this.tasks.add(running);
    try {
      return await running;
    } catch (cause) {
      throw offloadFailed(task, cause);
    } finally {
      this.tasks.delete(running);
    }
  }

  /** Resolves when one of the tasks under way has ended. */
  async oneEnded(): Promise<void> {
    await Promise.race([...this.tasks].map((task) => task.catch(() => undefined)));
  }
}

async function runTask<A, R>(task: OffloadTask<A, R>, input: A): Promise<R> {
  const exports = (await import(task.module)) as Record<string, (input: A) => R | Promise<R>>;
  const run = exports[task.exportName];
  if (typeof run !== 'function') throw new TypeError(`it exports no function ${task.exportName}`);
  return structuredClone(await run(structuredClone(input)));
}
