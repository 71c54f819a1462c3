/**
 * How long a thread that runs out of work looks for more before it parks. Waking a parked thread costs 20 to 50 µs; spinning
 * costs a core. On two busy cores a spinning pair was 10 to 100 times slower than a parked one, so the default spins only
 * where the machine has a core to spare beside every thread of the grid.
 */
import { availableParallelism } from 'node:os';

/** About the time that waking a parked thread takes: spinning longer can't win more than twice of it. */
export const SPIN_MICROS = 20;

/** Default of `spinMicros`, for a node with this many threads that run at the same time. */
export function defaultSpinMicros(busyThreads: number, cores: number = availableParallelism()): number {
  return cores > busyThreads ? SPIN_MICROS : 0;
}

const LOOKS_PER_CLOCK = 8;
const SHARE_MIN = 1 / 16;

/** Tells the processor that a loop spins; newer engines have it. */
const pause: () => void = (Atomics as unknown as { pause?: () => void }).pause ?? (() => undefined);

/** Spins for up to its budget, which doubles when spinning found something and halves when it did not. */
export class Spinner {
  private readonly microsMax: number;
  private micros: number;

  /** @param microsMax 0 for a spinner that never spins. */
  constructor(microsMax: number) {
    this.microsMax = microsMax;
    this.micros = microsMax;
  }

  /** True as soon as `found` does; false when the budget is used up. */
  spin(found: () => boolean): boolean {
    if (this.microsMax === 0) return false;
    const endAt = performance.now() + this.micros / 1000;
    // Bound: ends with the budget.
    do {
      for (let look = 0; look < LOOKS_PER_CLOCK; look++) {
        if (found()) {
          this.micros = Math.min(this.microsMax, this.micros * 2);
          return true;
        }
        pause();
      }
    } while (performance.now() < endAt);
    this.micros = Math.max(this.microsMax * SHARE_MIN, this.micros / 2);
    return false;
  }
}
