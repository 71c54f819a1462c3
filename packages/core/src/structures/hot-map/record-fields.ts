/**
 * Reads fields of a published record, on any thread that found it under its pin. Numbers and bools allocate nothing. `find`
 * has made all fixed words reachable; blobs are bounds-checked here.
 */
import type { Heap } from '../../memory/heap.ts';
import { blobByteLength, blobOffset, blobText } from '../blob.ts';
import type { RecordField } from './record-shape.ts';

export function readF64(heap: Heap, record: number, field: RecordField): number {
  return heap.f64[(record + field.at) >>> 1] as number;
}

export function readI32(heap: Heap, record: number, field: RecordField): number {
  return heap.i32[record + field.at] as number;
}

export function readU32(heap: Heap, record: number, field: RecordField): number {
  return (heap.i32[record + field.at] as number) >>> 0;
}

export function readBool(heap: Heap, record: number, field: RecordField): boolean {
  return ((heap.i32[record + field.at] as number) & field.mask) !== 0;
}

export function readText(heap: Heap, record: number, field: RecordField): string {
  const blob = heap.i32[record + field.at] as number;
  return blob === 0 ? (field.initial as string) : blobText(heap, blob);
}

/** Bytes of a text or packed field's value; −1 while it is the initial one. */
export function readByteLength(heap: Heap, record: number, field: RecordField): number {
  const blob = heap.i32[record + field.at] as number;
  return blob === 0 ? -1 : blobByteLength(heap, blob);
}

/** Offset in `heap.u8` of that value's first byte. Call `readByteLength` first: it makes them reachable. */
export function readByteOffset(heap: Heap, record: number, field: RecordField): number {
  return blobOffset(heap.i32[record + field.at] as number);
}
