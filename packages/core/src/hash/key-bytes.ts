/** Keys as bytes of UTF-8 with their hash, computed once and carried along. */
import { InvalidKeyError } from '../errors/grid-errors.ts';
import { xxh32 } from './xxh32.ts';

export interface KeyBytes {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** XXH32 with the grid's seed, as a signed 32-bit number. */
  readonly hash: number;
}

/** Longest key in bytes of UTF-8. */
export const KEY_BYTES_MAX = 1024;

/** A reusable KeyBytes: `set` overwrites what it held, and allocates nothing. */
export class KeyScratch implements KeyBytes {
  bytes: Uint8Array;
  offset: number;
  length: number;
  hash: number;
  readonly seed: number;
  private readonly own: Buffer;

  constructor(seed: number) {
    this.seed = seed;
    this.own = Buffer.alloc(KEY_BYTES_MAX);
    this.bytes = this.own;
    this.offset = 0;
    this.length = 0;
    this.hash = 0;
  }

  /** Encodes and hashes a key. Throws InvalidKeyError for an empty, too long or ill-formed one. */
  set(key: string): this {
    const own = this.own;
    this.bytes = own;
    this.offset = 0;
    const units = key.length;
    if (units === 0 || units > KEY_BYTES_MAX) refuse(key);
    let at = 0;
    for (; at < units; at++) {
      const code = key.charCodeAt(at);
      if (code > 0x7f) break;
      own[at] = code;
    }
    this.length = at === units ? units : this.encode(key);
    this.hash = xxh32(own, 0, this.length, this.seed);
    return this;
  }

  /** Points at bytes elsewhere, whose hash is known. */
  point(bytes: Uint8Array, offset: number, length: number, hash: number): this {
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
    this.hash = hash;
    return this;
  }

  /** Points at bytes elsewhere and hashes them. */
  pointAndHash(bytes: Uint8Array, offset: number, length: number): this {
    return this.point(bytes, offset, length, xxh32(bytes, offset, length, this.seed));
  }

  private encode(key: string): number {
    if (!key.isWellFormed()) refuse(key);
    const length = Buffer.byteLength(key);
    if (length > KEY_BYTES_MAX) refuse(key);
    return this.own.utf8Write(key, 0, length);
  }
}

/** A lasting copy of a key. */
export function keyOf(key: string, seed: number): KeyBytes {
  const scratch = new KeyScratch(seed).set(key);
  return { bytes: scratch.bytes.slice(0, scratch.length), offset: 0, length: scratch.length, hash: scratch.hash };
}

/** The partition of a key's hash. */
export function partitionOf(hash: number, partitions: number): number {
  return (hash >>> 0) % partitions;
}

function refuse(key: string): never {
  if (typeof key !== 'string') throw new InvalidKeyError(`a key is a text, not ${typeof key}`);
  if (key.length === 0) throw new InvalidKeyError('a key has at least one character');
  if (!key.isWellFormed()) throw new InvalidKeyError('a key is well-formed Unicode: this one has half of a surrogate pair');
  throw new InvalidKeyError(`a key has at most ${KEY_BYTES_MAX} bytes of UTF-8: this one has ${Buffer.byteLength(key)}`);
}
