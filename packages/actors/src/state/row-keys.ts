/**
 * Keys of the rows that change sets speak of. Every actor's rows share a prefix, every structure's within it another, so
 * that clearing is one prefix.
 *
 * ```
 * actor:   name length (u8), name, key length (u16, big-endian), key
 * fields:  actor, 0
 * entry:   actor, 1, field name length (u8), field name, entry key
 * system:  0, table (u8), key
 * ```
 */
import { InvalidKeyError } from '@spacegrid/core';

export const ROW_FIELDS = 0;
export const ROW_ENTRY = 1;

/** Tables of a partition that belong to no actor. */
export const SYSTEM_ONCE = 1;
export const SYSTEM_REMINDER = 2;
export const SYSTEM_SHAPE = 3;
export const SYSTEM_OUTGOING = 5;

const encoder = new TextEncoder();

/** Prefix of all rows of an actor. */
export function actorPrefix(typeName: string, key: Uint8Array): Uint8Array {
  const name = encoder.encode(typeName);
  const prefix = new Uint8Array(1 + name.length + 2 + key.length);
  prefix[0] = name.length;
  prefix.set(name, 1);
  prefix[1 + name.length] = key.length >>> 8;
  prefix[2 + name.length] = key.length & 255;
  prefix.set(key, 3 + name.length);
  return prefix;
}

/** Prefix of all rows of a type's actors: each actor's are a group behind it, as RecoveryCredit in core has it. */
export function typePrefix(typeName: string): Uint8Array {
  const name = encoder.encode(typeName);
  return Uint8Array.of(name.length, ...name);
}

/** What follows the actor's prefix in the rows of a structure. */
export function fieldTag(fieldName: string): Uint8Array {
  const name = encoder.encode(fieldName);
  if (name.length > 255) throw new InvalidKeyError(`field name ${fieldName} is longer than 255 bytes`);
  return Uint8Array.of(ROW_ENTRY, name.length, ...name);
}

export interface ParsedRowKey {
  /** Undefined for a system row. */
  readonly typeName: string | undefined;
  readonly system: number;
  readonly rowStart: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Undefined for the row of scalar fields. */
  readonly fieldName: string | undefined;
  readonly entryStart: number;
}

/** Takes a row key apart. Offsets are into `bytes`; undefined when it is no row key. */
export function parseRowKey(bytes: Uint8Array, start: number, end: number): ParsedRowKey | undefined {
  const nameLength = bytes[start] ?? 0;
  if (nameLength === 0) {
    return {
      typeName: undefined,
      system: bytes[start + 1] ?? 0,
      rowStart: start,
      keyStart: start + 2,
      keyEnd: end,
      fieldName: undefined,
      entryStart: end,
    };
  }
  const keyAt = start + 1 + nameLength;
  const keyStart = keyAt + 2;
  const keyEnd = keyStart + (((bytes[keyAt] ?? 0) << 8) | (bytes[keyAt + 1] ?? 0));
  if (keyEnd > end) return undefined;
  const typeName = latin1(bytes, start + 1, keyAt);
  if (keyEnd === end)
    return { typeName, system: 0, rowStart: start, keyStart, keyEnd, fieldName: undefined, entryStart: end };
  if (bytes[keyEnd] === ROW_FIELDS)
    return { typeName, system: 0, rowStart: start, keyStart, keyEnd, fieldName: undefined, entryStart: keyEnd + 1 };
  const fieldStart = keyEnd + 2;
  const fieldEnd = fieldStart + (bytes[keyEnd + 1] ?? 0);
  if (bytes[keyEnd] !== ROW_ENTRY || fieldEnd > end) return undefined;
  return {
    typeName,
    system: 0,
    rowStart: start,
    keyStart,
    keyEnd,
    fieldName: decode(bytes, fieldStart, fieldEnd),
    entryStart: fieldEnd,
  };
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
