/** The partition of a key's hash (signed or not). Fixed for the life of a grid: stored data is spread by it. */
export function partitionOf(hash: number, partitions: number): number {
  return (hash >>> 0) % partitions;
}
