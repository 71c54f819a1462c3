/** Records as plain objects: what the convenient half of HotMap takes and gives. */
import { PackReader } from '../../codec/pack-reader.ts';
import { PackWriter } from '../../codec/pack-writer.ts';
import { decodeValue, readValue } from '../../codec/read-value.ts';
import { writeValue } from '../../codec/write-value.ts';
import { InvalidArgumentError } from '../../errors/grid-errors.ts';
import type { Heap } from '../../memory/heap.ts';
import { blobByteLength, blobOffset } from '../blob.ts';
import type { RecordDraft } from './record-draft.ts';
import { readBool, readF64, readI32, readText, readU32 } from './record-fields.ts';
import type { RecordField, RecordShape } from './record-shape.ts';

const reader = new PackReader(new Uint8Array(0));

export type RecordObject = { [name: string]: unknown };

/** A fresh object with all fields of the record, in the order of their description. Packed values are deeply frozen. */
export function recordToObject(heap: Heap, shape: RecordShape, record: number): RecordObject {
  const object: RecordObject = {};
  for (const field of shape.fields) object[field.name] = readField(heap, record, field);
  return object;
}

/** The value of a field that a record does not hold; packed ones are copies, deeply frozen like those that it does. */
export function initialValue({ initial, initialBytes }: RecordField): unknown {
  return initialBytes === undefined ? initial : decodeValue(initialBytes, true);
}

/** The value of any field; packed ones come deeply frozen. */
export function readField(heap: Heap, record: number, field: RecordField): unknown {
  switch (field.kind) {
    case 'f64':
      return readF64(heap, record, field);
    case 'u32':
      return readU32(heap, record, field);
    case 'i32':
      return readI32(heap, record, field);
    case 'bool':
      return readBool(heap, record, field);
    case 'text':
      return readText(heap, record, field);
    case 'packed':
      return readPacked(heap, record, field);
  }
}

/** Sets the fields that `object` has. Throws InvalidArgumentError for a field that is not described or of another kind. */
export function fillDraft(draft: RecordDraft, object: RecordObject): void {
  for (const name of Object.keys(object)) {
    const field = draft.shape.field(name);
    if (field === undefined) throw new InvalidArgumentError(`there is no field ${name} in the record`);
    setField(draft, field, object[name]);
  }
}

/** Sets a field from a value of any kind. Throws InvalidArgumentError when it is not of the field's. */
export function setField(draft: RecordDraft, field: RecordField, value: unknown): void {
  switch (field.kind) {
    case 'f64':
      if (typeof value !== 'number') refuse(field, value, 'a number');
      draft.setF64(field, value);
      return;
    case 'u32':
      if (typeof value !== 'number' || value >>> 0 !== value)
        refuse(field, value, 'a whole number from 0 to 4294967295');
      draft.setInt(field, value);
      return;
    case 'i32':
      if (typeof value !== 'number' || (value | 0) !== value) {
        refuse(field, value, 'a whole number from -2147483648 to 2147483647');
      }
      draft.setInt(field, value);
      return;
    case 'bool':
      if (typeof value !== 'boolean') refuse(field, value, 'true or false');
      draft.setBool(field, value);
      return;
    case 'text':
      if (typeof value !== 'string') refuse(field, value, 'a text');
      draft.setText(field, value);
      return;
    case 'packed':
      if (value === field.initial) draft.clearBlob(field);
      else draft.setBytes(field, packedBytes(value));
  }
}

function readPacked(heap: Heap, record: number, field: RecordField): unknown {
  const blob = heap.i32[record + field.at] as number;
  if (blob === 0) return initialValue(field);
  const length = blobByteLength(heap, blob);
  const from = blobOffset(blob);
  return readValue(reader.reset(heap.u8, from, from + length), true);
}

function packedBytes(value: unknown): Uint8Array {
  const writer = PackWriter.growing();
  writeValue(writer, value);
  return writer.written();
}

function refuse(field: RecordField, value: unknown, allowed: string): never {
  const got = typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
  throw new InvalidArgumentError(`the field ${field.name} takes ${allowed}, not ${got}`);
}
