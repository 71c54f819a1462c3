/**
 * The order of members with one score: by arrival and then by bytes, or by bytes alone.
 *
 * A leaf entry carries a hint, the first 32 bits of what decides, so that most ties are settled without touching records,
 * which are cold in a large ranking: the arrival while it is below 2^32 − 1 (later ones share the highest hint), or the
 * first four bytes of the member. Hints compare unsigned; equal ones leave it to the records.
 */
import type { Heap } from '../../memory/heap.ts';
import { keyWords } from '../keyed-record.ts';
import { reach } from '../reach.ts';
import { ARRIVAL_HIGH, ARRIVAL_LOW, keyBytesOf, MEMBER_AT } from './member-record.ts';

/** The hint of a record whose words are within reach. */
export function tieHintOf(i32: Int32Array, record: number, byArrival: boolean): number {
  if (!byArrival) return bigEndian(i32[record + MEMBER_AT] as number) | 0;
  return i32[record + ARRIVAL_HIGH] === 0 ? (i32[record + ARRIVAL_LOW] as number) : -1;
}

/** Negative when the entry (hint `a`, `recordA`) is listed before the other, of the same score; zero for the same record. */
export function compareTies(
  heap: Heap,
  hintA: number,
  recordA: number,
  hintB: number,
  recordB: number,
  byArrival: boolean,
): number {
  if (hintA !== hintB) return (hintA >>> 0) - (hintB >>> 0);
  if (recordA === recordB) return 0;
  reach(heap, recordA, MEMBER_AT);
  reach(heap, recordB, MEMBER_AT);
  const byTime = byArrival ? compareArrivals(heap.i32, recordA, recordB) : 0;
  return byTime !== 0 ? byTime : compareMembers(heap, recordA, recordB);
}

function compareArrivals(i32: Int32Array, a: number, b: number): number {
  const high = (i32[a + ARRIVAL_HIGH] as number) - (i32[b + ARRIVAL_HIGH] as number);
  if (high !== 0) return high;
  return ((i32[a + ARRIVAL_LOW] as number) >>> 0) - ((i32[b + ARRIVAL_LOW] as number) >>> 0);
}

/** Compares bytes, the shorter first where one begins the other. Padding is zero, so whole words compare alike. */
function compareMembers(heap: Heap, a: number, b: number): number {
  const lengthA = keyBytesOf(heap.i32, a);
  const lengthB = keyBytesOf(heap.i32, b);
  const words = keyWords(Math.min(lengthA, lengthB));
  reach(heap, a, MEMBER_AT + words);
  reach(heap, b, MEMBER_AT + words);
  const i32 = heap.i32;
  for (let word = MEMBER_AT; word < MEMBER_AT + words; word++) {
    const left = i32[a + word] as number;
    const right = i32[b + word] as number;
    if (left !== right) return bigEndian(left) - bigEndian(right);
  }
  return lengthA - lengthB;
}

function bigEndian(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
