/** Hashes by which two sides compare rows without sending them. Not stored: both sides are of one version. */
import { xxh32 } from '../hash/xxh32.ts';

const KEY_SEED = 0x56524659;

/** Of a row's key: unsigned, 32 bits. Its highest 8 bits are the row's range. */
export function rowKeyHash(bytes: Uint8Array, from: number, length: number): number {
  return xxh32(bytes, from, length, KEY_SEED) >>> 0;
}

/** Of a row's value, under the hash of its key: unsigned, 32 bits. */
export function rowValueHash(bytes: Uint8Array, from: number, length: number, keyHash: number): number {
  return xxh32(bytes, from, length, keyHash | 0) >>> 0;
}
