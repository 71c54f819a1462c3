/**
 * One word by which a thread sleeps and is woken.
 *
 * ```
 *          owner: park                    any thread: ring
 *   AWAKE ─────────────→ PARKED ───────────────────────────→ RUNG
 *     ↑────────────────────┴──── owner: rise ─────────────────┘
 * ```
 * Roles: the owner stores PARKED and AWAKE; any thread swaps PARKED for RUNG, and only who wins the swap notifies: one
 * notification for each sleep, however many ring. Progress: `ring` is wait-free and costs one load while the owner is awake;
 * parking ends at the latest after PARK_MS_MAX. Staleness: a thread may wake for no reason; it looks, and parks again.
 * Capacity: one thread blocked, or one promise of `parkAsync` and one Atomics.waitAsync pending.
 *
 * Why no wake-up is lost, on arm64 too. Each step is an Atomics operation, all of which stand in one order that every thread
 * agrees on (on arm64: store-release and load-acquire of the kind that is not reordered with each other):
 *   1. the ringer stores what it publishes (a ring's TAIL), then loads the word;
 *   2. the owner stores PARKED, then calls `found`, which loads all that may have been published by Atomics.load;
 *   3. if the ringer's load stands before the owner's store of PARKED, its publishing does too: `found` sees it. Otherwise
 *      the ringer reads PARKED (and swaps it), or RUNG, which somebody swapped from this same PARKED;
 *   4. the swap before the owner waits: Atomics.wait and waitAsync compare the word with PARKED under the lock that notify
 *      takes, find RUNG and return. The swap after it: the notification, which follows the swap, wakes the owner;
 *   5. the owner stores AWAKE before it looks at its sources. A ringer that reads RUNG or PARKED before that store has
 *      published before that look. One that reads AWAKE after it is seen by the look of step 2, at the latest.
 *   6. A waitAsync stays pending when its park ended by time or by blocking, and serves the next one: the word is the same,
 *      so its notification wakes whichever park is on. As two waiters may stand there, all are notified.
 *
 * Death of the owner leaves PARKED or RUNG: ringers swap and notify nobody, once. Its successor looks at its sources before it
 * parks first, and by that stores the word anew. Death of a ringer between swap and notify leaves RUNG and a sleeper: it
 * sleeps until its timeout, or PARK_MS_MAX, or until whoever sees the ringer's exit wakes all it served by `wake`.
 *
 * Blocking: `parkBlocking` stops the thread's timers, ports and promises. `parkAsync` does not, and does not keep the event
 * loop alive either: that is `keepAlive`.
 */
import { Spinner } from './spin-time.ts';

export const DOORBELL_AWAKE = 0;
export const DOORBELL_PARKED = 1;
export const DOORBELL_RUNG = 2;

/** Bound: longest sleep. */
export const PARK_MS_MAX = 60_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
const READY: Promise<boolean> = Promise.resolve(true);

