/**
 * Plain values to tagged bytes (tags.ts). The fast path throws one sentinel at the first thing that can't be packed; only then
 * refused-value.ts walks the value again to say where it stands and why.
 *
 * What is kept: null, undefined, booleans, numbers (−0, NaN and infinities too), bigints to 1 KiB, texts (half surrogate pairs
 * too), Uint8Array (a Buffer comes back as Uint8Array), arrays, plain records, dates (invalid ones too), maps, sets. What an
 * object has beside its own enumerable text keys is left out, as by structuredClone; classes and holes in arrays are refused.
 * Getters are called. Two references to one object become two objects; a value that holds itself is refused for its depth.
 */
import { EncodeError } from '../errors/grid-errors.ts';
import { writeBigint } from './bigint-bytes.ts';
import { PackWriter } from './pack-writer.ts';
import { explainRefusal, isPlainArray, isPlainRecord } from './refused-value.ts';
import {
  ARRAY,
  BYTES,
  DATE,
  DOUBLE,
  FALSE,
  INT,
  MAP,
  NEGATIVE_INT_MIN,
  NULL,
  RECORD,
  SET,
  SHORT_ARRAY,
  SHORT_COUNT_MAX,
  SHORT_RECORD,
  SMALL_INT_MAX,
  TRUE,
  UNDEFINED,
} from './tags.ts';
import {
  isRefusedKey,
  VALUE_BYTES_MAX,
  VALUE_DEPTH_MAX,
  VALUE_ITEMS_MAX,
  VALUE_ITEMS_TOTAL_MAX,
} from './value-limits.ts';

const refused = new Error('a value can not be packed');

/**
 * Appends a value. Throws EncodeError with the path of what can't be packed, as in `args[0].when.fn` when `name` is `args[0]`,
 * and PackOverflow when a fixed region is full; then nothing counts as written.
 */
export function writeValue(writer: PackWriter, value: unknown, name: string = 'value'): void {
  const start = writer.at;
  writer.items = 0;
  if (typeof value === 'object') prototypeIsExtended = isExtended(Object.prototype);
  try {
    write(writer, value, 0);
  } catch (error) {
    writer.at = start;
    throw error === refused ? new EncodeError(...explainRefusal(value, name)) : error;
  }
}

let scratch: PackWriter | undefined = PackWriter.growing(1024);
const SCRATCH_KEPT_BYTES = 65_536;

/** The packed bytes of one value. Throws EncodeError. */
export function encodeValue(value: unknown, name: string = 'value'): Uint8Array {
  const writer = scratch ?? PackWriter.growing(1024);
  // A getter of the value may pack another one meanwhile.
  scratch = undefined;
  writer.at = 0;
  try {
    writeValue(writer, value, name);
    return writer.bytes.slice(0, writer.at);
  } finally {
    scratch = writer.bytes.length > SCRATCH_KEPT_BYTES ? PackWriter.growing(1024) : writer;
  }
}

function write(writer: PackWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
      if (value.length > VALUE_BYTES_MAX) throw refused;
      writer.str(value);
      return;
    case 'number':
      writeNumber(writer, value);
      return;
    case 'boolean':
      writer.u8(value ? TRUE : FALSE);
      return;
    case 'undefined':
      writer.u8(UNDEFINED);
      return;
    case 'object':
      if (value === null) writer.u8(NULL);
      else if (depth >= VALUE_DEPTH_MAX) throw refused;
      else writeObject(writer, value, depth + 1);
      return;
    case 'bigint':
      if (!writeBigint(writer, value)) throw refused;
      return;
    default:
      throw refused;
  }
}

function writeNumber(writer: PackWriter, value: number): void {
  const int = value | 0;
  if (int === value && (int !== 0 || 1 / value > 0)) {
    if (int <= SMALL_INT_MAX && int >= NEGATIVE_INT_MIN) {
      writer.u8(int);
    } else {
      writer.u8(INT);
      writer.varint((int << 1) ^ (int >> 31));
    }
    return;
  }
  writer.u8(DOUBLE);
  writer.f64(value);
}

function writeObject(writer: PackWriter, value: object, depth: number): void {
  if (Array.isArray(value)) writeArray(writer, value, depth);
  else if (isPlainRecord(value)) writeRecord(writer, value as Record<string, unknown>, depth);
  else if (value instanceof Date) {
    writer.u8(DATE);
    writer.f64(value.getTime());
  } else if (value instanceof Uint8Array) {
    if (value.length > VALUE_BYTES_MAX) throw refused;
    writer.u8(BYTES);
    writer.blob(value);
  } else if (value instanceof Map) {
    count(writer, value.size);
    writer.u8(MAP);
    writer.varint(value.size);
    for (const [key, item] of value) {
      write(writer, key, depth);
      write(writer, item, depth);
    }
  } else if (value instanceof Set) {
    count(writer, value.size);
    writer.u8(SET);
    writer.varint(value.size);
    for (const item of value) write(writer, item, depth);
  } else {
    throw refused;
  }
}

function writeArray(writer: PackWriter, array: readonly unknown[], depth: number): void {
  const { length } = array;
  if (!isPlainArray(array)) throw refused;
  count(writer, length);
  if (length <= SHORT_COUNT_MAX) {
    writer.u8(SHORT_ARRAY | length);
  } else {
    writer.u8(ARRAY);
    writer.varint(length);
  }
  for (let index = 0; index < length; index++) {
    const item = array[index];
    if (item === undefined && !(index in array)) throw refused;
    write(writer, item, depth);
  }
}

function writeRecord(writer: PackWriter, record: Record<string, unknown>, depth: number): void {
  if (prototypeIsExtended) return writeOwnFields(writer, record, depth);
  // for…in takes 3 ns a field, Object.keys and a load 9; without anything enumerable in the prototype both see the same.
  let length = 0;
  for (const _ in record) length++;
  writeFieldCount(writer, length);
  for (const key in record) {
    if (--length < 0 || isRefusedKey(key)) throw refused;
    writer.str(key);
    write(writer, record[key], depth);
  }
  // A getter has removed a field.
  if (length !== 0) throw refused;
}

function writeOwnFields(writer: PackWriter, record: Record<string, unknown>, depth: number): void {
  const keys = Object.keys(record);
  writeFieldCount(writer, keys.length);
  for (const key of keys) {
    if (isRefusedKey(key)) throw refused;
    writer.str(key);
    write(writer, record[key], depth);
  }
}

function writeFieldCount(writer: PackWriter, length: number): void {
  count(writer, length);
  if (length <= SHORT_COUNT_MAX) {
    writer.u8(SHORT_RECORD | length);
  } else {
    writer.u8(RECORD);
    writer.varint(length);
  }
}

/** Something enumerable was put into Object.prototype: for…in would take it for a field of every record. */
let prototypeIsExtended = false;

function isExtended(prototype: object): boolean {
  for (const _ in prototype) return true;
  return false;
}

function count(writer: PackWriter, items: number): void {
  writer.items += items;
  if (items > VALUE_ITEMS_MAX || writer.items > VALUE_ITEMS_TOTAL_MAX) throw refused;
}
