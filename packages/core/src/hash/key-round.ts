import type { KeyBatch } from '../structures/hash-index/batch-finder.ts';
import { KEY_BYTES_MAX, type KeyScratch } from './key-bytes.ts';

/** Most keys of a round: buckets and records of so many fit the first-level cache. */
export const KEY_ROUND_MAX = 64;

/** Some of many keys, encoded and hashed for one `findMany`. Reused from round to round; allocates nothing. */
export class KeyRound implements KeyBatch {
  count: number;
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly hashes: Int32Array;
  /** Where `findMany` puts the records of the round's keys. */
  readonly refs: Int32Array;

  constructor() {
    this.count = 0;
    this.bytes = new Uint8Array(KEY_ROUND_MAX * KEY_BYTES_MAX);
    this.offsets = new Int32Array(KEY_ROUND_MAX);
    this.lengths = new Int32Array(KEY_ROUND_MAX);
    this.hashes = new Int32Array(KEY_ROUND_MAX);
    this.refs = new Int32Array(KEY_ROUND_MAX);
  }

  /** Takes keys from `first` on, as many as fit, and returns how many. Throws InvalidKeyError. */
  take(keys: readonly string[], first: number, scratch: KeyScratch): number {
    const count = Math.min(KEY_ROUND_MAX, keys.length - first);
    let end = 0;
    for (let index = 0; index < count; index++) {
      const key = scratch.set(keys[first + index] as string);
      const { bytes } = this;
      for (let at = 0; at < key.length; at++) bytes[end + at] = key.bytes[at] as number;
      this.offsets[index] = end;
      this.lengths[index] = key.length;
      this.hashes[index] = key.hash;
      end += key.length;
    }
    this.count = count;
    return count;
  }
}