export class Doorbell {
  private readonly words: Int32Array;
  private readonly index: number;
  private readonly spinner: Spinner;
  private readonly onNotified: () => void;
  private readonly onTime: () => void;
  private readonly setResolve: (resolve: (rung: boolean) => void) => void;
  /** A waitAsync is pending. */
  private awaiting: boolean;
  /** The park that is on. */
  private parked: Promise<boolean> | undefined;
  private resolve: ((rung: boolean) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private timerAt: number;
  private deadlineAt: number;
  private keeper: NodeJS.Timeout | undefined;
  private kept: boolean;

  /** @param spinMicros how long a park first looks for work; see defaultSpinMicros. Of the owner only. */
  constructor(words: Int32Array, index: number, spinMicros: number = 0) {
    this.words = words;
    this.index = index;
    this.spinner = new Spinner(spinMicros);
    this.onNotified = () => this.notified();
    this.onTime = () => this.timedOut();
    this.setResolve = (resolve) => {
      this.resolve = resolve;
    };
    this.awaiting = false;
    this.parked = undefined;
    this.resolve = undefined;
    this.timer = undefined;
    this.timerAt = 0;
    this.deadlineAt = 0;
    this.keeper = undefined;
    this.kept = false;
  }

  /** Wakes the owner if it sleeps. Any thread, after it has published. */
  ring(): void {
    // Observe: pairs with the owner's store of PARKED.
    if (Atomics.load(this.words, this.index) !== DOORBELL_PARKED) return;
    if (Atomics.compareExchange(this.words, this.index, DOORBELL_PARKED, DOORBELL_RUNG) !== DOORBELL_PARKED) return;
    Atomics.notify(this.words, this.index);
  }

  /** Wakes the owner even where a ringer died after its swap. For supervision; `ring` is cheaper. */
  wake(): void {
    Atomics.compareExchange(this.words, this.index, DOORBELL_PARKED, DOORBELL_RUNG);
    Atomics.notify(this.words, this.index);
  }

  /**
   * Blocking: sleeps until rung, at most `timeoutMs` (and PARK_MS_MAX), unless `found` sees something to do. True when there
   * may be something, false when the time was over. The owner's thread only.
   * @param found looks afresh, by Atomics.load, at everything whose publisher rings this bell.
   */
  parkBlocking(timeoutMs: number, found: () => boolean): boolean {
    if (this.spinner.spin(found)) return true;
    this.announce();
    const woken =
      found() ||
      Atomics.wait(this.words, this.index, DOORBELL_PARKED, Math.min(timeoutMs, PARK_MS_MAX)) !== 'timed-out';
    this.rise();
    return woken;
  }

  /**
   * The same without blocking the event loop: a promise of whether there may be something to do. While one is pending the
   * same one is returned, and ends by the sooner of the two times. Gotcha: it alone does not keep the process alive.
   */
  parkAsync(timeoutMs: number, found: () => boolean): Promise<boolean> {
    if (this.parked === undefined && this.spinner.spin(found)) return READY;
    this.announce();
    if (found() || !this.awaitNotification()) {
      this.rise();
      const parked = this.parked ?? READY;
      this.end(true);
      return parked;
    }
    if (this.parked === undefined) {
      this.parked = new Promise(this.setResolve);
      this.deadlineAt = Infinity;
    }
    this.limit(Math.min(timeoutMs, PARK_MS_MAX));
    return this.parked;
  }

  /** Whether this thread's event loop is kept alive, for a caller that waits for the bell. About 20 ns; idempotent. */
  keepAlive(on: boolean): void {
    if (on === this.kept) return;
    this.kept = on;
    // A referenced handle for FIELD item 43: waitAsync is none. Never fires in practice.
    this.keeper ??= setInterval(() => undefined, TIMER_MS_MAX);
    if (on) this.keeper.ref();
    else this.keeper.unref();
  }

  /** The owner lets go of timers and handles; a pending park ends. */
  close(): void {
    clearTimeout(this.timer);
    clearInterval(this.keeper);
    this.timer = undefined;
    this.keeper = undefined;
    this.kept = false;
    this.rise();
    Atomics.notify(this.words, this.index);
    this.end(true);
  }

  private announce(): void {
    // Publish: pairs with the load in `ring`.
    Atomics.store(this.words, this.index, DOORBELL_PARKED);
  }

  private rise(): void {
    Atomics.store(this.words, this.index, DOORBELL_AWAKE);
  }

  /** False when the bell was rung already. */
  private awaitNotification(): boolean {
    // The pending one serves; had it been notified already, its reaction is on the way and ends this park.
    if (this.awaiting) return true;
    // No time limit here: each leaves 285 bytes of a platform timer behind until it is over, also when the bell rings before.
    const waiting = Atomics.waitAsync(this.words, this.index, DOORBELL_PARKED);
    if (!waiting.async) return false;
    this.awaiting = true;
    void waiting.value.then(this.onNotified);
    return true;
  }

  private notified(): void {
    this.awaiting = false;
    if (this.parked === undefined) return;
    this.rise();
    this.end(true);
  }

  private end(woken: boolean): void {
    const resolve = this.resolve;
    this.parked = undefined;
    this.resolve = undefined;
    resolve?.(woken);
  }

  /** One timer serves all parks: it is made again only when it would come too late, or finds that it came too early. */
  private limit(timeoutMs: number): void {
    const now = performance.now();
    this.deadlineAt = Math.min(this.deadlineAt, now + timeoutMs);
    if (this.timer !== undefined && this.timerAt <= this.deadlineAt) return;
    clearTimeout(this.timer);
    this.timerAt = this.deadlineAt;
    this.timer = setTimeout(this.onTime, Math.max(1, this.deadlineAt - now)).unref();
  }

  private timedOut(): void {
    this.timer = undefined;
    if (this.parked === undefined) return;
    if (performance.now() < this.deadlineAt) {
      this.limit(PARK_MS_MAX);
      return;
    }
    this.rise();
    this.end(false);
  }
}
