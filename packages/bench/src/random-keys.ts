/** Keys of players, in an order that no cache can guess; the same in every run. */

/** `player` and six digits or more: 12 bytes. */
export function playerName(number: number): string {
  return `player${number.toString().padStart(6, '0')}`;
}

export function playerNames(count: number): string[] {
  return Array.from({ length: count }, (_, number) => playerName(number));
}

/** A generator of whole numbers below `limit` (xorshift32), cheap beside what is measured. */
export function randomNumbers(limit: number, seed = 0x9e3779b9): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
