/** Random histories of a HotMap beside a plain Map, with turns that throw, are cut by death, or are committed. */
import { isDeepStrictEqual } from 'node:util';
import { encodeKey, type KeyBytes } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { fillDraft, type RecordObject, recordToObject } from '../../src/structures/hot-map/record-objects.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';
import { type Census, takeCensus } from './census.ts';
import type { SeededRandom } from './seeded-random.ts';

const HASH_SEED = 77;
/** Most operations of a turn. */
const OPERATIONS_MAX = 21;

export const historyShape: RecordShape = new RecordShape([
  { name: 'points', kind: 'f64' },
  { name: 'title', kind: 'text' },
  { name: 'level', kind: 'u32', initial: 3 },
  { name: 'delta', kind: 'i32' },
  { name: 'open', kind: 'bool', initial: true },
  { name: 'note', kind: 'text', initial: 'none' },
  { name: 'items', kind: 'packed' },
]);

const initial: RecordObject = { points: 0, title: '', level: 3, delta: 0, open: true, note: 'none', items: undefined };
const texts = [
  '',
  'none',
  'short',
  'ünïcødé',
  'snow ☃ and 🂡',
  'half \ud83c of a pair',
  'x'.repeat(300),
  'ß'.repeat(3000),
];

export interface HistoryOptions {
  /** How many different keys the history uses. */
  readonly keys: number;
  /** Bits of the hash that are kept: few make keys collide. */
  readonly hashMask: number;
  readonly turns: number;
  /** Chance of a clear, in a million operations. */
  readonly clears: number;
  /** Turns between two complete comparisons. */
  readonly checkEvery: number;
}

export class History {
  operations: number;
  /** What the history has reached, to be sure that it tests what it should. */
  readonly most: Census;
  private heap: Heap;
  private map: HotMap;
  private readonly header: number;
  private reader: HotMap;
  private readonly model: Map<string, RecordObject>;
  private readonly random: SeededRandom;
  private readonly options: HistoryOptions;
  private readonly draft: RecordDraft;

  constructor(random: SeededRandom, options: HistoryOptions) {
    this.operations = 0;
    this.most = { entries: 0, tables: 0, depth: 0, overflowNodes: 0 };
    this.random = random;
    this.options = options;
    this.heap = new Heap(createHeapBuffer());
    this.heap.begin();
    this.header = HotMap.create(this.heap);
    this.heap.commit();
    this.map = this.attach(this.heap);
    this.reader = this.attach(new Heap(this.heap.buffer));
    this.model = new Map();
    this.draft = new RecordDraft(historyShape);
  }

  run(): void {
    for (let turn = 1; turn <= this.options.turns; turn++) {
      this.turn();
      for (let step = this.random.below(4); step > 0; step--) this.heap.maintain(1 + this.random.below(200));
      if (turn % this.options.checkEvery === 0) this.compare();
    }
    this.compare();
  }

  /** Clears the map; returns the bytes of pages that stay taken when everything has been reclaimed. */
  drain(): number {
    this.heap.begin();
    this.map.clear();
    this.heap.commit();
    this.model.clear();
    this.compare();
    for (let step = 0; step < 2000; step++) this.heap.maintain(500);
    // The last few freed blocks wait for company.
    this.heap.begin();
    for (let block = 0; block < 64; block++) this.heap.free(this.heap.alloc(1));
    this.heap.commit();
    for (let step = 0; step < 10; step++) this.heap.maintain(500);
    return this.heap.usedBytes();
  }

  private turn(): void {
    const { heap, random } = this;
    const undo: [string, RecordObject | undefined][] = [];
    const write = (key: string, value: RecordObject | undefined): void => {
      undo.push([key, this.model.get(key)]);
      if (value === undefined) this.model.delete(key);
      else this.model.set(key, value);
    };
    heap.begin();
    for (let operations = 1 + random.below(OPERATIONS_MAX); operations > 0; operations--) this.operate(write);
    const end = random.below(100);
    if (end < 75) {
      heap.commit();
      return;
    }
    if (end < 90) {
      heap.rollback();
    } else {
      // The thread dies: a successor attaches and undoes.
      this.heap = new Heap(heap.buffer);
      this.heap.recover();
      this.map = this.attach(this.heap);
      if (random.chance(30)) this.reader = this.attach(new Heap(heap.buffer));
    }
    for (const [key, before] of undo.reverse()) {
      if (before === undefined) this.model.delete(key);
      else this.model.set(key, before);
    }
  }

  private operate(write: (key: string, value: RecordObject | undefined) => void): void {
    const { random, map, model, draft } = this;
    this.operations++;
    const name = this.name(random.below(this.options.keys));
    const key = this.key(name);
    const before = model.get(name);
    const choice = random.below(1000);
    if (random.below(1_000_000) < this.options.clears) {
      for (const [key] of [...model]) write(key, undefined);
      map.clear();
      return;
    }
    if (choice < 400) {
      const fields = this.fields();
      draft.reset();
      fillDraft(draft, fields);
      map.put(key, draft);
      write(name, { ...initial, ...fields });
    } else if (choice < 600) {
      const record = map.find(key);
      expectSame(record !== 0, before !== undefined, `presence of ${name}`);
      if (before === undefined) return;
      const fields = this.fields();
      draft.load(this.heap, record);
      fillDraft(draft, fields);
      map.put(key, draft);
      write(name, { ...before, ...fields });
    } else if (choice < 780) {
      expectSame(map.delete(key), before !== undefined, `removal of ${name}`);
      if (before !== undefined) write(name, undefined);
    } else {
      const record = this.reader.find(key);
      const read = record === 0 ? undefined : recordToObject(this.reader.heap, historyShape, record);
      if (record !== 0) {
        this.reader.touchAfterPeek(record, key.hash, this.reader.stampOf(record), random.below(1000));
      }
      expectSame(read, before, `record of ${name}`);
    }
  }

  private fields(): RecordObject {
    const { random } = this;
    const fields: RecordObject = {};
    if (random.chance(60)) fields.points = random.below(1e6) / 7;
    if (random.chance(30)) fields.title = texts[random.below(random.chance(5) ? texts.length : 5)];
    if (random.chance(30)) fields.level = random.next();
    if (random.chance(30)) fields.delta = random.next() | 0;
    if (random.chance(30)) fields.open = random.chance(50);
    if (random.chance(20)) fields.note = texts[random.below(6)];
    if (random.chance(20)) fields.items = random.chance(30) ? undefined : { list: [random.below(9), 'a'], name: 'ü' };
    return fields;
  }

  private name(number: number): string {
    return number % 97 === 0 ? `long key ${'k'.repeat(number % 1000)} ${number}` : `key ${number}`;
  }

  private key(name: string): KeyBytes {
    const key = encodeKey(name, HASH_SEED);
    return { ...key, hash: key.hash & this.options.hashMask };
  }

  /** Every entry by scan and by find, on the writer's and on a reader's views. */
  private compare(): void {
    const census = takeCensus(this.map);
    for (const name of ['entries', 'tables', 'depth', 'overflowNodes'] as const) {
      this.most[name] = Math.max(this.most[name], census[name]);
    }
    expectSame(this.map.size, this.model.size, 'size');
    for (const map of [this.map, this.reader]) {
      const entries = new Map(map.entries());
      expectSame(entries.size, this.model.size, 'entries of a scan');
      for (const [key, value] of this.model) expectSame(entries.get(key), value, `record of ${key}`);
    }
  }

  private attach(heap: Heap): HotMap {
    return new HotMap(heap, this.header, historyShape, HASH_SEED);
  }
}

function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}
