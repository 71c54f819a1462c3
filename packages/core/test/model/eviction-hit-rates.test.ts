/** Evicting by samples, beside exact LRU, the best set of entries that never changes, and no rule at all, on traces of a skewed choice. */
import { expect, it } from 'vitest';
import { encodeKey } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { type AccessStamps, frequencyStamps, recencyStamps } from '../../src/structures/hot-map/access-stamps.ts';
import { EntryLife } from '../../src/structures/hot-map/entry-life.ts';
import { EvictionPool } from '../../src/structures/hot-map/eviction-pool.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';

const UNIVERSE = 20_000;
const CAPACITY = 1000;
const ACCESSES = 120_000;
/** Not counted: the map fills. */
const WARM_UP = 30_000;
/** A few accesses in each sixteenth of a second. */
const ACCESS_MS = 5;
const START_MS = 1_767_225_600_000;

/** Ranks with the probability of 1 / (rank + 1), by the inverse of its sum. */
function zipf(random: SeededRandom): () => number {
  const sums = new Float64Array(UNIVERSE);
  let sum = 0;
  for (let rank = 0; rank < UNIVERSE; rank++) sums[rank] = sum += 1 / (rank + 1);
  return () => {
    const at = (random.next() / 2 ** 32) * sum;
    let low = 0;
    for (let high = UNIVERSE - 1; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Like a cache: what is not there is put, and another goes. Returns the share of hits. */
function hitRate(trace: Int32Array, access: (item: number, at: number) => boolean): number {
  let hits = 0;
  for (const [at, item] of trace.entries()) if (access(item, at) && at >= WARM_UP) hits++;
  return hits / (trace.length - WARM_UP);
}

function sampled(trace: Int32Array, stamps: AccessStamps, random: SeededRandom): number {
  const shape = new RecordShape([{ name: 'value', kind: 'u32' }]);
  const heap = new Heap(createHeapBuffer({ maxBytes: 64 * 1024 * 1024 }));
  heap.begin();
  const map = new HotMap(heap, HotMap.create(heap), shape, 9);
  heap.commit();
  const pool = new EvictionPool(new EntryLife(shape, stamps, Number.POSITIVE_INFINITY), () => random.next());
  const draft = new RecordDraft(shape);
  const keys = Array.from({ length: UNIVERSE }, (_, item) => encodeKey(`item ${item}`, 9));
  return hitRate(trace, (item, at) => {
    const nowMs = START_MS + at * ACCESS_MS;
    const key = keys[item] as (typeof keys)[number];
    const record = map.find(key);
    if (record !== 0) {
      map.touch(record, stamps.accessed(map.stampOf(record), nowMs));
      return true;
    }
    heap.begin();
    if (map.size === CAPACITY) {
      const victim = pool.victim(map, nowMs, () => true);
      const length = map.keyByteLength(victim);
      expect(map.delete({ bytes: heap.u8, offset: map.keyOffset(victim), length, hash: map.hashOf(victim) })).toBe(
        true,
      );
    }
    draft.reset();
    draft.setStamp(stamps.fresh(nowMs));
    map.put(key, draft);
    heap.commit();
    heap.maintain(64);
    return false;
  });
}

function exactLru(trace: Int32Array): number {
  const entries = new Set<number>();
  return hitRate(trace, (item) => {
    const isHit = entries.delete(item);
    if (!isHit && entries.size === CAPACITY) entries.delete(entries.values().next().value as number);
    entries.add(item);
    return isHit;
  });
}

function atRandom(trace: Int32Array, random: SeededRandom): number {
  const places = new Map<number, number>();
  const items: number[] = [];
  return hitRate(trace, (item) => {
    if (places.has(item)) return true;
    const place = items.length < CAPACITY ? items.length : random.below(CAPACITY);
    if (items[place] !== undefined) places.delete(items[place]);
    items[place] = item;
    places.set(item, place);
    return false;
  });
}

function percent(rate: number): string {
  return `${(rate * 100).toFixed(1)} %`;
}

it('comes close to exact LRU, and to the most popular entries by LFU', () => {
  const random = new SeededRandom();
  const next = zipf(random);
  const trace = Int32Array.from({ length: ACCESSES }, next);
  const best = hitRate(trace, (item) => item < CAPACITY);
  const lru = exactLru(trace);
  const none = atRandom(trace, random);
  const sampledLru = sampled(trace, recencyStamps, random);
  const sampledLfu = sampled(trace, frequencyStamps, random);
  process.stderr.write(
    `hit rates of 1,000 of 20,000 entries: LRU by samples ${percent(sampledLru)}, exact ${percent(lru)}; LFU by samples ${percent(sampledLfu)}, the best ${percent(best)}; at random ${percent(none)}; SPACEGRID_SEED=${random.seed}\n`,
  );
  expect(lru - sampledLru).toBeLessThan(0.01);
  expect(sampledLru - none).toBeGreaterThan((lru - none) / 2);
  expect(sampledLfu).toBeGreaterThan(lru);
  expect(best - sampledLfu).toBeLessThan(0.05);
}, 60_000);

it('follows a change of what is popular, by LFU too', () => {
  const random = new SeededRandom();
  const next = zipf(random);
  // In the second half other entries are popular: the counts of the former ones age.
  const trace = Int32Array.from({ length: ACCESSES }, (_, at) => (at < ACCESSES / 2 ? next() : UNIVERSE - 1 - next()));
  const rate = sampled(trace, frequencyStamps, random);
  expect(rate, `SPACEGRID_SEED=${random.seed}`).toBeGreaterThan(exactLru(trace) - 0.03);
}, 60_000);
