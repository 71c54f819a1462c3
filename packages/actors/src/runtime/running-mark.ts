/**
 * What a worker is running, in its control line: written before a handler starts, cleared after it. Read by the supervisor
 * when the worker died or seems blocked. Plain stores by one thread: a death is read after its exit event.
 */
import type { ControlBlock } from '../control/control-block.ts';

export interface RunningActor {
  readonly type: number;
  readonly handler: number;
  readonly partition: number;
  readonly keyHash: number;
}

const OFFSET = 8;

export class RunningMark {
  private readonly words: Int32Array;
  private readonly base: number;

  constructor(control: ControlBlock, worker: number) {
    this.words = control.shared.words;
    this.base = control.workerLine(worker) + OFFSET;
  }

  /** Marks a handler as running, and counts it. */
  enter(type: number, handler: number, partition: number, keyHash: number): void {
    const { words, base } = this;
    words[base + 1] = (type << 8) | handler;
    words[base + 2] = partition;
    words[base + 3] = keyHash;
    words[base] = 1;
  }

  leave(): void {
    const { words, base } = this;
    words[base] = 0;
    words[base + 4] = ((words[base + 4] as number) + 1) | 0;
  }
}

export function readRunning(control: ControlBlock, worker: number): RunningActor | undefined {
  const base = control.workerLine(worker) + OFFSET;
  const { shared } = control;
  if (shared.load(base) === 0) return undefined;
  const handler = shared.load(base + 1);
  return {
    type: handler >>> 8,
    handler: handler & 255,
    partition: shared.load(base + 2),
    keyHash: shared.load(base + 3),
  };
}

export function clearRunning(control: ControlBlock, worker: number): void {
  control.shared.store(control.workerLine(worker) + OFFSET, 0);
}
