/**
 * Tells the supervisor, and through it the grid's logger, which commands have failed that nobody waits for: tells, messages and
 * reminders. A command that always fails must not flood anyone: beyond some a second only their number is told.
 */
import type { Clock } from '@spacegrid/core';
import type { UnheardEvent } from '../supervise/grid-events.ts';

/** Bound: news of a second. */
const NEWS_MAX = 20;
const REASON_UNITS_MAX = 1000;

export class UnheardNews {
  private readonly worker: number;
  private readonly clock: Clock;
  private readonly send: (event: UnheardEvent) => void;
  private secondEndsAt: number;
  private told: number;
  private omitted: number;

  constructor(worker: number, clock: Clock, send: (event: UnheardEvent) => void) {
    this.worker = worker;
    this.clock = clock;
    this.send = send;
    this.secondEndsAt = Number.NEGATIVE_INFINITY;
    this.told = 0;
    this.omitted = 0;
  }

  tell(command: string, error: unknown): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs >= this.secondEndsAt) {
      this.secondEndsAt = nowMs + 1000;
      this.told = 0;
    }
    if (this.told >= NEWS_MAX) {
      this.omitted++;
      return;
    }
    this.told++;
    const { worker, omitted } = this;
    this.omitted = 0;
    this.send({ kind: 'unheard', worker, command, reason: reasonOf(error), seenAt: this.clock.now(), omitted });
  }
}

/** What is told of an error, in one line's length. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, REASON_UNITS_MAX);
}
