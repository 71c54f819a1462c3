/**
 * Measures HotMap against a JS Map of objects and a naive shared-memory table (linear probing, 40-byte slots), all embedded,
 * one thread, the same keys in the same random order, rounds alternating. Prints medians in millions of operations a second
 * and the ratio of each round's figures to the Map's, as median (min–max).
 *
 *     node --conditions=@spacegrid/source packages/core/bench/hot-map.ts [entries=1000000] [rounds=5]
 */
import { type KeyBytes, KeyScratch } from '../src/hash/key-bytes.ts';
import { Heap } from '../src/memory/heap.ts';
import { createHeapBuffer } from '../src/memory/heap-layout.ts';
import { HotMap } from '../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../src/structures/hot-map/record-draft.ts';
import { readF64 } from '../src/structures/hot-map/record-fields.ts';
import { RecordShape } from '../src/structures/hot-map/record-shape.ts';

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const OPERATIONS = 1_000_000;
const BATCH = 64;
const HASH_SEED = 7;

const keys = Array.from({ length: ENTRIES }, (_, number) => `user${10_000_000 + number}`);
const order = new Uint32Array(OPERATIONS);
for (let operation = 0, state = 12_345; operation < OPERATIONS; operation++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  order[operation] = Math.floor((state / 4_294_967_296) * ENTRIES);
}
/** Keys as requests bring them: made for each operation, so that a Map has to hash and compare them as well. */
const madeKey = (operation: number): string => `user${10_000_000 + (order[operation] as number)}`;
/** Keys that the caller keeps: a Map then knows their hash and finds the same object. Ours costs a cache miss a key. */
const keptKey = (operation: number): string => keys[order[operation] as number] as string;
let keyAt = madeKey;

const heap = new Heap(createHeapBuffer());
const shape = new RecordShape([
  { name: 'points', kind: 'f64' },
  { name: 'level', kind: 'u32' },
]);
const points = shape.fieldOrThrow('points');
const level = shape.fieldOrThrow('level');
const draft = new RecordDraft(shape);
const key = new KeyScratch(HASH_SEED);
heap.begin();
const map = new HotMap(heap, HotMap.create(heap), shape, HASH_SEED);
heap.commit();

function put(name: string, value: number): void {
  heap.begin();
  draft.reset();
  draft.setF64(points, value);
  draft.setInt(level, value);
  map.put(key.set(name), draft);
  heap.commit();
}

/** Linear probing over slots of [hash, key bytes, key in 6 words, value]: what one would write in an hour. */
class NaiveTable {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly values: Float64Array;
  private readonly mask: number;

  constructor(entries: number) {
    const slots = 2 ** Math.ceil(Math.log2(entries * 1.5));
    const buffer = new SharedArrayBuffer(slots * 40);
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.values = new Float64Array(buffer);
    this.mask = slots - 1;
  }

  get(name: KeyBytes): number {
    return this.values[this.slotOf(name) * 5 + 4] as number;
  }

  set(name: KeyBytes, value: number): void {
    const slot = this.slotOf(name);
    this.bytes.set(name.bytes.subarray(0, name.length), slot * 40 + 8);
    this.values[slot * 5 + 4] = value;
    this.words[slot * 10 + 1] = name.length;
    Atomics.store(this.words, slot * 10, name.hash | 1);
  }

  private slotOf(name: KeyBytes): number {
    const { words, bytes } = this;
    for (let slot = name.hash & this.mask; ; slot = (slot + 1) & this.mask) {
      const hash = Atomics.load(words, slot * 10);
      if (hash === 0) return slot;
      if (hash !== (name.hash | 1) || words[slot * 10 + 1] !== name.length) continue;
      let at = 0;
      while (at < name.length && bytes[slot * 40 + 8 + at] === name.bytes[at]) at++;
      if (at === name.length) return slot;
    }
  }
}

const from = performance.now();
for (let number = 0; number < ENTRIES; number++) {
  put(keys[number] as string, number);
  if (number % 64 === 0) heap.maintain(1000);
}
const fillMs = performance.now() - from;
const objects = new Map(keys.map((name, number) => [name, { points: number, level: number }]));
const naive = new NaiveTable(ENTRIES);
for (let number = 0; number < ENTRIES; number++) naive.set(key.set(keys[number] as string), number);

