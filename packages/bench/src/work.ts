/** What one kind of work measures, and what it is given. */
import type { BenchOptions } from './options.ts';
import type { Row } from './report.ts';

export interface Work {
  /** For `--only`. */
  readonly name: string;
  /** Measures, and cleans up behind itself. */
  run(options: BenchOptions, say: (progress: string) => void): Promise<readonly Row[]>;
}

/** Calls in flight, awaited together. */
export const WINDOW = 1000;

/** A burst of WINDOW calls. */
export function windowed(call: () => Promise<unknown>): () => Promise<number> {
  return async () => {
    const calls = new Array<Promise<unknown>>(WINDOW);
    for (let index = 0; index < WINDOW; index++) calls[index] = call();
    await Promise.all(calls);
    return WINDOW;
  };
}

const SINGLES = 20;

/** A burst of calls, each made when the one before is answered. */
export function oneByOne(call: () => Promise<unknown>): () => Promise<number> {
  return async () => {
    for (let index = 0; index < SINGLES; index++) await call();
    return SINGLES;
  };
}
