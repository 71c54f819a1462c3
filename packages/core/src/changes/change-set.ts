/**
 * Change sets: what one turn changed, as operations on rows, in order. Persistence and replication see only these, and to
 * them row keys and values are bytes without meaning.
 *
 * ```
 * operation  kind (1 byte), key length (varint), key, and for a put: value length (varint), value
 * ```
 */
import type { PackWriter } from '../codec/pack-writer.ts';
import { PackReader } from '../codec/pack-reader.ts';
import { DecodeError } from '../errors/grid-errors.ts';

/** Of the format below and of the packed values in it. Stored: a store made under another can't be read. */
export const CHANGE_SET_VERSION = 1;

/** Sets the row to the value. */
export const CHANGE_PUT = 1;
/** Removes the row, if there is one. */
export const CHANGE_DELETE = 2;
/** Removes all rows whose key begins with these bytes; with no bytes, all of the partition. */
export const CHANGE_CLEAR_PREFIX = 3;

export type ChangeKind = typeof CHANGE_PUT | typeof CHANGE_DELETE | typeof CHANGE_CLEAR_PREFIX;

/** Appends operations to a PackWriter. In a fixed region PackOverflow leaves whole operations only. */
export class ChangeSetWriter {
  readonly writer: PackWriter;
  /** Operations written. */
  count: number;

  constructor(writer: PackWriter) {
    this.writer = writer;
    this.count = 0;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.begin(CHANGE_PUT, key, value.length + LENGTH_BYTES_MAX);
    this.writer.blob(value);
    this.count++;
  }

  delete(key: Uint8Array): void {
    this.begin(CHANGE_DELETE, key, 0);
    this.count++;
  }

  clearPrefix(prefix: Uint8Array): void {
    this.begin(CHANGE_CLEAR_PREFIX, prefix, 0);
    this.count++;
  }

  private begin(kind: ChangeKind, key: Uint8Array, bytesBehind: number): void {
    const { writer } = this;
    writer.room(1 + LENGTH_BYTES_MAX + key.length + bytesBehind);
    writer.u8(kind);
    writer.blob(key);
  }
}

/** Most bytes of a varint length. */
const LENGTH_BYTES_MAX = 5;

/** For operations that are no put, value offset and length are 0. Offsets are in the bytes that are visited. */
export type ChangeVisitor = (
  kind: ChangeKind,
  keyOffset: number,
  keyLength: number,
  valueOffset: number,
  valueLength: number,
) => void;

/** Visits the operations in `bytes[from, to)`, in order, and returns their number. Throws DecodeError for anything else. */
export function forEachChange(bytes: Uint8Array, from: number, to: number, visitor: ChangeVisitor): number {
  const cursor = new ChangeCursor(bytes, from, to);
  let count = 0;
  for (; cursor.next(); count++)
    visitor(cursor.kind, cursor.keyOffset, cursor.keyLength, cursor.valueOffset, cursor.valueLength);
  return count;
}

/** Goes from one operation to the next, for whoever stops in between. */
export class ChangeCursor {
  readonly bytes: Uint8Array;
  kind: ChangeKind;
  keyOffset: number;
  keyLength: number;
  /** As its length, 0 unless it is a put. */
  valueOffset: number;
  valueLength: number;
  private readonly reader: PackReader;

  constructor(bytes: Uint8Array, from: number = 0, to: number = bytes.length) {
    this.bytes = bytes;
    this.kind = CHANGE_PUT;
    this.keyOffset = 0;
    this.keyLength = 0;
    this.valueOffset = 0;
    this.valueLength = 0;
    this.reader = new PackReader(bytes, from, to);
  }

  /** Stands at the next operation; false behind the last. Throws DecodeError for anything else. */
  next(): boolean {
    const { reader } = this;
    if (reader.at >= reader.end) return false;
    const kind = reader.u8();
    if (kind < CHANGE_PUT || kind > CHANGE_CLEAR_PREFIX) {
      throw new DecodeError(`a change at byte ${reader.at - 1} has the kind ${kind}: allowed are 1, 2 and 3`);
    }
    this.kind = kind as ChangeKind;
    this.keyOffset = skip(reader);
    this.keyLength = reader.at - this.keyOffset;
    this.valueOffset = kind === CHANGE_PUT ? skip(reader) : 0;
    this.valueLength = kind === CHANGE_PUT ? reader.at - this.valueOffset : 0;
    return true;
  }
}

/** Passes bytes that stand behind their length, and returns where they begin. */
function skip(reader: PackReader): number {
  const length = reader.varint();
  reader.need(length);
  const at = reader.at;
  reader.at = at + length;
  return at;
}
