/**
 * Text and bytes of any length beside a record: a block [byte length | encoding, bytes…, check]. Immutable once published; freed with
 * the record that refers to it, or when a later record takes another.
 */
import { latin1Slice, utf8Length, utf8Slice, utf8Write, utf16Slice, utf16Write } from '../codec/buffer-text.ts';
import { shortText } from '../codec/short-text.ts';
import { VALUE_BYTES_MAX } from '../codec/value-limits.ts';
import type { Heap } from '../memory/heap.ts';
import { throwStaleRead } from '../memory/stale-read-error.ts';
import { unitsOfBlock } from './block-units.ts';
import { foldBytes } from './keyed-record.ts';
import { reach } from './reach.ts';

/** 26 bits: a text with half surrogate pairs takes up to twice its UTF-8. */
const LENGTH_MASK = 0x3ffffff;
const LENGTH_MAX: number = VALUE_BYTES_MAX * 2;
const ASCII = 0x40000000;
const UTF16 = 0x20000000;
/** Up to here building a text in JavaScript is faster than a call into Node. */
const SHORT_TEXT_BYTES_MAX = 12;

/** A fresh blob of these bytes. Writer only. */
export function newBytesBlob(heap: Heap, bytes: Uint8Array): number {
  const blob = heap.alloc(blobWords(bytes.length));
  heap.i32[blob] = bytes.length;
  heap.u8.set(bytes, blobOffset(blob));
  seal(heap, blob, bytes.length);
  return blob;
}

/** A fresh blob of a text: UTF-8, or UTF-16 where that can't hold it (half surrogate pairs). Writer only. */
export function newTextBlob(heap: Heap, text: string): number {
  const units = text.length;
  const utf8Bytes = utf8Length(text);
  if (utf8Bytes !== units && !text.isWellFormed()) {
    const blob = heap.alloc(blobWords(units * 2));
    heap.i32[blob] = (units * 2) | UTF16;
    utf16Write(heap.u8, text, blobOffset(blob));
    seal(heap, blob, units * 2);
    return blob;
  }
  const blob = heap.alloc(blobWords(utf8Bytes));
  heap.i32[blob] = utf8Bytes === units ? utf8Bytes | ASCII : utf8Bytes;
  if (utf8Bytes !== 0) utf8Write(heap.u8, text, blobOffset(blob), utf8Bytes);
  seal(heap, blob, utf8Bytes);
  return blob;
}

/** Bytes of the blob at `ref`, all of them made reachable for this thread. */
export function blobByteLength(heap: Heap, ref: number): number {
  reach(heap, ref, 1);
  const length = (heap.i32[ref] as number) & LENGTH_MASK;
  if (length > LENGTH_MAX) throwStaleRead();
  reach(heap, ref, blobWords(length));
  return length;
}

export function blobText(heap: Heap, ref: number): string {
  const length = blobByteLength(heap, ref);
  const head = heap.i32[ref] as number;
  const from = blobOffset(ref);
  if (length === 0) return '';
  if ((head & ASCII) !== 0) {
    return length <= SHORT_TEXT_BYTES_MAX
      ? shortText(heap.u8, from, length)
      : latin1Slice(heap.u8, from, from + length);
  }
  return (head & UTF16) !== 0 ? utf16Slice(heap.u8, from, from + length) : utf8Slice(heap.u8, from, from + length);
}

/** Offset in `heap.u8` of the blob's first byte. */
export function blobOffset(ref: number): number {
  return (ref + 1) * 4;
}

export function unitsOfBlob(heap: Heap, ref: number): number {
  return unitsOfBlock(blobWords((heap.i32[ref] as number) & LENGTH_MASK));
}

/** Units that a blob of this text or these bytes will take. */
export function unitsOfNewBlob(value: string | Uint8Array): number {
  if (typeof value !== 'string') return unitsOfBlock(blobWords(value.length));
  const utf8Bytes = utf8Length(value);
  const isWhole = utf8Bytes === value.length || value.isWellFormed();
  return unitsOfBlock(blobWords(isWhole ? utf8Bytes : value.length * 2));
}

/** True when no single byte of the blob has changed since it was written. Throws StaleReadError for a length that can't be. */
export function isBlobIntact(heap: Heap, ref: number): boolean {
  const words = blobWords(blobByteLength(heap, ref));
  const { i32 } = heap;
  let bits = 0;
  for (let at = ref; at < ref + words; at++) bits ^= i32[at] as number;
  // The check's own byte makes it zero.
  return foldBytes(bits) === 0;
}

/** Writes the check behind the bytes: all bytes of the blob XORed, and zeros up to the word's end. */
function seal({ i32 }: Heap, blob: number, byteLength: number): void {
  const last = blob + 1 + (byteLength >>> 2);
  const tailBits = (byteLength & 3) << 3;
  const tail = (i32[last] as number) & ((1 << tailBits) - 1);
  let bits = tail;
  for (let at = blob; at < last; at++) bits ^= i32[at] as number;
  i32[last] = tail | (foldBytes(bits) << tailBits);
}

/** The check takes one byte more. */
function blobWords(byteLength: number): number {
  return 1 + ((byteLength + 4) >>> 2);
}
