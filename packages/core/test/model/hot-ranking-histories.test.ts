/**
 * Half a million random operations on rankings against plain sorted arrays: all tie policies and orders, turns that are
 * undone, clears, restores. `SPACEGRID_SEED` repeats a run; `SPACEGRID_RANKING_OPERATIONS` sets how many there are in all.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import type { RankingOrder, RankingTies } from '../../src/structures/hot-ranking/ranking-header.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { checkRankingTree } from '../hot-ranking/check-tree.ts';
import { RankingModel } from '../hot-ranking/ranking-model.ts';

const { seed } = new SeededRandom();
const operations = Number(process.env.SPACEGRID_RANKING_OPERATIONS ?? 512_000);
const keys = new KeyScratch(7);
const orders: RankingOrder[] = ['desc', 'asc'];
const policies: RankingTies[] = ['first-to-reach', 'ordinal', 'competition', 'dense'];
/** Members, and scores they take: from few with many ties to many with hardly any. */
const sizes = [
  { members: 12, scores: 5 },
  { members: 60, scores: 12 },
  { members: 3000, scores: 9 },
  { members: 3000, scores: 1_000_000 },
];

describe(`random histories, SPACEGRID_SEED=${seed}`, () => {
  let history = 0;
  let done = 0;

  afterAll(() => void process.stdout.write(`HotRanking histories: ${done} operations, SPACEGRID_SEED=${seed}\n`));

  for (const order of orders) {
    for (const ties of policies) {
      for (const { members, scores } of sizes) {
        const historySeed = seed + history++;
        it(`${order}, ${ties}, ${members} members of ${scores} scores agree with a sorted array`, () => {
          done += runHistory(order, ties, members, scores, historySeed, operations / 32);
        });
      }
    }
  }
});

function runHistory(
  order: RankingOrder,
  ties: RankingTies,
  members: number,
  scores: number,
  from: number,
  count: number,
): number {
  const seeded = new SeededRandom(from);
  const random = (): number => seeded.next() / 2 ** 32;
  const below = (limit: number): number => seeded.below(limit);
  const name = (): string => {
    const number = below(members);
    return number % 7 === 0
      ? `é${number}`
      : number % 5 === 0
        ? `${number}`.padEnd(3 + (number % 40), 'x')
        : `m${number}`;
  };
  const score = (): number => (below(scores) - (scores >> 1)) / (scores > 100 ? 1 : 2);
  const heap = new Heap(createHeapBuffer({ maxBytes: 64 * 1024 * 1024 }));
  heap.begin();
  const ranking = new HotRanking(heap, HotRanking.create(heap, { order, ties }), keys);
  heap.commit();
  let model = new RankingModel(order, ties);
  // Phases that fill, stir and empty, so that the tree grows and shrinks.
  let done = 0;
  while (done < count) {
    const phase = Math.floor((done / count) * 6) % 3;
    const before = model.copy();
    heap.begin();
    const length = 1 + below(9);
    for (let step = 0; step < length; step++) {
      const dice = random();
      const member = name();
      if (dice < (phase === 2 ? 0.65 : phase === 1 ? 0.2 : 0.05)) {
        agree(ranking.remove(member), model.remove(member));
      } else if (dice < 0.7) {
        const value = score();
        agree(ranking.set(member, value), model.set(member, value));
      } else if (dice < 0.98) {
        const delta = score();
        agree(ranking.add(member, delta), model.add(member, delta));
        agree(ranking.rank(member), model.rank(member));
      } else if (dice < 0.9995 || members < 100) {
        const value = score();
        const arrival = below(1e6);
        ranking.restore(member, value, arrival);
        model.restore(member, value, arrival);
      } else {
        ranking.clear();
        model.clear();
      }
      done++;
    }
    if (random() < 0.2) {
      heap.rollback();
      model = before;
    } else {
      heap.commit();
    }
    for (let steps = 0; heap.maintain(32) && steps < 64; steps++);
    checkReads(ranking, model, name(), below);
    if (done % 512 < 9) {
      checkRankingTree(ranking);
      agree(ranking.page(0, model.count), model.entries());
    }
  }
  checkRankingTree(ranking);
  heap.begin();
  ranking.clear();
  heap.commit();
  agree(ranking.count, 0);
  for (let rounds = 0; rounds < 2000; rounds++) heap.maintain(64);
  // A page or two stays with each size of block, and the last few freed blocks wait for company.
  expect(heap.usedBytes()).toBeLessThan(192 * 1024);
  return done;
}

function checkReads(ranking: HotRanking, model: RankingModel, member: string, below: (limit: number) => number): void {
  agree(ranking.count, model.count);
  agree(ranking.score(member), model.score(member));
  agree(ranking.rank(member), model.rank(member));
  const record = ranking.find(keys.set(member));
  agree(record === 0 ? undefined : ranking.arrivalOf(record), model.arrival(member));
  switch (below(6)) {
    case 0:
      agree(ranking.top(3), model.slice(0, 3));
      break;
    case 1: {
      const offset = below(model.count + 3);
      agree(ranking.page(offset, 5), model.slice(offset, offset + 5));
      break;
    }
    case 2: {
      const first = below(model.count + 2);
      const last = first + below(4);
      agree(ranking.range(first, last, { limit: 50 }), model.range(first, last).slice(0, 50));
      break;
    }
    case 3: {
      const [min, max] = bounds(model, below);
      agree(ranking.countBetween(min, max), model.rangeByScore(min, max).length);
      const offset = below(3);
      const limit = 1 + below(8);
      agree(
        ranking.rangeByScore(min, max, { offset, limit }),
        model.rangeByScore(min, max).slice(offset, offset + limit),
      );
      break;
    }
    case 4:
      agree(ranking.around(member, 3), model.around(member, 3));
      break;
    default:
      agree(ranking.entry(member), model.around(member, 0)[0]);
  }
}

/** `expect` alone would take most of the time. */
function agree(actual: unknown, expected: unknown): void {
  if (Object.is(actual, expected)) return;
  if (typeof actual === 'object' && JSON.stringify(actual) === JSON.stringify(expected)) return;
  expect(actual).toEqual(expected);
}

function bounds(model: RankingModel, below: (limit: number) => number): [number, number] {
  const any = (): number => (model.count === 0 ? 0 : (model.slice(0, model.count)[below(model.count)]?.score ?? 0));
  const a = any();
  const b = any();
  return a <= b ? [a, b] : [b, a];
}
