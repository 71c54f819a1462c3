import { describe, expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { RankingBuilder } from '../../src/structures/hot-ranking/ranking-builder.ts';
import type { RankingOrder, RankingTies } from '../../src/structures/hot-ranking/ranking-header.ts';
import { sortedOrder } from '../../src/structures/hot-ranking/sorted-order.ts';
import { checkRankingTree } from '../hot-ranking/check-tree.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';

const { seed: SEED } = new SeededRandom();

function seededRandom(seed: number): () => number {
  const random = new SeededRandom(seed);
  return () => random.next() / 2 ** 32;
}

function emptyRanking(order: RankingOrder, ties: RankingTies): { heap: Heap; ranking: HotRanking; keys: KeyScratch } {
  const heap = new Heap(createHeapBuffer({ maxBytes: 256 * 1024 ** 2 }));
  const keys = new KeyScratch(1);
  heap.begin();
  heap.publish(heap.root(0), HotRanking.create(heap, { order, ties }));
  heap.commit();
  return { heap, ranking: new HotRanking(heap, heap.i32[heap.root(0)] as number, keys), keys };
}

interface Member {
  readonly name: string;
  readonly score: number;
  readonly arrival: number;
}

/** In the order of their bytes. */
function members(count: number, random: () => number): Member[] {
  const scores = [-1e300, -3, -0.5, 0, 1e-300, 2, 2 ** 40, 1.7e308];
  return Array.from({ length: count }, (_, index) => ({
    name: `m${String(index).padStart(7, '0')}`,
    score: random() < 0.5 ? (scores[Math.floor(random() * scores.length)] as number) : (random() - 0.5) * 1000,
    arrival: random() < 0.1 ? Math.floor(random() * 2 ** 52) : Math.floor(random() * 1000),
  }));
}

describe(`a ranking that is built as a whole (SPACEGRID_SEED=${SEED})`, () => {
  for (const order of ['asc', 'desc'] as const) {
    for (const ties of ['first-to-reach', 'ordinal', 'competition', 'dense'] as const) {
      it.each([1, 2, 16, 17, 48, 49, 64, 65, 2304, 2305, 5000])(
        `of %i members is the one that they make one by one: ${order}, ${ties}`,
        (count) => {
          const random = seededRandom(SEED + count);
          const list = members(count, random);
          const built = emptyRanking(order, ties);
          const builder = new RankingBuilder(built.heap, built.ranking.header);
          const before = (): void => built.heap.begin();
          const after = (): void => built.heap.endMaintenance();
          for (const { name, score, arrival } of list) {
            before();
            builder.take(built.keys.set(name), score, arrival);
            after();
          }
          expect(built.ranking.count).toBe(0);
          builder.finish(before, after);
          const single = emptyRanking(order, ties);
          single.heap.begin();
          for (const { name, score, arrival } of [...list].sort(() => random() - 0.5))
            single.ranking.restore(name, score, arrival);
          single.heap.commit();
          checkRankingTree(built.ranking);
          expect(built.ranking.page(0, count + 1)).toEqual(single.ranking.page(0, count + 1));
          for (const ranking of [built, single]) {
            ranking.heap.begin();
            for (let index = 0; index < 200; index++) {
              const name = (list[(index * 7919) % count] as Member).name;
              if (index % 3 === 0) ranking.ranking.remove(name);
              else if (index % 3 === 1) ranking.ranking.add(name, index);
              else ranking.ranking.set(`new${index}`, index - 100);
            }
            ranking.heap.commit();
          }
          checkRankingTree(built.ranking);
          expect(built.ranking.page(0, count + 500)).toEqual(single.ranking.page(0, count + 500));
        },
      );
    }
  }

  it('of no members stays empty', () => {
    const { heap, ranking } = emptyRanking('desc', 'dense');
    new RankingBuilder(heap, ranking.header).finish(
      () => heap.begin(),
      () => heap.endMaintenance(),
    );
    expect(ranking.count).toBe(0);
  });

  it('must have been empty', () => {
    const { heap, ranking } = emptyRanking('desc', 'dense');
    heap.begin();
    ranking.set('a', 1);
    heap.commit();
    expect(() => new RankingBuilder(heap, ranking.header)).toThrow(/only an empty ranking/);
  });
});

describe('sortedOrder', () => {
  it('sorts as a comparator does, ties by the second numbers, and else stably', () => {
    const random = seededRandom(SEED);
    const list = members(20_000, random);
    const keys = Float64Array.from(list, ({ score }) => score);
    const ties = Float64Array.from(list, ({ arrival }) => arrival);
    const at = (values: Float64Array, index: number): number => values[index] as number;
    const expected = Array.from(keys.keys());
    expect([...sortedOrder(keys)]).toEqual([...expected].sort((a, b) => at(keys, a) - at(keys, b)));
    expect([...sortedOrder(keys, ties)]).toEqual(
      [...expected].sort((a, b) => at(keys, a) - at(keys, b) || at(ties, a) - at(ties, b)),
    );
  });
});
