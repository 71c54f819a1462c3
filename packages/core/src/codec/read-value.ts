/**
 * Tagged bytes to plain values. Safe for any bytes: nothing but DecodeError is thrown, counts are checked against what is left
 * before anything is allocated, no class is revived, and no field of a record is ever assigned where a setter or a prototype
 * could be met. All that is handed out is fresh.
 */
import { DecodeError } from '../errors/grid-errors.ts';
import { readBigint, readBigint64 } from './bigint-bytes.ts';
import { frozenMap, frozenSet } from './frozen-collections.ts';
import { PackReader } from './pack-reader.ts';
import { defineField, learnTemplate, templateAt, templateSlot } from './record-template.ts';
import {
  ARRAY,
  BIGINT,
  BIGINT64,
  BYTES,
  DATE,
  DOUBLE,
  FALSE,
  INT,
  LATIN1,
  MAP,
  NEGATIVE_INT,
  NULL,
  RECORD,
  SET,
  SHORT_COUNT_MAX,
  SHORT_RECORD,
  SHORT_TEXT,
  SHORT_TEXT_MAX,
  TRUE,
  UNDEFINED,
  UTF8,
  UTF16,
} from './tags.ts';
import { isRefusedKey, VALUE_DEPTH_MAX, VALUE_ITEMS_MAX, VALUE_ITEMS_TOTAL_MAX } from './value-limits.ts';

/**
 * The next value. With `freeze` it is deeply read-only: records, arrays, maps, sets; writes to them throw. Dates are frozen
 * in their properties and bytes not at all (JavaScript can't): both are copies. Throws DecodeError.
 */
export function readValue(reader: PackReader, freeze: boolean = false): unknown {
  reader.items = 0;
  return read(reader, freeze, 0);
}

/** The one value that these bytes are. Throws DecodeError, also when bytes are left over. */
export function decodeValue(bytes: Uint8Array, freeze: boolean = false): unknown {
  const reader = new PackReader(bytes);
  const value = readValue(reader, freeze);
  if (reader.at !== reader.end)
    throw new DecodeError(`a value ends at byte ${reader.at} of ${reader.end}: nothing may follow it`);
  return value;
}

function read(reader: PackReader, freeze: boolean, depth: number): unknown {
  const tag = reader.u8();
  if (tag < SHORT_TEXT) return tag;
  if (tag <= SHORT_TEXT + SHORT_TEXT_MAX) return reader.latin1(tag & SHORT_TEXT_MAX);
  if (tag < SHORT_RECORD) return readArray(reader, tag & SHORT_COUNT_MAX, freeze, depth);
  if (tag < NULL) return readRecord(reader, tag & SHORT_COUNT_MAX, freeze, depth);
  if (tag >= NEGATIVE_INT) return tag - 256;
  switch (tag) {
    case NULL:
      return null;
    case UNDEFINED:
      return undefined;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case INT: {
      const zigzag = reader.varint();
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    case DOUBLE:
      return reader.f64();
    case BIGINT64:
      return readBigint64(reader);
    case BIGINT:
      return readBigint(reader);
    case LATIN1:
    case UTF8:
    case UTF16:
      return reader.longText(tag);
    case BYTES:
      return reader.blob();
    case ARRAY:
      return readArray(reader, reader.varint(), freeze, depth);
    case RECORD:
      return readRecord(reader, reader.varint(), freeze, depth);
    case DATE: {
      const date = new Date(reader.f64());
      return freeze ? Object.freeze(date) : date;
    }
    case MAP:
      return readMap(reader, reader.varint(), freeze, depth);
    case SET:
      return readSet(reader, reader.varint(), freeze, depth);
    default:
      throw new DecodeError(`the tag ${tag} at byte ${reader.at - 1} is not known`);
  }
}

function readArray(reader: PackReader, count: number, freeze: boolean, depth: number): unknown[] {
  check(reader, count, 1, depth);
  const array: unknown[] = [];
  for (let index = 0; index < count; index++) array.push(read(reader, freeze, depth + 1));
  return freeze ? (Object.freeze(array) as unknown[]) : array;
}

function readRecord(reader: PackReader, count: number, freeze: boolean, depth: number): object {
  check(reader, count, 2, depth);
  const slot = templateSlot(reader.bytes, reader.at, reader.end, count);
  const template = templateAt(slot, count);
  let record: Record<string, unknown> = {};
  let known = 0;
  if (template !== undefined) {
    const { keys, packed } = template;
    record = { ...template.blank };
    while (known < count && skipKey(reader, packed[known] as Uint8Array)) {
      record[keys[known++] as string] = read(reader, freeze, depth + 1);
    }
    if (known < count) record = firstFields(record, keys, known);
    else template.misses = 0;
  }
  if (known < count) {
    const keys = template === undefined ? [] : template.keys.slice(0, known);
    for (let index = known; index < count; index++) {
      const key = reader.str();
      if (isRefusedKey(key))
        throw new DecodeError(`a record before byte ${reader.at} has the key ${key}: it is not allowed`);
      defineField(record, key, read(reader, freeze, depth + 1));
      keys.push(key);
    }
    learnTemplate(slot, keys);
  }
  return freeze ? Object.freeze(record) : record;
}

/** Passes the next key when it is this one. */
function skipKey(reader: PackReader, packed: Uint8Array): boolean {
  const { bytes, at } = reader;
  const { length } = packed;
  if (at + length > reader.end) return false;
  for (let index = 0; index < length; index++) if (bytes[at + index] !== packed[index]) return false;
  reader.at = at + length;
  return true;
}

function firstFields(record: Record<string, unknown>, keys: readonly string[], count: number): Record<string, unknown> {
  const first: Record<string, unknown> = {};
  for (let index = 0; index < count; index++) defineField(first, keys[index] as string, record[keys[index] as string]);
  return first;
}

function readMap(reader: PackReader, count: number, freeze: boolean, depth: number): Map<unknown, unknown> {
  check(reader, count, 2, depth);
  const map = new Map<unknown, unknown>();
  for (let index = 0; index < count; index++) {
    const key = read(reader, freeze, depth + 1);
    map.set(key, read(reader, freeze, depth + 1));
  }
  return freeze ? frozenMap(map) : map;
}

function readSet(reader: PackReader, count: number, freeze: boolean, depth: number): Set<unknown> {
  check(reader, count, 1, depth);
  const set = new Set<unknown>();
  for (let index = 0; index < count; index++) set.add(read(reader, freeze, depth + 1));
  return freeze ? frozenSet(set) : set;
}

/** Before a container is made: its depth, and its count against the limits and against the bytes that are left. */
function check(reader: PackReader, count: number, bytesAtLeast: number, depth: number): void {
  if (depth >= VALUE_DEPTH_MAX)
    throw new DecodeError(`values before byte ${reader.at} lie more than ${VALUE_DEPTH_MAX} levels deep`);
  reader.items += count;
  if (count > VALUE_ITEMS_MAX || reader.items > VALUE_ITEMS_TOTAL_MAX) {
    throw new DecodeError(`${count} items are announced before byte ${reader.at}, ${reader.items} in all: too many`);
  }
  if (count * bytesAtLeast > reader.end - reader.at) {
    throw new DecodeError(
      `${count} items are announced before byte ${reader.at} and only ${reader.end - reader.at} bytes are left`,
    );
  }
}
