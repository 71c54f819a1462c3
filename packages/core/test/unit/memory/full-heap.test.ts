// Structures in a heap that is full: a turn is undone, and what takes away goes on.
import { expect, it } from 'vitest';
import { CapacityError } from '../../../src/errors/grid-errors.ts';
import { KeyScratch } from '../../../src/hash/key-bytes.ts';
import { Heap } from '../../../src/memory/heap.ts';
import { createHeapBuffer } from '../../../src/memory/heap-layout.ts';
import { HotMap } from '../../../src/structures/hot-map/hot-map.ts';
import { RecordShape } from '../../../src/structures/hot-map/record-shape.ts';
import { HotRanking } from '../../../src/structures/hot-ranking/hot-ranking.ts';
import { takeCensus } from '../../hot-map/census.ts';
import { SeededRandom } from '../../hot-map/seeded-random.ts';
import { checkRankingTree } from '../../hot-ranking/check-tree.ts';
import { takeHeapCensus } from '../../memory/heap-census.ts';

const OPTIONS = { maxBytes: 1024 * 1024, journalBytes: 1024 * 1024 };

/** Runs a turn; false when it was refused and undone. */
function turn(heap: Heap, run: () => void): boolean {
  heap.begin();
  try {
    run();
    heap.commit();
    return true;
  } catch (error) {
    heap.rollback();
    if (!(error instanceof CapacityError)) throw error;
    return false;
  } finally {
    heap.maintain(64);
  }
}

for (const ties of ['first-to-reach', 'dense'] as const) {
  it(`a full heap of ${ties} rankings can be emptied member by member, and filled again`, () => {
    const random = new SeededRandom();
    const heap = new Heap(createHeapBuffer(OPTIONS));
    heap.begin();
    const rankings = Array.from(
      { length: 3 },
      () => new HotRanking(heap, HotRanking.create(heap, { ties }), new KeyScratch(1)),
    );
    heap.commit();
    const counts: number[] = [];
    for (let round = 0; round < 2; round++) {
      const members: [HotRanking, string][] = [];
      for (let refused = 0; refused < 200; ) {
        const ranking = rankings[random.below(3)] as HotRanking;
        const member = `member ${members.length} ${'x'.repeat(random.below(20))}`;
        if (turn(heap, () => void ranking.set(member, random.below(5000)))) members.push([ranking, member]);
        else refused++;
      }
      counts.push(members.length);
      for (const ranking of rankings) checkRankingTree(ranking);
      while (members.length > 0) {
        const [[ranking, member]] = members.splice(random.below(members.length), 1) as [[HotRanking, string]];
        const removed = turn(heap, () => expect(ranking.remove(member)).toBe(true));
        expect(removed, `seed ${random.seed}: ${member}, ${members.length} are left`).toBe(true);
      }
      for (const ranking of rankings) expect(ranking.count).toBe(0);
      takeHeapCensus(heap);
    }
    expect(counts[1]).toBeGreaterThan((counts[0] as number) * 0.9);
  });
}

it('a full heap of leaves that shrink side by side can be emptied, reclaiming only every hundred turns', () => {
  const random = new SeededRandom();
  const heap = new Heap(createHeapBuffer({ ...OPTIONS, maxBytes: 3 * 1024 * 1024 }));
  heap.begin();
  const ranking = new HotRanking(heap, HotRanking.create(heap), new KeyScratch(1));
  heap.commit();
  const members: string[] = [];
  const inOrder = (): void => void ranking.set(`member ${members.length}`, members.length);
  while (turn(heap, inOrder)) members.push(`member ${members.length}`);
  for (let removed = 1; members.length > 0; removed++) {
    const [member] = members.splice(random.below(members.length), 1) as [string];
    heap.relieve();
    heap.begin();
    expect(ranking.remove(member), `seed ${random.seed}: ${member}, ${members.length} are left`).toBe(true);
    heap.commit();
    if (removed % 100 === 0) for (let step = 0; step < 4; step++) heap.maintain(256);
    if (removed % 1000 === 0) checkRankingTree(ranking);
  }
  takeHeapCensus(heap);
});

it('a full heap of records refuses one more, changes nothing by that, and can be emptied record by record', () => {
  const random = new SeededRandom();
  const heap = new Heap(createHeapBuffer(OPTIONS));
  const shape = new RecordShape([{ name: 'text', kind: 'text' }]);
  heap.begin();
  const map = new HotMap(heap, HotMap.create(heap), shape, 1);
  heap.commit();
  const counts: number[] = [];
  for (let round = 0; round < 2; round++) {
    const keys: string[] = [];
    for (let refused = 0; refused < 200; ) {
      const key = `key ${keys.length}`;
      if (turn(heap, () => map.set(key, { text: 'x'.repeat(random.below(300)) }))) keys.push(key);
      else refused++;
      expect(map.size).toBe(keys.length);
    }
    takeCensus(map);
    counts.push(keys.length);
    while (keys.length > 0) {
      const [key] = keys.splice(random.below(keys.length), 1) as [string];
      expect(turn(heap, () => expect(map.remove(key)).toBe(true))).toBe(true);
    }
    takeCensus(map);
    takeHeapCensus(heap);
  }
  expect(counts[1]).toBeGreaterThan((counts[0] as number) * 0.8);
});
