/**
 * The rows of one side as pairs of hashes, 8 bytes a row, in the order of their key hashes: what range digests are made from, and
 * what is compared where these differ. A range is all rows whose key hash has the same highest 8 bits.
 */
import { digest64 } from '../hash/digest64.ts';

export const ROW_RANGES = 256;
const RANGE_SHIFT = 24;
const ROOM_MIN = 256;

export class RowPairs {
  private words: Uint32Array;
  /** Pairs. */
  size: number;

  /** @param words sorted pairs of another RowPairs, as `take` gave them. */
  constructor(words: Uint32Array = new Uint32Array(0)) {
    this.words = words;
    this.size = words.length >>> 1;
  }

  add(keyHash: number, valueHash: number): void {
    const at = this.size * 2;
    if (at === this.words.length) {
      const grown = new Uint32Array(Math.max(ROOM_MIN, at * 2));
      grown.set(this.words);
      this.words = grown;
    }
    // The higher half of a 64-bit number on little-endian machines: it decides the order.
    this.words[at] = valueHash;
    this.words[at + 1] = keyHash;
    this.size++;
  }

  /** Forgets what was added behind `size`. */
  truncate(size: number): void {
    this.size = size;
  }

  keyHash(index: number): number {
    return this.words[index * 2 + 1] as number;
  }

  valueHash(index: number): number {
    return this.words[index * 2] as number;
  }

  /** Sorts by key hash, then value hash; of equal pairs one stays. */
  sort(): void {
    new BigUint64Array(this.words.buffer, this.words.byteOffset, this.size).sort();
    let kept = 0;
    for (let index = 0; index < this.size; index++) {
      const key = this.keyHash(index);
      const value = this.valueHash(index);
      if (kept > 0 && this.keyHash(kept - 1) === key && this.valueHash(kept - 1) === value) continue;
      this.words[kept * 2] = value;
      this.words[kept * 2 + 1] = key;
      kept++;
    }
    this.size = kept;
  }

  /** Those whose key hash is not in `excluded`, which is sorted. Of sorted pairs. */
  without(excluded: Uint32Array): RowPairs {
    const left = new RowPairs();
    let next = 0;
    for (let index = 0; index < this.size; index++) {
      const key = this.keyHash(index);
      while (next < excluded.length && (excluded[next] as number) < key) next++;
      if (excluded[next] !== key) left.add(key, this.valueHash(index));
    }
    return left;
  }

  /** XXH64 of each range's pairs. Of sorted pairs. */
  digests(): BigUint64Array {
    const digests = new BigUint64Array(ROW_RANGES);
    for (let range = 0; range < ROW_RANGES; range++) {
      const pairs = this.range(range);
      digests[range] = digest64(new Uint8Array(pairs.buffer, pairs.byteOffset, pairs.byteLength));
    }
    return digests;
  }

  /** The pairs of a range: a view. Of sorted pairs. */
  range(range: number): Uint32Array {
    return this.words.subarray(this.first(range) * 2, this.first(range + 1) * 2);
  }

  /** Index of the first pair of a key hash; −1 when there is none. Of sorted pairs. */
  find(keyHash: number): number {
    const at = this.lowerBound(keyHash);
    return at < this.size && this.keyHash(at) === keyHash ? at : -1;
  }

  /** Of sorted pairs. */
  has(keyHash: number, valueHash: number): boolean {
    for (let at = this.find(keyHash); at >= 0 && at < this.size && this.keyHash(at) === keyHash; at++)
      if (this.valueHash(at) === valueHash) return true;
    return false;
  }

  /** All pairs, as a copy that can be posted. */
  take(): Uint32Array {
    return this.words.slice(0, this.size * 2);
  }

  private first(range: number): number {
    return range >= ROW_RANGES ? this.size : this.lowerBound(range * 2 ** RANGE_SHIFT);
  }

  private lowerBound(keyHash: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keyHash(middle) < keyHash) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Key hashes of pairs that one side has and the other has not. Both sorted. */
export function differingKeys(one: RowPairs, other: RowPairs): number[] {
  const keys = new Set<number>();
  let a = 0;
  let b = 0;
  while (a < one.size || b < other.size) {
    const order =
      a === one.size
        ? 1
        : b === other.size
          ? -1
          : one.keyHash(a) - other.keyHash(b) || one.valueHash(a) - other.valueHash(b);
    if (order < 0) keys.add(one.keyHash(a++));
    else if (order > 0) keys.add(other.keyHash(b++));
    else {
      a++;
      b++;
    }
  }
  return [...keys];
}
