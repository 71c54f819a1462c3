/** Medians and ratios of what the rounds gave. */
import type { Sample } from './rounds.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median, least and most of at least one number. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
  return { median, min: sorted[0] as number, max: sorted[sorted.length - 1] as number };
}

/** Our rate divided by the peer's, round by round: what disturbed one round disturbed both. */
export function ratioOf(ours: readonly number[], peers: readonly number[]): Spread {
  if (ours.length !== peers.length) throw new RangeError('both have one figure for each round');
  return spreadOf(ours.map((value, round) => value / (peers[round] as number)));
}

/** Operations a second. */
export function rates(samples: readonly Sample[]): number[] {
  return samples.map(({ operations, seconds }) => operations / seconds);
}

/** Operations per second of processor time, all threads together. */
export function ratesPerCpu(samples: readonly Sample[]): number[] {
  return samples.map(({ operations, seconds, cpuSeconds }) => operations / (cpuSeconds > 0 ? cpuSeconds : seconds));
}
