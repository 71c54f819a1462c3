/** What an error carries beside name, message, stack and cause, as far as it is plain data. */
import { decodeValue } from '../codec/read-value.ts';
import { isRefusedKey } from '../codec/value-limits.ts';
import { encodeValue } from '../codec/write-value.ts';

const KEY_MAX = 200;
const TEXT_MAX = 8192;
const FIELDS_MAX = 32;
const FIELDS_BYTES_MAX = 16_384;

/** Written as such. */
const writtenApart: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause']);

/** The packed record, without what can't be packed or would bring it over the limit. */
export function packFields(fields: object): Uint8Array {
  const kept = Object.create(null) as Record<string, unknown>;
  let bytes = 0;
  let count = 0;
  for (const key of keysOf(fields)) {
    if (count >= FIELDS_MAX || isRefusedKey(key) || key.length > KEY_MAX) continue;
    const packed = tryPack(fields, key);
    if (packed === undefined || bytes + packed.length + key.length > FIELDS_BYTES_MAX) continue;
    bytes += packed.length + key.length;
    count++;
    kept[key] = decodeValue(packed);
  }
  return encodeValue(kept);
}

function tryPack(fields: object, key: string): Uint8Array | undefined {
  try {
    const value = (fields as Record<string, unknown>)[key];
    return typeof value === 'string' ? encodeValue(value.slice(0, TEXT_MAX)) : encodeValue(value);
  } catch {
    // Left out: an error about an error's field would hide the error.
    return undefined;
  }
}

/** Own enumerable fields of an error that the application made. */
export function ownFields(error: Error): Record<string, unknown> {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const key of keysOf(error)) {
    if (writtenApart.has(key) || isRefusedKey(key)) continue;
    try {
      fields[key] = (error as unknown as Record<string, unknown>)[key];
    } catch {
      // A getter that throws has no value to keep.
    }
  }
  return fields;
}

function keysOf(object: object): string[] {
  try {
    return Object.keys(object);
  } catch {
    // A proxy that refuses.
    return [];
  }
}
