import { beforeEach, describe, expect, it } from 'vitest';
import { isGridError } from '../../src/errors/grid-error.ts';
import { encodeKey, KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { IndexScan } from '../../src/structures/hash-index/index-scan.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { readByteLength, readByteOffset, readF64 } from '../../src/structures/hot-map/record-fields.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';
import { takeCensus } from '../hot-map/census.ts';

const SEED = 5;
const shape = new RecordShape([
  { name: 'name', kind: 'text' },
  { name: 'points', kind: 'f64' },
  { name: 'open', kind: 'bool', initial: true },
  { name: 'items', kind: 'packed' },
  { name: 'motto', kind: 'text', maxBytes: 10 },
]);

let heap: Heap;
let map: HotMap;

beforeEach(() => {
  heap = new Heap(createHeapBuffer({ maxBytes: 256 * 1024 * 1024 }));
  heap.begin();
  map = new HotMap(heap, HotMap.create(heap), shape, SEED);
});

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (isGridError(error)) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

describe('HotMap', () => {
  it('gives back what was set, with initial values for the rest', () => {
    map.set('ada', { points: 1.5, items: ['sword', { of: 'light' }] });
    expect(map.get('ada')).toEqual({ name: '', points: 1.5, open: true, items: ['sword', { of: 'light' }], motto: '' });
    expect(Object.keys(map.get('ada') ?? {})).toEqual(['name', 'points', 'open', 'items', 'motto']);
    expect(map.get('bob')).toBeUndefined();
    expect(map.size).toBe(1);
  });

  it('replaces the whole record by set, and keeps other fields by patch', () => {
    map.set('ada', { name: 'Ada', points: 1, open: false });
    expect(map.patch('ada', { points: 2 })).toBe(true);
    expect(map.get('ada')).toMatchObject({ name: 'Ada', points: 2, open: false });
    map.set('ada', { points: 3 });
    expect(map.get('ada')).toMatchObject({ name: '', points: 3, open: true });
    expect(map.patch('nobody', { points: 1 })).toBe(false);
  });

  it('hands out packed values deeply read-only', () => {
    map.set('ada', { items: [{ count: 1 }] });
    const items = map.get('ada')?.items as { count: number }[];
    expect(Object.isFrozen(items) && Object.isFrozen(items[0])).toBe(true);
  });

  it('removes a record once', () => {
    map.set('ada', { name: 'Ada' });
    expect([map.remove('ada'), map.remove('ada'), map.has('ada'), map.size]).toEqual([true, false, false, 0]);
  });

  it('carries texts over by reference when other fields change', () => {
    const field = shape.fieldOrThrow('name');
    map.set('ada', { name: 'a name that stays' });
    const key = encodeKey('ada', SEED);
    const before = readByteOffset(heap, map.find(key), field);
    map.patch('ada', { points: 9 });
    expect(readByteOffset(heap, map.find(key), field)).toBe(before);
    expect(readByteLength(heap, map.find(key), shape.fieldOrThrow('motto'))).toBe(-1);
  });

  it('refuses a draft whose record was replaced meanwhile, and one used twice', () => {
    map.set('ada', { points: 1 });
    const key = encodeKey('ada', SEED);
    const draft = new RecordDraft(shape);
    draft.load(heap, map.find(key));
    map.set('ada', { points: 2 });
    expect(() => map.put(key, draft)).toThrow('the record that the draft was loaded from is still there');
    draft.reset();
    map.put(key, draft);
    expect(() => map.put(key, draft)).toThrow('was begun');
  });

  it('refuses values of other kinds, unknown fields, long texts and bad keys by code', () => {
    const invalid = 'INVALID_ARGUMENT';
    expect(codeOf(() => map.set('ada', { points: '1' }))).toBe(invalid);
    expect(codeOf(() => map.set('ada', { open: 1 }))).toBe(invalid);
    expect(codeOf(() => map.set('ada', { nick: 'a' }))).toBe(invalid);
    expect(codeOf(() => map.set('ada', { motto: 'elf characters' }))).toBe(invalid);
    expect(codeOf(() => map.set('ada', { motto: 'ünïcödé' }))).toBe(invalid);
    expect(codeOf(() => map.set('', {}))).toBe('INVALID_KEY');
    expect(codeOf(() => map.set('k'.repeat(1025), {}))).toBe('INVALID_KEY');
    map.set('ada', { motto: '0123456789' });
    map.set('k'.repeat(1024), { points: 7 });
    expect(map.get('k'.repeat(1024))).toMatchObject({ points: 7 });
    expect(map.size).toBe(2);
  });

  it('keeps texts of every encoding, half surrogate pairs too', () => {
    for (const text of ['', 'ascii', 'ünïcode', 'snow ☃', 'half \ud83c', 'x'.repeat(100_000)]) {
      map.set('ada', { name: text });
      expect(map.get('ada')?.name).toBe(text);
    }
  });

  it('keeps a value of 4 MiB and gives its memory back', () => {
    map.set('ada', { items: 'x'.repeat(4_000_000) });
    expect(map.bytes).toBeGreaterThan(4_000_000);
    expect(map.get('ada')?.items).toHaveLength(4_000_000);
    map.patch('ada', { items: undefined });
    expect(map.bytes).toBeLessThan(200);
    heap.commit();
    for (let step = 0; step < 10; step++) heap.maintain(100);
    expect(heap.usedBytes()).toBeLessThan(100_000);
  });

  it('takes hundreds of bytes while it is small', () => {
    for (const name of ['ada', 'bob', 'cy']) map.set(name, { points: 1 });
    expect(map.bytes).toBeLessThanOrEqual(80 + 3 * 48);
    takeCensus(map);
  });

  it('finds many keys at once, present or not', () => {
    const names = Array.from({ length: 1000 }, (_, number) => `key ${number}`);
    for (const name of names) if (!name.endsWith('7')) map.set(name, { points: name.length });
    const bytes = new Uint8Array(20_000);
    const keys = {
      count: 1000,
      bytes,
      offsets: new Int32Array(1000),
      lengths: new Int32Array(1000),
      hashes: new Int32Array(1000),
    };
    let at = 0;
    for (const [number, name] of names.entries()) {
      const key = encodeKey(name, SEED);
      bytes.set(key.bytes.subarray(0, key.length), at);
      keys.offsets[number] = at;
      keys.lengths[number] = key.length;
      keys.hashes[number] = key.hash;
      at += key.length;
    }
    const refs = new Int32Array(1000);
    new HotMap(new Heap(heap.buffer), map.header, shape, SEED).findMany(keys, refs);
    const points = shape.fieldOrThrow('points');
    for (const [number, name] of names.entries()) {
      const ref = refs[number] as number;
      expect(ref === 0).toBe(name.endsWith('7'));
      if (ref !== 0) expect(readF64(heap, ref, points)).toBe(name.length);
    }
  });

  it('notes accesses in the record, and keeps the note when the record changes', () => {
    map.set('ada', {});
    const key = encodeKey('ada', SEED);
    map.touch(map.find(key), 1234);
    map.patch('ada', { points: 1 });
    expect(map.stampOf(map.find(key))).toBe(1234);
  });

  it('is empty at once after clear, and gives the memory back in bounded steps', () => {
    for (let number = 0; number < 20_000; number++) map.set(`key ${number}`, { name: `name ${number}` });
    heap.commit();
    const full = heap.usedBytes();
    heap.begin();
    map.clear();
    expect([map.size, map.bytes, map.has('key 1'), [...map.entries()].length]).toEqual([0, 0, false, 0]);
    map.set('ada', { points: 1 });
    heap.commit();
    let mostBytes = 0;
    for (let step = 0, used = heap.usedBytes(); step < 3000; step++) {
      heap.maintain(64);
      mostBytes = Math.max(mostBytes, used - heap.usedBytes());
      used = heap.usedBytes();
    }
    expect(heap.usedBytes()).toBeLessThan(full / 10);
    // No step gives back more than the pages that its 64 entries emptied.
    expect(mostBytes).toBeLessThan(full / 4);
    expect(map.get('ada')).toMatchObject({ points: 1 });
  });

  it('lists every entry that stays while it grows, shrinks and splits under the scan', () => {
    for (let number = 0; number < 3000; number++) map.set(`stays ${number}`, { points: number });
    heap.commit();
    const reader = new HotMap(new Heap(heap.buffer), map.header, shape, SEED);
    const scan = new IndexScan(40);
    const seen = new Set<string>();
    let cursor = 0;
    let step = 0;
    do {
      cursor = reader.scan(scan, cursor);
      for (const record of scan.refs.subarray(0, scan.count)) seen.add(reader.keyOf(record));
      heap.begin();
      for (let number = 0; number < 60; number++) map.set(`comes ${step * 60 + number}`, {});
      for (let number = 0; number < 20; number++) map.remove(`comes ${step * 50 + number}`);
      map.patch(`stays ${(step * 31) % 3000}`, { points: -1 });
      heap.commit();
      step++;
    } while (cursor !== 0);
    expect(step).toBeGreaterThan(50);
    for (let number = 0; number < 3000; number++) expect(seen.has(`stays ${number}`), `stays ${number}`).toBe(true);
  });

  it('gives a reader that attached early the records of a heap that has grown since', () => {
    heap.commit();
    const reader = new HotMap(new Heap(heap.buffer), map.header, shape, SEED);
    const words = reader.heap.i32.length;
    heap.begin();
    for (let number = 0; number < 5000; number++) map.set(`key ${number}`, { points: number, name: `name ${number}` });
    heap.commit();
    expect(heap.i32.length).toBeGreaterThan(words);
    for (const [key, record] of reader.entries()) expect(record.name).toBe(key.replace('key', 'name'));
    const points = shape.fieldOrThrow('points');
    const early = new HotMap(new Heap(heap.buffer), map.header, shape, SEED);
    heap.begin();
    for (let number = 5000; number < 20_000; number++) map.set(`key ${number}`, { points: number });
    heap.commit();
    const scan = new IndexScan(1000);
    let sum = 0;
    let cursor = 0;
    do {
      cursor = early.scan(scan, cursor);
      for (const record of scan.refs.subarray(0, scan.count)) sum += readF64(early.heap, record, points);
    } while (cursor !== 0);
    expect(sum).toBe((19_999 * 20_000) / 2);
  });

  it('refuses a key when over 500 others have its very hash, and goes on with honest ones', () => {
    const draft = new RecordDraft(shape);
    const key = new KeyScratch(SEED);
    heap.commit();
    let count = 0;
    let code = '';
    while (code === '' && count < 2000) {
      const { bytes, length } = encodeKey(`chosen ${count}`, SEED);
      heap.begin();
      draft.reset();
      try {
        map.put(key.point(bytes, 0, length, 42), draft);
        heap.commit();
        count++;
      } catch (error) {
        if (!isGridError(error)) throw error;
        code = error.code;
        heap.rollback();
      }
    }
    expect(code).toBe('CAPACITY');
    expect(count).toBeGreaterThan(500);
    expect(count).toBeLessThan(560);
    expect(takeCensus(map).entries).toBe(count);
    heap.begin();
    for (let number = 0; number < 5000; number++) map.set(`honest ${number}`, {});
    heap.commit();
    const census = takeCensus(map);
    expect(census.entries).toBe(count + 5000);
    expect(census.depth).toBeLessThan(8);
  });
});

describe('RecordShape', () => {
  it('aligns doubles to 8 bytes and packs bools into the meta word', () => {
    const fields = new RecordShape([
      { name: 'a', kind: 'bool' },
      { name: 'b', kind: 'f64' },
      { name: 'c', kind: 'u32' },
      { name: 'd', kind: 'text' },
    ]);
    expect(fields.fieldOrThrow('a').at).toBe(2);
    expect(fields.fieldOrThrow('b').at % 2).toBe(0);
    expect([fields.fieldOrThrow('d').at, fields.fieldOrThrow('c').at, fields.keyAt]).toEqual([3, 4, 8]);
  });

  it('gives each reader its own frozen copy of an initial value', () => {
    const initial = { list: [1], at: new Date(0) };
    const fields = new RecordShape([
      { name: 'box', kind: 'packed', initial },
      { name: 'none', kind: 'packed', initial: null },
    ]);
    const boxes = new HotMap(heap, HotMap.create(heap), fields, SEED);
    boxes.set('ada', {});
    const read = (): typeof initial => boxes.get('ada')?.['box'] as typeof initial;
    expect(() => read().list.push(2)).toThrow(TypeError);
    read().at.setTime(1);
    initial.list.push(3);
    expect(boxes.get('ada')).toEqual({ box: { list: [1], at: new Date(0) }, none: null });
  });

  it('keeps 60 bools apart', () => {
    const many = new RecordShape(
      Array.from({ length: 60 }, (_, number) => ({ name: `b${number}`, kind: 'bool' as const })),
    );
    const boolMap = new HotMap(heap, HotMap.create(heap), many, SEED);
    const value = Object.fromEntries(many.fields.map((field, number) => [field.name, number % 3 === 0]));
    boolMap.set('ada', value);
    expect(boolMap.get('ada')).toEqual(value);
  });

  it('refuses two fields of a name, and more texts than a record counts', () => {
    const twice = [0, 1].map(() => ({ name: 'a', kind: 'f64' as const }));
    expect(codeOf(() => new RecordShape(twice))).toBe('INVALID_OPTION');
    const texts = Array.from({ length: 128 }, (_, number) => ({ name: `t${number}`, kind: 'text' as const }));
    expect(codeOf(() => new RecordShape(texts))).toBe('INVALID_OPTION');
    expect(new RecordShape(texts.slice(1)).blobCount).toBe(127);
  });
});
