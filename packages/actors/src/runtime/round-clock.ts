/** A clock that is read once for each round of a worker, since reading the time costs as much as a small turn. */
import type { Cancel, Clock } from '@spacegrid/core';

export class RoundClock implements Clock {
  private readonly source: Clock;
  private nowMs: number;

  constructor(source: Clock) {
    this.source = source;
    this.nowMs = source.now();
  }

  /** Reads the time; called when a round begins. */
  tick(): number {
    this.nowMs = this.source.now();
    return this.nowMs;
  }

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.source.monotonicMs();
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.source.after(delayMs, run);
  }
}
