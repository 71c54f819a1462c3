/**
 * Plain values as tagged bytes. What has no tag does not travel: no functions, no class instances, no revival by name. Limits
 * are checked before anything is allocated; keys that reach into a prototype are refused on both sides.
 */
import { DecodeError, EncodeError } from '../errors/grid-errors.ts';
import type { PackReader } from './pack-reader.ts';
import type { PackWriter } from './pack-writer.ts';

const NULL = 0;
const UNDEFINED = 1;
const FALSE = 2;
const TRUE = 3;
const INT = 4; // zigzag varint
const DOUBLE = 5;
const BIGINT = 6; // decimal text
const ASCII = 7;
const UTF8 = 8;
const UTF16 = 9;
const BYTES = 10;
const ARRAY = 11;
const RECORD = 12;
const DATE = 13;
const MAP = 14;
const SET = 15;
/** Tags from here on are the whole numbers from 0. */
const SMALL = 32;
const SMALL_MAX = 255 - SMALL;

export const VALUE_BYTES_MAX = 16 * 1024 * 1024;
export const VALUE_DEPTH_MAX = 32;
export const VALUE_ITEMS_MAX = 100_000;

/** Appends a value. Throws EncodeError with the path of what can't be encoded. */
export function writeValue(writer: PackWriter, value: unknown): void {
  switch (typeof value) {
    case 'string':
      writeText(writer, value);
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
    default:
      writeComplex(writer, value, '', 0);
  }
}

/** Reads a value; `freeze` makes it deeply read-only. Throws DecodeError. */
export function readValue(reader: PackReader, freeze = false): unknown {
  return readAt(reader, freeze, 0);
}

function writeNumber(writer: PackWriter, value: number): void {
  if ((value | 0) === value && !(value === 0 && 1 / value < 0)) {
    if (value >= 0 && value <= SMALL_MAX) {
      writer.u8(SMALL + value);
      return;
    }
    writer.u8(INT);
    writer.varint((value << 1) ^ (value >> 31));
    return;
  }
  writer.u8(DOUBLE);
  writer.f64(value);
}

function writeText(writer: PackWriter, text: string): void {
  const units = text.length;
  if (units < 128) {
    const start = writer.at;
    writer.u8(ASCII);
    writer.u8(units);
    if (writer.asciiText(text)) return;
    writer.at = start;
  }
  if (units > VALUE_BYTES_MAX) throw new EncodeError(`a text of ${units} characters: at most ${VALUE_BYTES_MAX} bytes travel`);
  if (text.isWellFormed()) {
    const bytes = Buffer.byteLength(text);
    writer.u8(UTF8);
    writer.varint(bytes);
    writer.utf8(text, bytes);
  } else {
    writer.u8(UTF16);
    writer.varint(units * 2);
    writer.utf16(text);
  }
}

function writeAt(writer: PackWriter, value: unknown, path: string, depth: number): void {
  if (typeof value === 'object' || typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') {
    writeComplex(writer, value, path, depth);
  } else {
    writeValue(writer, value);
  }
}

