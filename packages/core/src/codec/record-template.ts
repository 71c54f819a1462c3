/**
 * Records of one shape come again and again. A template keeps the keys of such a shape, as text and as bytes, and a blank
 * record that has them all: a record read by it is a copy of the blank, whose own fields are then assigned. That spares V8
 * one change of shape for each field, and no assignment can ever meet a setter of Object.prototype.
 *
 * A cache of this thread, bounded: 256 templates of at most 32 keys of at most 31 characters.
 */
import { SHORT_TEXT, SHORT_TEXT_MAX } from './tags.ts';

export interface RecordTemplate {
  readonly keys: readonly string[];
  /** The keys as they are packed. */
  readonly packed: readonly Uint8Array[];
  readonly blank: Readonly<Record<string, unknown>>;
  /** How often a record of another shape was met here since this one was. */
  misses: number;
}

const SLOTS = 256;
const KEYS_MAX = 32;
/** Another shape takes the place after so many records in turn that were not of this one. */
const MISSES_MAX = 4;

const templates: (RecordTemplate | undefined)[] = new Array<RecordTemplate | undefined>(SLOTS).fill(undefined);

/** Where the template of a record of `count` fields would be, by the bytes of its first key at `at`; −1: nowhere. */
export function templateSlot(bytes: Uint8Array, at: number, end: number, count: number): number {
  if (count === 0 || count > KEYS_MAX || at >= end) return -1;
  const tag = bytes[at] as number;
  const length = tag & SHORT_TEXT_MAX;
  if (tag <= SHORT_TEXT || tag > SHORT_TEXT + SHORT_TEXT_MAX || at + length >= end) return -1;
  const first = bytes[at + 1] as number;
  const last = bytes[at + length] as number;
  return (count + length * 37 + first * 7 + last * 131) & (SLOTS - 1);
}

export function templateAt(slot: number, count: number): RecordTemplate | undefined {
  const template = slot === -1 ? undefined : templates[slot];
  return template !== undefined && template.keys.length === count ? template : undefined;
}

/** Notes the shape of a record that was read without a template. */
export function learnTemplate(slot: number, keys: readonly string[]): void {
  if (slot === -1) return;
  const present = templates[slot];
  if (present !== undefined && ++present.misses < MISSES_MAX) return;
  const packed: Uint8Array[] = [];
  const blank: Record<string, unknown> = {};
  for (const key of keys) {
    // oxlint-disable-next-line no-control-regex -- all of Latin-1
    if (key.length > SHORT_TEXT_MAX || !/^[\u0000-\u00ff]*$/.test(key)) return;
    packed.push(Uint8Array.from([SHORT_TEXT | key.length, ...Buffer.from(key, 'latin1')]));
    defineField(blank, key, undefined);
  }
  templates[slot] = { keys, packed, blank, misses: 0 };
}

/** Makes an own field, whatever is in the prototype. */
export function defineField(record: Record<string, unknown>, key: string, value: unknown): void {
  if (!(key in Object.prototype)) record[key] = value;
  else Object.defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
}
