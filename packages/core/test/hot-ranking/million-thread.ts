/** Fills a ranking, moves some members, clears it, and reports what that took: a thread, since there code runs at its full speed. */
import { parentPort, workerData } from 'node:worker_threads';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';

export interface MillionReport {
  readonly count: number;
  readonly builtBytes: number;
  readonly usedBytes: number;
  /** What the ranking says it takes. */
  readonly rankingBytes: number;
  readonly clearMs: number;
  readonly countAfterClear: number;
}

const members = (workerData as { members: number }).members;
const random = new SeededRandom(11);
const heap = new Heap(createHeapBuffer());
heap.begin();
const ranking = new HotRanking(heap, HotRanking.create(heap), new KeyScratch(1));
heap.commit();

function turn(run: () => void): void {
  heap.begin();
  run();
  heap.commit();
  heap.maintain(32);
}

for (let number = 0; number < members; number++) turn(() => ranking.set(`player-${number}`, random.below(1e6)));
const builtBytes = heap.usedBytes();
for (let number = 0; number < members / 5; number++) {
  turn(() => ranking.add(`player-${random.below(members)}`, random.below(1000)));
}
const { count, bytes: rankingBytes } = ranking;
const usedBytes = heap.usedBytes();
const from = performance.now();
turn(() => ranking.clear());
const report: MillionReport = {
  count,
  builtBytes,
  usedBytes,
  rankingBytes,
  clearMs: performance.now() - from,
  countAfterClear: ranking.count,
};
parentPort?.postMessage(report);
