/**
 * A sequence in two words, which any thread reads without waiting for the other half: its low 32 bits, and how many times
 * 2³¹ it holds. One bit of the two says the same, and that makes them readable while they change:
 *   1. the writer stores the halves first, then the low bits (both by Atomics.store, or under the rollback journal);
 *   2. a reader loads the low bits first, then the halves, which then are those that belong to them or newer ones;
 *   3. so the sequence lies within 2³¹ of what the halves say, on whichever side, and the low bits alone decide.
 * With a high word of 32 bits the moment before a wrap (old low bits, new high word) would read as 2³² too much.
 */
const HALF = 2_147_483_648;

/** Observe: pairs with the store of the low word. Wait-free. */
export function loadSequence(i32: Int32Array, lowAt: number, halvesAt: number): number {
  const low = Atomics.load(i32, lowAt);
  const base = Atomics.load(i32, halvesAt) * HALF;
  return base + ((low - (base | 0)) | 0);
}

/** What the word beside the low bits holds for a sequence. */
export function halvesOf(sequence: number): number {
  return Math.floor(sequence / HALF);
}
