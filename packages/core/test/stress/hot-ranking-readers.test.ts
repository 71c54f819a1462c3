// Real threads read rankings under pins while the writer updates, removes, undoes and reuses memory at full speed.
// Together with the test of the other structure: ten million checked reads. Long form: SPACEGRID_READS=1000000000.
// SPACEGRID_SEED repeats the writer's choices.
import { expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { ReaderThreads } from '../memory/reader-threads.ts';
import { checkRankingTree } from '../hot-ranking/check-tree.ts';
import {
  AGREEMENTS,
  BUSY,
  DROPPED,
  ENTRIES,
  HASH_SEED,
  MEMBERS,
  memberName,
  RANKINGS,
  SNAPSHOTS,
  STABLE_MEMBERS,
  scoreFor,
  TORN,
} from '../hot-ranking/watched-ranking.ts';

const READS_MIN = Number(process.env.SPACEGRID_READS ?? 4_500_000);
/** Some two million a second are usual; a machine that is busy otherwise takes longer. */
const DURATION_MS_MAX = 60_000 + READS_MIN / 200;
const READERS = 2;

it('every snapshot is sorted, ranked and whole, and answers from one root agree', {
  timeout: DURATION_MS_MAX + 30_000,
}, async () => {
  const random = new SeededRandom();
  const heap = new Heap(createHeapBuffer());
  const keys = new KeyScratch(HASH_SEED);
  heap.begin();
  const headers = RANKINGS.map((options) => HotRanking.create(heap, options));
  heap.commit();
  const rankings = headers.map((header) => new HotRanking(heap, header, keys));
  let step = 0;
  heap.begin();
  for (const ranking of rankings) {
    for (let number = 0; number < STABLE_MEMBERS; number++) ranking.set(memberName(number), scoreFor(number, step++));
  }
  heap.commit();

  const module = new URL('../hot-ranking/reader-thread.ts', import.meta.url);
  const readers = await ReaderThreads.start(module, READERS, heap, random.seed, { headers });
  const { failures } = readers;
  const total = (word: number): number => readers.total(word);
  const endAt = performance.now() + DURATION_MS_MAX;
  let puts = 0;
  let mostBytes = 0;
  let turns = 0;
  let undone = 0;
  while (total(ENTRIES) < READS_MIN && performance.now() < endAt && failures.length === 0) {
    // Waves: rankings grow to some thousands of members, and shrink to the stable ones.
    const growing = (turns >>> 12) % 2 === 0;
    heap.begin();
    for (let count = random.below(6); count >= 0; count--) {
      const ranking = rankings[random.below(rankings.length)] as HotRanking;
      const number = random.chance(50) ? random.below(STABLE_MEMBERS) : random.below(MEMBERS);
      if (number < STABLE_MEMBERS || (growing ? random.chance(80) : random.chance(10))) {
        ranking.set(memberName(number), scoreFor(number, random.chance(70) ? random.below(97) : step++));
        puts++;
      } else {
        ranking.remove(memberName(number));
      }
    }
    if (turns % 4000 === 2000) {
      heap.rollback();
      undone++;
    } else {
      heap.commit();
    }
    heap.maintain(40);
    mostBytes = Math.max(mostBytes, heap.usedBytes());
    turns++;
    // A reader that failed says so by an event.
    if (turns % 4096 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await readers.stop();
  const report = `HotRanking: ${total(ENTRIES)} checked entries, ${total(TORN)} torn, SPACEGRID_SEED=${random.seed}: ${turns} turns, ${undone} undone, ${puts} changes through ${mostBytes} bytes, ${total(SNAPSHOTS)} snapshots, ${total(AGREEMENTS)} agreements, ${total(DROPPED)} dropped, ${total(BUSY)} busy`;
  process.stdout.write(`${report}\n`);
  expect(failures, report).toEqual([]);
  expect(total(TORN), report).toBe(0);
  expect(total(ENTRIES), report).toBeGreaterThanOrEqual(READS_MIN);
  // A change writes at least a leaf and a root, some 1,024 bytes: memory was used more than once.
  expect(puts * 1024, report).toBeGreaterThan(mostBytes);
  expect(undone, report).toBeGreaterThan(0);
  expect(total(SNAPSHOTS), report).toBeGreaterThan(20);
  expect(total(AGREEMENTS), report).toBeGreaterThan(100);
  for (const ranking of rankings) checkRankingTree(ranking);
});
