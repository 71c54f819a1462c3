import { PackReader } from '@spacegrid/core';
import { parseRowKey, SYSTEM_ONCE } from '../state/row-keys.ts';

/** Where the end of the window stands in the row of a stored answer: a start counts it anew. */
const WINDOW_FROM = 4;
const WINDOW_TO = 12;
const DEADLINE_BYTES = 8;

/**
 * Whether a row of the store says what memory has: the same bytes, or what memory has made of them. Rows of an older shape stay as
 * they are until they are next written; of those only the checks are compared.
 */
export function isSameRow(key: Uint8Array, memory: Uint8Array, stored: Uint8Array, isMember: boolean): boolean {
  if (Buffer.compare(memory, stored) === 0) return true;
  const parsed = parseRowKey(key, 0, key.length);
  if (parsed === undefined) return false;
  if (parsed.typeName === undefined) return parsed.system === SYSTEM_ONCE && isSameAnswer(memory, stored);
  // A row from before its map had a ttl has no deadline.
  if (memory.length === stored.length + DEADLINE_BYTES && isMapEntry(parsed.fieldName, stored))
    return Buffer.compare(memory.subarray(0, stored.length), stored) === 0;
  // Members of rankings have no shape: two numbers.
  if (isMember) return false;
  return shapeNumber(memory) !== shapeNumber(stored);
}

function isSameAnswer(memory: Uint8Array, stored: Uint8Array): boolean {
  if (memory.length !== stored.length || memory.length < WINDOW_TO) return false;
  return (
    Buffer.compare(memory.subarray(0, WINDOW_FROM), stored.subarray(0, WINDOW_FROM)) === 0 &&
    Buffer.compare(memory.subarray(WINDOW_TO), stored.subarray(WINDOW_TO)) === 0
  );
}

function isMapEntry(fieldName: string | undefined, stored: Uint8Array): boolean {
  return fieldName !== undefined && stored.length > 0;
}

function shapeNumber(row: Uint8Array): number {
  return row.length === 0 ? -1 : new PackReader(row).varint();
}
