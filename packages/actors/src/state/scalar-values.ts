/** Scalars between JavaScript and the words of a record. */
import {
  type Heap,
  InvalidArgumentError,
  PackReader,
  PackWriter,
  type RecordDraft,
  readBool,
  readByteLength,
  readByteOffset,
  readF64,
  readI32,
  readValue,
  writeValue,
} from '@spacegrid/core';
import type { ScalarSlot } from './state-layout.ts';

// Without the option a text that begins with U+FEFF loses it.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** A checked value, as the draft takes it: packed ones as bytes. Throws InvalidArgumentError naming the field. */
export function checkScalar(slot: ScalarSlot, value: unknown): unknown {
  const { kind } = slot.field;
  switch (kind) {
    case 'f64':
      if (typeof value === 'number') return value;
      break;
    case 'u32':
      if (typeof value === 'number' && value >>> 0 === value) return value;
      break;
    case 'i32':
      if (typeof value === 'number' && (value | 0) === value) return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'text':
      if (typeof value === 'string' && value.isWellFormed()) return value;
      break;
    default: {
      const writer = PackWriter.growing();
      writeValue(writer, value);
      return writer.written();
    }
  }
  throw new InvalidArgumentError(`the field ${slot.name} is ${kind}: ${describeValue(value)} does not fit`);
}

/** Puts a checked value in a draft. */
export function draftScalar(draft: RecordDraft, slot: ScalarSlot, checked: unknown): void {
  const field = slot.record;
  switch (field.kind) {
    case 'f64':
      draft.setF64(field, checked as number);
      break;
    case 'bool':
      draft.setBool(field, checked as boolean);
      break;
    case 'text':
      draft.setText(field, checked as string);
      break;
    case 'packed':
      draft.setBytes(field, checked as Uint8Array);
      break;
    default:
      draft.setInt(field, checked as number);
  }
}

/** Puts a checked value of fixed width in a record that nobody can reach yet. */
export function storeScalar(heap: Heap, record: number, slot: ScalarSlot, checked: unknown): void {
  const field = slot.record;
  const word = record + field.at;
  if (field.kind === 'f64') {
    heap.f64[word >>> 1] = checked as number;
  } else if (field.kind === 'bool') {
    const flags = heap.i32[word] as number;
    heap.i32[word] = checked === true ? flags | field.mask : flags & ~field.mask;
  } else {
    heap.i32[word] = checked as number;
  }
}

/** What a getter gives back for a checked value that is not stored yet. */
export function uncheck(slot: ScalarSlot, checked: unknown): unknown {
  return slot.field.kind === 'packed' ? readValue(new PackReader(checked as Uint8Array), true) : checked;
}

/** Writes scalars, by name's order in the definition, as the value of a row. */
export function writeRowScalars(writer: PackWriter, heap: Heap, record: number, slots: readonly ScalarSlot[]): void {
  for (const slot of slots) {
    const field = slot.record;
    if (field.kind === 'packed' || field.kind === 'text') {
      // A byte array either way: its length alone is read twice.
      const length = readByteLength(heap, record, field);
      if (length < 0) {
        writer.varint(0);
        continue;
      }
      writer.varint(length + 1);
      writer.raw(heap.u8, readByteOffset(heap, record, field), length);
    } else if (field.kind === 'f64') {
      writer.f64(readF64(heap, record, field));
    } else if (field.kind === 'bool') {
      writer.u8(readBool(heap, record, field) ? 1 : 0);
    } else {
      writer.i32(readI32(heap, record, field));
    }
  }
}

export function rowScalarBytesMax(heap: Heap, record: number, slots: readonly ScalarSlot[]): number {
  let bytes = 0;
  for (const slot of slots) {
    const { kind } = slot.record;
    bytes +=
      kind === 'packed' || kind === 'text'
        ? 5 + Math.max(0, readByteLength(heap, record, slot.record))
        : kind === 'f64'
          ? 8
          : 4;
  }
  return bytes;
}

/** Fills a draft from a row's value. */
export function draftFromRow(draft: RecordDraft, from: PackReader, slots: readonly ScalarSlot[]): void {
  for (const slot of slots) {
    const field = slot.record;
    if (field.kind === 'packed' || field.kind === 'text') {
      const length = from.varint();
      // The draft may have been loaded from what an older row left.
      if (length === 0) draft.clearBlob(field);
      else if (field.kind === 'packed') draft.setBytes(field, from.raw(length - 1));
      else draft.setText(field, utf8.decode(from.raw(length - 1)));
    } else if (field.kind === 'f64') {
      draft.setF64(field, from.f64());
    } else if (field.kind === 'bool') {
      draft.setBool(field, from.u8() !== 0);
    } else {
      draft.setInt(field, from.i32());
    }
  }
}

function describeValue(value: unknown): string {
  return typeof value === 'string' ? `a text of ${value.length} characters` : String(value);
}