const batch = {
  count: BATCH,
  bytes: new Uint8Array(BATCH * 16),
  offsets: new Int32Array(BATCH),
  lengths: new Int32Array(BATCH),
  hashes: new Int32Array(BATCH),
};
const refs = new Int32Array(BATCH);

function fillBatch(first: number): void {
  let at = 0;
  for (let number = 0; number < BATCH; number++) {
    key.set(keyAt(first + number));
    for (let byte = 0; byte < key.length; byte++) batch.bytes[at + byte] = key.bytes[byte] as number;
    batch.offsets[number] = at;
    batch.lengths[number] = key.length;
    batch.hashes[number] = key.hash;
    at += key.length;
  }
}

/** What each row does with `OPERATIONS` keys; returns a number, so that nothing is optimized away. */
const rows: Record<string, () => number> = {
  'Map of objects: field': () => {
    let sum = 0;
    for (let operation = 0; operation < OPERATIONS; operation++) sum += objects.get(keyAt(operation))?.points ?? 0;
    return sum;
  },
  'Map of objects: set': () => {
    for (let operation = 0; operation < OPERATIONS; operation++)
      objects.set(keyAt(operation), { points: operation, level: 0 });
    return objects.size;
  },
  'key and hash alone': () => {
    let sum = 0;
    for (let operation = 0; operation < OPERATIONS; operation++) sum ^= key.set(keyAt(operation)).hash;
    return sum;
  },
  'naive table: field': () => {
    let sum = 0;
    for (let operation = 0; operation < OPERATIONS; operation++) sum += naive.get(key.set(keyAt(operation)));
    return sum;
  },
  'HotMap: find': () => {
    let sum = 0;
    for (let operation = 0; operation < OPERATIONS; operation++) sum ^= map.find(key.set(keyAt(operation)));
    return sum;
  },
  'HotMap: field': () => {
    let sum = 0;
    for (let operation = 0; operation < OPERATIONS; operation++) {
      sum += readF64(heap, map.find(key.set(keyAt(operation))), points);
    }
    return sum;
  },
  'HotMap: field, 64 at once': () => {
    let sum = 0;
    for (let operation = 0; operation + BATCH <= OPERATIONS; operation += BATCH) {
      fillBatch(operation);
      map.findMany(batch, refs);
      for (const ref of refs) sum += readF64(heap, ref, points);
    }
    return sum;
  },
  'HotMap: get (object)': () => {
    let sum = 0;
    for (let operation = 0; operation < OPERATIONS; operation++) sum += map.get(keyAt(operation))?.points as number;
    return sum;
  },
  'HotMap: set, a turn each': () => {
    for (let operation = 0; operation < OPERATIONS; operation++) {
      put(keyAt(operation), operation);
      if (operation % 64 === 0) heap.maintain(1000);
    }
    return map.size;
  },
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >>> 1] as number;
const lines = [
  `${ENTRIES} entries, ${(map.bytes / ENTRIES).toFixed(1)} bytes each; filled at ${(ENTRIES / fillMs / 1000).toFixed(2)} M/s`,
];
let kept = 0;

function measure(title: string): void {
  const rates = new Map(Object.keys(rows).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(rows)) {
      const start = performance.now();
      kept += run();
      // The first round warms up.
      if (round > 0) rates.get(name)?.push(OPERATIONS / (performance.now() - start) / 1000);
    }
  }
  lines.push('', title);
  for (const [name, values] of rates) {
    const peer = rates.get(name.includes('set') ? 'Map of objects: set' : 'Map of objects: field') as number[];
    const ratios = values.map((value, round) => value / (peer[round] as number));
    const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    lines.push(
      `${name.padEnd(28)} ${median(values).toFixed(2).padStart(6)} M/s   ${median(ratios).toFixed(2)} (${range}) of the Map`,
    );
  }
}

measure('keys made for each operation');
keyAt = keptKey;
measure('keys that the caller keeps');
if (Number.isNaN(kept)) throw new Error('a value read is no number');
process.stdout.write(`${lines.join('\n')}\n`);
