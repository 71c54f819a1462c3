/**
 * What records of all structures have in common, so that one hash index serves them:
 *
 * ```
 * [hash, access stamp, meta, blob references…, (timer node), further words…, key bytes…]
 *    meta = key bytes (bits 0–10) | blob references (bits 11–17) | flags of the owner (bits 18–31)
 * ```
 *
 * The key starts at a word that is the same for all records of a structure and is padded with zero bytes to whole words.
 * Blob references stand first, so that a record can be freed without knowing its shape. A blob is [bytes | flags, bytes…].
 * A record is immutable once it is published, except two things. Its access stamp, masked by the hash (`stampMask`), is
 * changed by whoever reads it. Its node of the timer wheel, where it has one (timer-node.ts), is the writer's alone.
 */
import type { KeyBytes } from '../hash/key-bytes.ts';
import type { Heap } from '../memory/heap.ts';

export const RECORD_HASH = 0;
export const RECORD_STAMP = 1;
export const RECORD_META = 2;
/** First word that belongs to the shape; blob references come first. */
export const RECORD_HEAD_WORDS = 3;

/** Keys have at most 1,024 bytes. */
export const KEY_BYTES_MASK = 0x7ff;
export const BLOB_COUNT_SHIFT = 11;
export const BLOB_COUNT_MAX = 0x7f;
/** First of the 14 meta bits that the owner may use. */
export const RECORD_FLAG_SHIFT = 18;
export const RECORD_FLAG_COUNT = 14;

/**
 * Access stamps are kept XORed with this. Reader threads change a stamp by compare-and-set from the value that they read while
 * their pin held. Should the block be freed and reused in between, the word would have to hold by chance the same 32 bits,
 * and masked stamps are as good as random: the compare fails, and nothing of another block is overwritten.
 */
export function stampMask(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ 0x5bd1e995;
}

export function keyWords(keyBytes: number): number {
  return (keyBytes + 3) >>> 2;
}

/** Writes the key's bytes from word `at` on, padded with zeros. Plain stores: for a block that no reader can reach yet. */
export function writeKey(i32: Int32Array, at: number, key: KeyBytes): void {
  const bytes = key.bytes;
  const end = key.offset + key.length;
  let from = key.offset;
  let word = at;
  for (; from + 4 <= end; from += 4) i32[word++] = wordAt(bytes, from);
  if (from < end) i32[word] = lastWordAt(bytes, from, end - from);
}

/** True when the record at `ref`, whose words the caller has reached, holds this key. */
export function recordHasKey(
  i32: Int32Array,
  ref: number,
  keyAt: number,
  hash: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  if (i32[ref] !== hash || ((i32[ref + RECORD_META] as number) & KEY_BYTES_MASK) !== length) return false;
  const end = offset + length;
  let from = offset;
  let word = ref + keyAt;
  for (; from + 4 <= end; from += 4) {
    if (i32[word++] !== wordAt(bytes, from)) return false;
  }
  return from === end || i32[word] === lastWordAt(bytes, from, end - from);
}

/** The node of the timer wheel in a record that has one. */
export function nodeOf(i32: Int32Array, ref: number): number {
  return ref + RECORD_HEAD_WORDS + (((i32[ref + RECORD_META] as number) >>> BLOB_COUNT_SHIFT) & BLOB_COUNT_MAX);
}

/** Frees a record with its blobs, when the turn commits. Returns how many blocks that were. */
export function freeRecord(heap: Heap, ref: number): number {
  const i32 = heap.i32;
  const blobs = ((i32[ref + RECORD_META] as number) >>> BLOB_COUNT_SHIFT) & BLOB_COUNT_MAX;
  let freed = 1;
  for (let at = ref + RECORD_HEAD_WORDS, end = at + blobs; at < end; at++) {
    const blob = i32[at] as number;
    if (blob === 0) continue;
    heap.free(blob);
    freed++;
  }
  heap.free(ref);
  return freed;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function lastWordAt(bytes: Uint8Array, at: number, length: number): number {
  let word = bytes[at] as number;
  if (length > 1) word |= (bytes[at + 1] as number) << 8;
  if (length > 2) word |= (bytes[at + 2] as number) << 16;
  return word;
}
