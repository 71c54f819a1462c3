// A million members with names. Long form: SPACEGRID_MEMBERS=10000000.
import { expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';

const MEMBERS = Number(process.env.SPACEGRID_MEMBERS ?? 1_000_000);

it('holds a million named members in less than 150 bytes each, also after they have moved, and clears them at once', {
  timeout: 120_000,
}, () => {
  const random = new SeededRandom(11);
  const heap = new Heap(createHeapBuffer());
  heap.begin();
  const ranking = new HotRanking(heap, HotRanking.create(heap), new KeyScratch(1));
  heap.commit();
  const turn = (run: () => void): void => {
    heap.begin();
    run();
    heap.commit();
    heap.maintain(32);
  };
  for (let number = 0; number < MEMBERS; number++) turn(() => ranking.set(`player-${number}`, random.below(1e6)));
  const built = heap.usedBytes();
  for (let number = 0; number < MEMBERS / 5; number++) {
    turn(() => ranking.add(`player-${random.below(MEMBERS)}`, random.below(1000)));
  }
  const report = `${built / MEMBERS} bytes a member, ${heap.usedBytes() / MEMBERS} after updates, ${ranking.bytes / MEMBERS} accounted`;
  if (process.env.SPACEGRID_MEMBERS !== undefined) process.stdout.write(`${report}\n`);
  expect(ranking.count).toBe(MEMBERS);
  expect(heap.usedBytes(), report).toBeLessThan(150 * MEMBERS);
  // What the ranking says it takes is what the heap has given out, but for room in pages.
  expect(ranking.bytes, report).toBeGreaterThan(heap.usedBytes() * 0.8);
  expect(ranking.bytes, report).toBeLessThanOrEqual(heap.usedBytes());

  const from = performance.now();
  turn(() => ranking.clear());
  expect(performance.now() - from).toBeLessThan(5);
  expect(ranking.count).toBe(0);
});
