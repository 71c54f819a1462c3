/**
 * Keys of records come again and again: a small cache gives back the string that was made for the same bytes before, and
 * spares V8 to look it up among the names it knows. A cache of this thread, bounded: 512 keys of at most 31 characters.
 */
import type { PackReader } from './pack-reader.ts';
import { SHORT_TEXT, SHORT_TEXT_MAX } from './tags.ts';

const SLOTS = 512;
const cache: string[] = new Array<string>(SLOTS).fill('');

/** The next text, expected to be a record's key. */
export function readKey(reader: PackReader): string {
  const { bytes, at } = reader;
  const tag = at < reader.end ? (bytes[at] as number) : 0;
  const length = tag & SHORT_TEXT_MAX;
  if (tag <= SHORT_TEXT || tag > SHORT_TEXT + SHORT_TEXT_MAX || at + 1 + length > reader.end) return reader.str();
  const body = at + 1;
  const first = bytes[body] as number;
  const middle = bytes[body + (length >> 1)] as number;
  const last = bytes[body + length - 1] as number;
  const slot = (length + first * 7 + middle * 31 + last * 131) & (SLOTS - 1);
  const known = cache[slot] as string;
  if (known.length === length && matches(known, bytes, body)) {
    reader.at = body + length;
    return known;
  }
  const key = reader.str();
  cache[slot] = key;
  return key;
}

function matches(known: string, bytes: Uint8Array, body: number): boolean {
  for (let index = 0; index < known.length; index++) {
    if (known.charCodeAt(index) !== bytes[body + index]) return false;
  }
  return true;
}
