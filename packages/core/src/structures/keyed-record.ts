/**
 * What records of all structures have in common, so that one hash index serves them:
 *
 * ```
 * [hash, access stamp, meta, blob references…, (timer node), further words…, key bytes…]
 *    meta = key bytes (bits 0–10) | blob references (bits 11–17) | flags of the owner (bits 18–23) | check (bits 24–31)
 * ```
 *
 * The key starts at a word that is the same for all records of a structure and is padded with zero bytes to whole words.
 * Blob references stand first, so that a record can be freed without knowing its shape. A blob is [bytes | flags, bytes…, check].
 * A record is immutable once it is published, except two things. Its access stamp, masked by the hash (`stampMask`), is
 * changed by whoever reads it. Its node of the timer wheel, where it has one (timer-node.ts), is the writer's alone.
 */
import type { KeyBytes } from '../hash/key-bytes.ts';
import type { Heap } from '../memory/heap.ts';
import { NODE_WORDS } from './timer-wheel/timer-node.ts';

export const RECORD_HASH = 0;
export const RECORD_STAMP = 1;
export const RECORD_META = 2;
/** First word that belongs to the shape; blob references come first. */
export const RECORD_HEAD_WORDS = 3;

/** Keys have at most 1,024 bytes. */
export const KEY_BYTES_MASK = 0x7ff;
export const BLOB_COUNT_SHIFT = 11;
export const BLOB_COUNT_MAX = 0x7f;
/** First of the 6 meta bits that the owner may use. */
export const RECORD_FLAG_SHIFT = 18;
export const RECORD_FLAG_COUNT = 6;
const CHECK_SHIFT = 24;
const CHECK_CLEARED = 0xffffff;

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

/**
 * Writes the check of a record that is filled: all its bytes, XORed, but for the access stamp and the timer node (at `nodeAt`; 0
 * for none). So any one byte that changes is found, at the price of one instruction a word. Before the record is published.
 */
export function sealRecord(i32: Int32Array, ref: number, words: number, nodeAt: number): void {
  const meta = (i32[ref + RECORD_META] as number) & CHECK_CLEARED;
  i32[ref + RECORD_META] = meta;
  i32[ref + RECORD_META] = meta | (foldBytes(xorOfRecord(i32, ref, words, nodeAt)) << CHECK_SHIFT);
}

/** Marks a sealed record as damaged by what its original was: a copy is no better. */
export function carryDifference(i32: Int32Array, ref: number, difference: number): void {
  if (difference !== 0) i32[ref + RECORD_META] = (i32[ref + RECORD_META] as number) ^ (difference << CHECK_SHIFT);
}

/**
 * Seals a copy of a record in which words of the owner were changed, and which is no better than its original: `originalBits` are
 * all words of that one but its stamp, XORed. What was copied as it was cancels out, a timer node too: the check changes by what the
 * changed words do.
 */
export function sealCopy(i32: Int32Array, ref: number, words: number, originalBits: number): void {
  let bits = originalBits ^ (i32[ref] as number);
  for (let at = ref + RECORD_META, end = ref + words; at < end; at++) bits ^= i32[at] as number;
  i32[ref + RECORD_META] = (i32[ref + RECORD_META] as number) ^ (foldBytes(bits) << CHECK_SHIFT);
}

/** True when no single byte of the record, whose words are within reach, has changed since it was sealed. */
export function isSealIntact(i32: Int32Array, ref: number, words: number, nodeAt: number): boolean {
  return sealDifference(i32, ref, words, nodeAt) === 0;
}

/** By what a byte differs from what was sealed, when one does; 0 when none does. */
export function sealDifference(i32: Int32Array, ref: number, words: number, nodeAt: number): number {
  // The check's own byte makes it zero.
  return foldBytes(xorOfRecord(i32, ref, words, nodeAt));
}

/** Node words are not read: they change while another thread looks for damage. */
function xorOfRecord(i32: Int32Array, ref: number, words: number, nodeAt: number): number {
  let bits = i32[ref] as number;
  const end = ref + words;
  let at = ref + RECORD_META;
  if (nodeAt !== 0) {
    for (; at < ref + nodeAt; at++) bits ^= i32[at] as number;
    at += NODE_WORDS;
  }
  for (; at < end; at++) bits ^= i32[at] as number;
  return bits;
}

/** The four bytes of a word, XORed. */
export function foldBytes(word: number): number {
  const half = word ^ (word >>> 16);
  return (half ^ (half >>> 8)) & 0xff;
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
