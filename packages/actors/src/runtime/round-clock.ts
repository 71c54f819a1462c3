/**
 * A clock that is read once for each round of a worker, since reading the time costs as much as a small turn. Between rounds, where
 * asynchronous handlers go on after a sleep of up to a second, it is read each time.
 */
import type { Cancel, Clock } from '@spacegrid/core';

export class RoundClock implements Clock {
  private readonly source: Clock;
  private nowMs: number;
  private inRound: boolean;

  constructor(source: Clock) {
    this.source = source;
    this.nowMs = source.now();
    this.inRound = false;
  }

  /** Reads the time; called when a round begins. */
  tick(): number {
    this.nowMs = this.source.now();
    this.inRound = true;
    return this.nowMs;
  }

  /** Called when a round has ended. */
  endRound(): void {
    this.inRound = false;
  }

  now(): number {
    return this.inRound ? this.nowMs : this.source.now();
  }

  monotonicMs(): number {
    return this.source.monotonicMs();
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.source.after(delayMs, run);
  }
}
