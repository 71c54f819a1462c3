import { durationOption, type FakeClock, resolveOptions, UnsettledError } from '@spacegrid/core';
import type { OneThread } from './one-thread.ts';

/** The time of a test grid: it stands still until it is advanced. */
export interface TestClock {
  /** Wall-clock milliseconds since 1970, what `turn.now` says. `Date.now()` in a handler is the machine's still. */
  now(): number;
  /**
   * Moves time on, by milliseconds or a text such as `'10m'`. Reminders, deadlines of calls, ends of map entries and
   * passivations that become due on the way happen in order, each at its own time, and all that follows from them before the next. Resolves when nothing is
   * left to do. Throws InvalidOptionError, GridClosedError; UnsettledError when it comes to no rest.
   */
  advance(duration: number | string): Promise<void>;
}

/** Bound: a hundred years of one advance. */
const DAYS_MAX = 36_500;
/** Bound: reminders that set each other without end fail the test instead of hanging it. */
const EVENTS_MAX = 1_000_000;

export class DrivenClock implements TestClock {
  private readonly clock: FakeClock;
  private readonly thread: OneThread;
  /** Advances follow each other. */
  private advancing: Promise<void>;

  constructor(clock: FakeClock, thread: OneThread) {
    this.clock = clock;
    this.thread = thread;
    this.advancing = Promise.resolve();
  }

  now(): number {
    return this.clock.now();
  }

  async advance(duration: number | string): Promise<void> {
    const { by } = resolveOptions(
      'clock.advance',
      { by: duration },
      { by: durationOption({ min: 0, max: DAYS_MAX * 86_400_000 }) },
    );
    const earlier = this.advancing;
    const advanced = earlier.then(() => this.advanceTo(this.clock.now() + by));
    this.advancing = advanced.catch(() => undefined);
    await advanced;
  }

  private async advanceTo(untilMs: number): Promise<void> {
    await this.thread.settle();
    for (let events = 0; events < EVENTS_MAX; events++) {
      const dueAt = this.thread.nextDueAt();
      const isLast = dueAt > untilMs;
      this.clock.advance(Math.max(0, (isLast ? untilMs : dueAt) - this.clock.now()));
      this.thread.runDue();
      await this.thread.settle();
      if (isLast) return;
    }
    throw new UnsettledError(`${EVENTS_MAX} reminders and deadlines became due within one advance`);
  }
}
