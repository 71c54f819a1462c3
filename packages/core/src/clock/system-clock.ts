import type { Cancel, Clock } from './clock.ts';

/** Node runs a longer setTimeout at once. */
const TIMEOUT_MS_MAX = 2_147_483_647;

/** The machine's time. A pending timer keeps the process running. */
export const systemClock: Clock = Object.freeze({
  now(): number {
    return Date.now();
  },
  monotonicMs(): number {
    return performance.now();
  },
  after(delayMs: number, run: () => void): Cancel {
    let timer: NodeJS.Timeout;
    const wait = (restMs: number): void => {
      timer =
        restMs > TIMEOUT_MS_MAX
          ? setTimeout(() => wait(restMs - TIMEOUT_MS_MAX), TIMEOUT_MS_MAX)
          : setTimeout(run, Math.max(0, restMs));
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
});
