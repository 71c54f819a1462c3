import type { GridHandle } from '@spacegrid/actors';

export interface LoadThreadData {
  readonly grid: GridHandle;
  readonly board: string;
  readonly players: number;
  /** Of this thread. Null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  readonly seed: number;
}

/** To a load thread: to end when all that is under way is answered, or to report now. */
export type LoadOrder = { readonly kind: 'stop' } | { readonly kind: 'report'; readonly id: number };

/** Posted by a load thread about twice a second, when it is asked, and once at its end. */
export interface LoadReport {
  /** Of the order that this answers; 0 for none. */
  readonly id: number;
  /** Points whose submit was acknowledged. */
  readonly acknowledged: number;
  /** Points of all submits that were sent. */
  readonly sent: number;
  readonly failed: number;
  /** Latencies since the report before, in buckets: see latency-buckets.ts. */
  readonly latencies: Uint32Array;
}
