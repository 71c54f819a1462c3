/**
 * The record of a ranked member: immutable, fresh for each update, found by the member index and by the leaf entries.
 *
 * ```
 * [hash, access stamp, meta, arrival low, score f64, arrival high, member bytes…]
 *    meta      keyed-record.ts; its first owner flag says that the member is ASCII
 *    arrival   when the member reached this score: a 53-bit count, split so that a 16-byte name fits 48 bytes in all
 * ```
 */
import { latin1Slice, utf8Slice } from '../../codec/buffer-text.ts';
import { SHORT_TEXT_BYTES_MAX, shortText } from '../../codec/short-text.ts';
import type { KeyBytes } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import {
  carryDifference,
  KEY_BYTES_MASK,
  keyWords,
  RECORD_FLAG_SHIFT,
  RECORD_HASH,
  RECORD_META,
  RECORD_STAMP,
  sealDifference,
  sealRecord,
  writeKey,
} from '../keyed-record.ts';
import { reach } from '../reach.ts';

export const ARRIVAL_LOW = 3;
const SCORE = 4;
export const ARRIVAL_HIGH = 6;
/** Word of the record where the member's bytes begin. */
export const MEMBER_AT = 7;

/** Its parts, as checks of a record want them. */
export const MEMBER_FORM: { readonly keyAt: number; readonly nodeAt: number } = { keyAt: MEMBER_AT, nodeAt: 0 };

const ASCII = 1 << RECORD_FLAG_SHIFT;
const LOW_RANGE = 4_294_967_296;

export function memberRecordWords(keyBytes: number): number {
  return MEMBER_AT + keyWords(keyBytes);
}

/** A fresh record that no reader can reach yet. Writer only. */
export function newMemberRecord(heap: Heap, key: KeyBytes, score: number, arrival: number): number {
  const ref = heap.alloc(memberRecordWords(key.length));
  const i32 = heap.i32;
  i32[ref + RECORD_HASH] = key.hash;
  i32[ref + RECORD_STAMP] = 0;
  writeKey(i32, ref + MEMBER_AT, key);
  let bits = 0;
  for (let at = ref + MEMBER_AT, end = at + keyWords(key.length); at < end; at++) bits |= i32[at] as number;
  i32[ref + RECORD_META] = (bits & 0x80808080) === 0 ? key.length | ASCII : key.length;
  writeStanding(heap, ref, score, arrival);
  sealRecord(i32, ref, memberRecordWords(key.length), 0);
  return ref;
}

/** A fresh record of the same member. Writer only. */
export function copyMemberRecord(heap: Heap, from: number, score: number, arrival: number): number {
  const words = memberRecordWords(keyBytesOf(heap.i32, from));
  const ref = heap.alloc(words);
  heap.i32.copyWithin(ref, from, from + words);
  writeStanding(heap, ref, score, arrival);
  sealRecord(heap.i32, ref, words, 0);
  carryDifference(heap.i32, ref, sealDifference(heap.i32, from, words, 0));
  return ref;
}

function writeStanding(heap: Heap, ref: number, score: number, arrival: number): void {
  heap.f64[(ref + SCORE) >>> 1] = score;
  heap.i32[ref + ARRIVAL_LOW] = (arrival % LOW_RANGE) | 0;
  heap.i32[ref + ARRIVAL_HIGH] = Math.floor(arrival / LOW_RANGE);
}

export function keyBytesOf(i32: Int32Array, ref: number): number {
  return (i32[ref + RECORD_META] as number) & KEY_BYTES_MASK;
}

/** Score of a record whose words are within reach. */
export function scoreOfRecord(heap: Heap, ref: number): number {
  return heap.f64[(ref + SCORE) >>> 1] as number;
}

export function arrivalOfRecord(heap: Heap, ref: number): number {
  return (heap.i32[ref + ARRIVAL_HIGH] as number) * LOW_RANGE + ((heap.i32[ref + ARRIVAL_LOW] as number) >>> 0);
}

export function memberOfRecord(heap: Heap, ref: number): string {
  reach(heap, ref, MEMBER_AT);
  const meta = heap.i32[ref + RECORD_META] as number;
  const keyBytes = meta & KEY_BYTES_MASK;
  reach(heap, ref, memberRecordWords(keyBytes));
  const from = (ref + MEMBER_AT) * 4;
  if ((meta & ASCII) === 0) return utf8Slice(heap.u8, from, from + keyBytes);
  return keyBytes <= SHORT_TEXT_BYTES_MAX
    ? shortText(heap.u8, from, keyBytes)
    : latin1Slice(heap.u8, from, from + keyBytes);
}
