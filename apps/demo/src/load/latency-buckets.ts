/**
 * Latencies counted in buckets that grow by a twentieth, so that counts of several threads add up and a percentile is off by
 * at most 5 %.
 */

const LEAST_MS = 0.001;
const GROWTH = Math.log(1.05);
/** Up to 0.001 ms · 1.05⁴⁰⁰ = 300 s. */
const BUCKETS = 400;

export function createBuckets(): Uint32Array {
  return new Uint32Array(BUCKETS);
}

export function record(buckets: Uint32Array, ms: number): void {
  const bucket = Math.ceil(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / GROWTH);
  const index = Math.min(BUCKETS - 1, bucket);
  buckets[index] = (buckets[index] ?? 0) + 1;
}

/** Adds the counts of one to those of another. */
export function addBuckets(sum: Uint32Array, counts: Uint32Array): void {
  for (let bucket = 0; bucket < BUCKETS; bucket++) sum[bucket] = (sum[bucket] ?? 0) + (counts[bucket] ?? 0);
}

/** The latency that `share` (0 to 1) of the calls did not exceed: the upper bound of its bucket. 0 when nothing was counted. */
export function percentile(buckets: Uint32Array, share: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  let seen = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    seen += buckets[bucket] ?? 0;
    if (seen >= total * share) return LEAST_MS * Math.exp(bucket * GROWTH);
  }
  return LEAST_MS * Math.exp(BUCKETS * GROWTH);
}
