/** A clock that is read once for each round of a worker, since reading the time costs as much as a small turn. */
import { type Cancel, type Clock, systemClock } from '@spacegrid/core';

export class RoundClock implements Clock {
  private nowMs: number;

  constructor() {
    this.nowMs = systemClock.now();
  }

  /** Reads the time; called when a round begins. */
  tick(): number {
    this.nowMs = systemClock.now();
    return this.nowMs;
  }

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  after(delayMs: number, run: () => void): Cancel {
    return systemClock.after(delayMs, run);
  }
}