function writeComplex(writer: PackWriter, value: unknown, path: string, depth: number): void {
  if (value === null) {
    writer.u8(NULL);
    return;
  }
  if (typeof value === 'bigint') {
    const text = value.toString();
    if (text.length > 4096) throw new EncodeError(`${named(path)} is a bigint of ${text.length} digits: at most 4,096 travel`);
    writer.u8(BIGINT);
    writer.varint(text.length);
    writer.utf8(text, text.length);
    return;
  }
  if (typeof value !== 'object') throw new EncodeError(`${named(path)} is a ${typeof value}: only plain values travel`);
  if (depth >= VALUE_DEPTH_MAX) throw new EncodeError(`${named(path)} lies more than ${VALUE_DEPTH_MAX} levels deep, or in itself`);
  if (Array.isArray(value)) {
    count(writer, ARRAY, value.length, path);
    for (let index = 0; index < value.length; index++) writeAt(writer, value[index], `${path}[${index}]`, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    writeRecord(writer, value as Record<string, unknown>, path, depth);
  } else if (value instanceof Date) {
    writer.u8(DATE);
    writer.f64(value.getTime());
  } else if (value instanceof Uint8Array) {
    if (value.length > VALUE_BYTES_MAX) throw new EncodeError(`${named(path)} has ${value.length} bytes: at most ${VALUE_BYTES_MAX} travel`);
    writer.u8(BYTES);
    writer.varint(value.length);
    writer.raw(value, 0, value.length);
  } else if (value instanceof Map) {
    count(writer, MAP, value.size, path);
    for (const [key, item] of value) {
      writeAt(writer, key, `${path}.key`, depth + 1);
      writeAt(writer, item, `${path}.value`, depth + 1);
    }
  } else if (value instanceof Set) {
    count(writer, SET, value.size, path);
    for (const item of value) writeAt(writer, item, `${path}.item`, depth + 1);
  } else {
    throw new EncodeError(`${named(path)} is a ${value.constructor?.name ?? 'class instance'}: only plain values travel`);
  }
}

function writeRecord(writer: PackWriter, value: Record<string, unknown>, path: string, depth: number): void {
  const keys = Object.keys(value);
  count(writer, RECORD, keys.length, path);
  for (const key of keys) {
    if (isRefused(key)) throw new EncodeError(`${named(path)} has a key ${key}: it is not allowed`);
    writeText(writer, key);
    writeAt(writer, value[key], path === '' ? key : `${path}.${key}`, depth + 1);
  }
}

function count(writer: PackWriter, tag: number, items: number, path: string): void {
  if (items > VALUE_ITEMS_MAX) throw new EncodeError(`${named(path)} has ${items} items: at most ${VALUE_ITEMS_MAX} travel`);
  writer.u8(tag);
  writer.varint(items);
}

function named(path: string): string {
  return path === '' ? 'the value' : path;
}

function isRefused(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype';
}

function readAt(reader: PackReader, freeze: boolean, depth: number): unknown {
  const tag = reader.u8();
  if (tag >= SMALL) return tag - SMALL;
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
    case ASCII:
      return reader.utf8(reader.u8());
    case UTF8:
      return reader.utf8(reader.varint());
    case UTF16:
      return reader.utf16(reader.varint());
    case BIGINT:
      return readBigint(reader);
    case BYTES:
      return reader.raw(reader.varint());
    case DATE:
      return new Date(reader.f64());
    default:
      return readContainer(reader, tag, freeze, depth);
  }
}

function readBigint(reader: PackReader): bigint {
  const length = reader.varint();
  if (length > 4096) throw new DecodeError(`a bigint of ${length} digits: at most 4,096 are allowed`);
  const text = reader.utf8(length);
  if (!/^-?\d+$/.test(text)) throw new DecodeError('a bigint is not decimal');
  return BigInt(text);
}

function readContainer(reader: PackReader, tag: number, freeze: boolean, depth: number): unknown {
  if (tag < ARRAY || tag > SET || tag === DATE) throw new DecodeError(`tag ${tag} at byte ${reader.at - 1} is unknown`);
  if (depth >= VALUE_DEPTH_MAX) throw new DecodeError(`values lie more than ${VALUE_DEPTH_MAX} levels deep`);
  const items = reader.varint();
  // Every item takes at least a byte, so what is announced is bounded by what is there.
  if (items > VALUE_ITEMS_MAX || items > reader.end - reader.at) throw new DecodeError(`${items} items are announced at byte ${reader.at}`);
  if (tag === ARRAY) {
    const array: unknown[] = [];
    for (let index = 0; index < items; index++) array.push(readAt(reader, freeze, depth + 1));
    return freeze ? Object.freeze(array) : array;
  }
  if (tag === RECORD) return readRecord(reader, items, freeze, depth);
  if (tag === MAP) {
    const map = new Map<unknown, unknown>();
    for (let index = 0; index < items; index++) {
      const key = readAt(reader, freeze, depth + 1);
      map.set(key, readAt(reader, freeze, depth + 1));
    }
    return map;
  }
  const set = new Set<unknown>();
  for (let index = 0; index < items; index++) set.add(readAt(reader, freeze, depth + 1));
  return set;
}

function readRecord(reader: PackReader, items: number, freeze: boolean, depth: number): object {
  const record: Record<string, unknown> = {};
  for (let index = 0; index < items; index++) {
    const key = readAt(reader, freeze, depth + 1);
    if (typeof key !== 'string' || isRefused(key)) throw new DecodeError(`a record has the key ${String(key)}`);
    const value = readAt(reader, freeze, depth + 1);
    // A promise resolved with it would call it.
    if (key === 'then' && typeof value === 'function') throw new DecodeError('a record has a callable then');
    record[key] = value;
  }
  return freeze ? Object.freeze(record) : record;
}
