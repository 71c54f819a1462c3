// Both sides of each limit on keys and values in a heap.
import { describe, expect, it } from 'vitest';
import { isGridError } from '../../src/errors/grid-error.ts';
import { KEY_BYTES_MAX, KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { takeHeapCensus } from '../memory/heap-census.ts';

const MIB = 1024 * 1024;
const shape = new RecordShape([
  { name: 'text', kind: 'text' },
  { name: 'value', kind: 'packed' },
]);

function newMap(): { heap: Heap; map: HotMap } {
  const heap = new Heap(createHeapBuffer({ maxBytes: 128 * MIB }));
  heap.begin();
  const map = new HotMap(heap, HotMap.create(heap), shape, 1);
  return { heap, map };
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return '';
  } catch (error) {
    return isGridError(error) ? error.code : String(error);
  }
}

describe('a value in a heap', () => {
  const texts: Record<string, (bytes: number) => string> = {
    ASCII: (bytes) => 'a'.repeat(bytes),
    'two bytes a letter': (bytes) => 'ß'.repeat(bytes >> 1) + 'a'.repeat(bytes & 1),
    'four bytes a letter': (bytes) => '🂡'.repeat(bytes >> 2) + 'a'.repeat(bytes & 3),
  };
  for (const [name, textOf] of Object.entries(texts)) {
    it(`is a text of 16 MiB and no byte more: ${name}`, () => {
      const { heap, map } = newMap();
      const largest = textOf(16 * MIB);
      map.set('k', { text: largest });
      const refused = codeOf(() => map.set('k', { text: textOf(16 * MIB + 1) }));
      expect(refused).toMatch(/^[A-Z_]+$/);
      expect(map.get('k')?.text === largest).toBe(true);
      heap.commit();
      const reader = new HotMap(new Heap(heap.buffer), map.header, shape, 1);
      expect(reader.get('k')?.text === largest).toBe(true);
      takeHeapCensus(heap);
    });
  }

  it('is a packed value of 16 MiB and no byte more, and its memory comes back', () => {
    const { heap, map } = newMap();
    const bytesOf = (length: number): Uint8Array => new Uint8Array(length).fill(7);
    let least = 0;
    let most = 64;
    // What the codec adds is its own business: the largest that fits lies within 64 bytes of the limit.
    while (most - least > 1) {
      const middle = (least + most) >> 1;
      if (codeOf(() => map.set('k', { value: bytesOf(16 * MIB - 64 + middle) })) === '') least = middle;
      else most = middle;
    }
    expect(least).toBeGreaterThan(32);
    map.set('k', { value: bytesOf(16 * MIB - 64 + least) });
    expect(codeOf(() => map.set('k', { value: bytesOf(16 * MIB - 63 + least) }))).toMatch(/^[A-Z_]+$/);
    expect(map.get('k')?.value).toHaveProperty('length', 16 * MIB - 64 + least);
    heap.commit();
    heap.begin();
    map.remove('k');
    heap.commit();
    for (let step = 0; step < 20; step++) heap.maintain(100);
    expect(heap.usedBytes()).toBeLessThan(MIB);
  });
});

describe('a key in a heap', () => {
  const keys: Record<string, string> = {
    'a byte': 'k',
    ASCII: 'k'.repeat(KEY_BYTES_MAX),
    'two bytes a letter': 'ß'.repeat(KEY_BYTES_MAX / 2),
    'three bytes a letter': `${'☃'.repeat(341)}k`,
    'four bytes a letter': '🂡'.repeat(KEY_BYTES_MAX / 4),
    'a zero at its end': 'k\0',
  };
  for (const [name, key] of Object.entries(keys)) {
    it(`is found and given back by map and ranking: ${name}`, () => {
      const { heap, map } = newMap();
      const ranking = new HotRanking(heap, HotRanking.create(heap), new KeyScratch(1));
      for (let other = 0; other < 40; other++) ranking.set(`other ${other}`, other);
      map.set(key, { text: 'here' });
      ranking.set(key, 100);
      expect([...map.entries()].map(([found]) => found)).toEqual([key]);
      expect(map.get(key)?.text).toBe('here');
      expect(ranking.top(1)[0]).toEqual({ rank: 1, member: key, score: 100 });
      expect(ranking.rank(key)).toBe(1);
      if (Buffer.byteLength(key) > 1) expect(map.has(key.slice(0, -1).toWellFormed())).toBe(false);
      expect(map.remove(key)).toBe(true);
      expect(ranking.remove(key)).toBe(true);
      expect(ranking.rank(key)).toBeUndefined();
      expect(map.size).toBe(0);
    });
  }

  for (const [name, key] of Object.entries({
    'of no byte': '',
    'of 1,025 bytes': 'k'.repeat(KEY_BYTES_MAX + 1),
    'of 513 letters of two bytes': 'ß'.repeat(KEY_BYTES_MAX / 2 + 1),
    'of 342 letters of three bytes': '☃'.repeat(342),
    'with half a surrogate pair': 'k\ud83c',
  })) {
    it(`${name} is refused by map and ranking`, () => {
      const { heap, map } = newMap();
      const ranking = new HotRanking(heap, HotRanking.create(heap), new KeyScratch(1));
      expect(codeOf(() => map.set(key, {}))).toBe('INVALID_KEY');
      expect(codeOf(() => ranking.set(key, 1))).toBe('INVALID_KEY');
      expect(map.size + ranking.count).toBe(0);
    });
  }
});
