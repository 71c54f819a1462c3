/** Binary searches in a run of ascending keys, `n` doubles from index `at` on. */

/** How many keys are below `key`. */
export function countBelow(f64: Float64Array, at: number, n: number, key: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((f64[at + middle] as number) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many keys are at most `key`. */
export function countUpTo(f64: Float64Array, at: number, n: number, key: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((f64[at + middle] as number) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
