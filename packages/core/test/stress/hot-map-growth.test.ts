// Long form: SPACEGRID_ENTRIES=10000000.
import { expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';

const ENTRIES = Number(process.env.SPACEGRID_ENTRIES ?? 1_000_000);
/** Before that the code is not yet compiled. */
const WARM_ENTRIES = 100_000;
const LONGEST_MS = 1;
const ATTEMPTS_MAX = 6;

it('grows to a million entries in under 64 bytes each, in turns of less than 1 ms', {
  timeout: 120_000,
}, () => {
  const heap = new Heap(createHeapBuffer());
  const shape = new RecordShape([
    { name: 'points', kind: 'f64' },
    { name: 'level', kind: 'u32' },
  ]);
  const points = shape.fieldOrThrow('points');
  const draft = new RecordDraft(shape);
  const key = new KeyScratch(1);
  heap.begin();
  const map = new HotMap(heap, HotMap.create(heap), shape, 1);
  heap.commit();
  const firstMs: number[] = [];
  const leastMs: number[] = [];
  for (let number = 0; number < ENTRIES; number++) {
    const bytes = map.bytes;
    key.set(`user${10_000_000 + number}`);
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 1; ; attempt++) {
      const from = performance.now();
      heap.begin();
      draft.reset();
      draft.setF64(points, number);
      map.put(key, draft);
      const ms = performance.now() - from;
      // A split adds a page; a record some 50 bytes.
      if (number < WARM_ENTRIES || map.bytes - bytes < 1000) break;
      if (attempt === 1) firstMs.push(ms);
      least = Math.min(least, ms);
      // Wall time counts other processes on the same cores: a turn that seems long is undone and taken again.
      if (least < LONGEST_MS || attempt === ATTEMPTS_MAX) {
        leastMs.push(least);
        break;
      }
      heap.rollback();
    }
    heap.commit();
    if (number % 64 === 0) heap.maintain(100);
  }
  firstMs.sort((a, b) => a - b);
  const [median, p99] = [0.5, 0.99].map((part) => firstMs[Math.ceil(part * firstMs.length) - 1] as number);
  const longest = Math.max(...leastMs);
  const report = `${firstMs.length} splits, ms: median ${median?.toFixed(3)}, p99 ${p99?.toFixed(3)}, longest of the least ${longest.toFixed(3)}; ${(map.bytes / ENTRIES).toFixed(1)} bytes an entry`;
  if (process.env.SPACEGRID_ENTRIES !== undefined) process.stdout.write(`${report}\n`);
  expect(map.size).toBe(ENTRIES);
  expect(map.bytes / ENTRIES).toBeLessThan(64);
  expect(longest, report).toBeLessThan(LONGEST_MS);
});
