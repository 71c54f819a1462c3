/** Records in which every field says the same, so that a reader sees at once whether it got parts of two. */
import type { Heap } from '../../src/memory/heap.ts';
import type { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { readBool, readF64, readI32, readText, readU32 } from '../../src/structures/hot-map/record-fields.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';

export const redundantShape: RecordShape = new RecordShape([
  { name: 'number', kind: 'u32' },
  { name: 'version', kind: 'i32' },
  { name: 'product', kind: 'f64' },
  { name: 'odd', kind: 'bool' },
  { name: 'text', kind: 'text' },
]);
const number = redundantShape.fieldOrThrow('number');
const version = redundantShape.fieldOrThrow('version');
const product = redundantShape.fieldOrThrow('product');
const odd = redundantShape.fieldOrThrow('odd');
const text = redundantShape.fieldOrThrow('text');

export const STABLE_KEYS = 2000;
export const KEYS = 60_000;
export const HASH_SEED = 3;

/** What readers count. */
export const READS = 0;
export const TORN = 1;
export const LOST = 2;
export const DROPPED = 3;
export const SCANS = 4;

/** Made once: readers look millions up. */
const names = Array.from({ length: KEYS }, (_, key) => `key ${key}`);

export function keyName(key: number): string {
  return names[key] as string;
}

export function fillRedundant(draft: RecordDraft, key: number, value: number): void {
  draft.reset();
  draft.setInt(number, key);
  draft.setInt(version, value);
  draft.setF64(product, (key + 0.5) * (value + 1));
  draft.setBool(odd, (value & 1) === 1);
  draft.setText(text, textOf(key, value));
}

/** True when all fields of the record are those of this key and of one version. */
export function isWhole(heap: Heap, record: number, key: number): boolean {
  const value = readI32(heap, record, version);
  return (
    readU32(heap, record, number) === key &&
    readF64(heap, record, product) === (key + 0.5) * (value + 1) &&
    readBool(heap, record, odd) === ((value & 1) === 1) &&
    readText(heap, record, text) === textOf(key, value)
  );
}

export function numberOf(heap: Heap, record: number): number {
  return readU32(heap, record, number);
}

function textOf(key: number, value: number): string {
  return `${key}:${value}`.padEnd((value * 7) % 90, '.');
}
