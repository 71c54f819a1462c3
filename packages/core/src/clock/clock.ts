/** All time that actors and persistence go by, so that tests can drive it. */
export interface Clock {
  /** Wall-clock milliseconds since 1970. May jump, also backwards. */
  now(): number;
  /** Milliseconds from some start, never backwards: for durations and deadlines. */
  monotonicMs(): number;
  /** Calls `run` once, `delayMs` from now (at least one turn of the event loop later). Returns what cancels it. */
  after(delayMs: number, run: () => void): Cancel;
}

/** Cancels a timer. Calling it again, or after the timer has run, does nothing. */
export type Cancel = () => void;
