import type { GridHandle } from '@spacegrid/actors';

export interface LoadThreadData {
  readonly grid: GridHandle;
  readonly board: string;
  readonly players: number;
  /** Null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  readonly seed: number;
}

/** Posted by a load thread about twice a second, and once at its end. */
export interface LoadReport {
  /** Points whose submit was acknowledged. */
  readonly acknowledged: number;
  readonly failed: number;
  readonly submits: number;
  /** Latencies of the period, by upper bound of their bucket: [ms, count]. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly ended: boolean;
}
