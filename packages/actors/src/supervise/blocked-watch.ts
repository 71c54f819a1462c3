/**
 * Looks at what the workers are running, now and then: a handler that is still the same one after the limit blocks its
 * partitions. Supervisor thread. Costs a few loads for each worker and look; stops nobody.
 */
import { Doorbell } from '@spacegrid/core';
import type { ControlBlock } from '../control/control-block.ts';
import type { GridMemory } from '../control/grid-memory.ts';
import { handlersRun, type MarkedActor, readRunning } from '../runtime/running-mark.ts';

export interface Blocked extends MarkedActor {
  readonly worker: number;
  readonly blockedMs: number;
}

interface Seen {
  /** Handlers run when the running one was first seen; −1 while none ran. */
  count: number;
  at: number;
  told: boolean;
}

const LOOKS_A_LIMIT = 4;

export class BlockedWatch {
  private readonly control: ControlBlock;
  private readonly memory: GridMemory;
  private readonly limitMs: number;
  private readonly tell: (blocked: Blocked) => void;
  private readonly seen: Seen[];
  private readonly timer: NodeJS.Timeout;

  constructor(control: ControlBlock, memory: GridMemory, limitMs: number, tell: (blocked: Blocked) => void) {
    this.control = control;
    this.memory = memory;
    this.limitMs = limitMs;
    this.tell = tell;
    this.seen = Array.from({ length: memory.shape.workers }, () => ({ count: -1, at: 0, told: false }));
    this.timer = setInterval(() => this.look(performance.now()), Math.max(5, limitMs / LOOKS_A_LIMIT));
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(nowMs: number): void {
    for (let worker = 0; worker < this.seen.length; worker++) {
      const seen = this.seen[worker] as Seen;
      const count = handlersRun(this.control, worker);
      const running = readRunning(this.control, worker, this.memory);
      if (running === undefined || count !== handlersRun(this.control, worker)) {
        seen.count = -1;
      } else if (seen.count !== count) {
        seen.count = count;
        seen.at = nowMs;
        seen.told = false;
      } else if (running.mayAwait && nowMs - seen.at < this.limitMs) {
        // Woken, a thread that only awaits something counts on.
        new Doorbell(this.control.shared.words, this.control.doorbell(worker)).ring();
      } else if (!seen.told && nowMs - seen.at >= this.limitMs) {
        seen.told = true;
        this.tell({ ...running, worker, blockedMs: Math.round(nowMs - seen.at) });
      }
    }
  }
}
