/** Keys as bytes of UTF-8 with their hash, computed once and carried along. */
import { utf8Length, utf8Write } from '../codec/buffer-text.ts';
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

/** A reusable KeyBytes: each method overwrites what it held, and allocates nothing. */
export class KeyScratch implements KeyBytes {
  bytes: Uint8Array;
  offset: number;
  length: number;
  hash: number;
  readonly seed: number;
  private readonly own: Uint8Array;

  constructor(seed: number) {
    this.seed = seed;
    this.own = new Uint8Array(KEY_BYTES_MAX);
    this.bytes = this.own;
    this.offset = 0;
    this.length = 0;
    this.hash = 0;
  }

  /** Encodes and hashes a key. Throws InvalidKeyError for one that is empty, too long, no text or not well-formed. */
  set(key: string): this {
    const length = encodeInto(this.own, key);
    this.bytes = this.own;
    this.offset = 0;
    this.length = length;
    this.hash = xxh32(this.own, 0, length, this.seed);
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
}

/** Encodes and hashes a key into `scratch`, or into a lasting KeyBytes of its own. Throws InvalidKeyError. */
export function encodeKey(key: string, seed: number, scratch?: KeyScratch): KeyBytes {
  if (scratch !== undefined && scratch.seed === seed) return scratch.set(key);
  const bytes = shared.slice(0, encodeInto(shared, key));
  return { bytes, offset: 0, length: bytes.length, hash: xxh32(bytes, 0, bytes.length, seed) };
}

const shared = new Uint8Array(KEY_BYTES_MAX);

/** Writes the key at the start of `own`, which has room for the longest, and returns its bytes. */
function encodeInto(own: Uint8Array, key: string): number {
  const units = typeof key === 'string' ? key.length : 0;
  if (units === 0 || units > KEY_BYTES_MAX) refuse(key);
  let bits = 0;
  for (let at = 0; at < units; at++) {
    const code = key.charCodeAt(at);
    bits |= code;
    own[at] = code;
  }
  return bits <= 0x7f ? units : encodeUnicode(own, key);
}

function encodeUnicode(own: Uint8Array, key: string): number {
  const length = utf8Length(key);
  if (length > KEY_BYTES_MAX || !key.isWellFormed()) refuse(key);
  utf8Write(own, key, 0, length);
  return length;
}

function refuse(key: unknown): never {
  if (typeof key !== 'string')
    throw new InvalidKeyError(
      `a key is a text, not ${key === null || key === undefined ? String(key) : `a ${typeof key}`}`,
    );
  if (key.length === 0) throw new InvalidKeyError('a key has at least one character: this one is empty');
  if (!key.isWellFormed())
    throw new InvalidKeyError('a key is well-formed Unicode: this one has half of a surrogate pair');
  throw new InvalidKeyError(`a key has at most ${KEY_BYTES_MAX} bytes of UTF-8: this one has ${utf8Length(key)}`);
}
