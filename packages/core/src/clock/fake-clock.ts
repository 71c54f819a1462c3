import { assert } from '../assert.ts';
import type { Cancel, Clock } from './clock.ts';

interface FakeTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Bound: timers that set each other without end fail the test instead of hanging it. */
const RUNS_IN_ONE_ADVANCE_MAX = 1_000_000;

/** A clock that stands still until it is advanced. For tests and `@spacegrid/actors/testing`. */
export class FakeClock implements Clock {
  private readonly wallOffsetMs: number;
  private elapsedMs: number;
  private timersSet: number;
  /** Sorted: the one due first stands last. */
  private readonly timers: FakeTimer[];

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.wallOffsetMs = startMs;
    this.elapsedMs = 0;
    this.timersSet = 0;
    this.timers = [];
  }

  now(): number {
    return this.wallOffsetMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    assert(!Number.isNaN(delayMs), 'the delay of a timer is a number');
    const timer: FakeTimer = { dueMs: this.elapsedMs + Math.max(0, delayMs), order: this.timersSet++, run };
    let at = this.timers.length;
    while (at > 0 && !runsLater(this.timers[at - 1] as FakeTimer, timer)) at--;
    this.timers.splice(at, 0, timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index !== -1) this.timers.splice(index, 1);
    };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.timers.length;
  }

  /** Moves time on and runs the timers that become due, in order, each at its own time; also those that they set. */
  advance(ms: number): void {
    const untilMs = this.elapsedMs + ms;
    for (let runs = 0; this.step(untilMs); runs++) assert(runs < RUNS_IN_ONE_ADVANCE_MAX, 'timers come to an end');
    this.elapsedMs = untilMs;
  }

  private step(untilMs: number): boolean {
    const next = this.timers.at(-1);
    if (next === undefined || next.dueMs > untilMs) return false;
    this.timers.pop();
    this.elapsedMs = Math.max(this.elapsedMs, next.dueMs);
    next.run();
    return true;
  }
}

function runsLater(a: FakeTimer, b: FakeTimer): boolean {
  return a.dueMs !== b.dueMs ? a.dueMs > b.dueMs : a.order > b.order;
}
