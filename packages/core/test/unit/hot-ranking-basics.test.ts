import { beforeEach, describe, expect, it } from 'vitest';
import { isGridError } from '../../src/errors/grid-error.ts';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { StaleReadError } from '../../src/memory/stale-read-error.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import type { RankingOptions } from '../../src/structures/hot-ranking/ranking-header.ts';
import { RankingReader } from '../../src/structures/hot-ranking/ranking-reader.ts';
import { checkRankingTree } from '../hot-ranking/check-tree.ts';

let heap: Heap;
const keys = new KeyScratch(1);

beforeEach(() => {
  heap = new Heap(createHeapBuffer({ maxBytes: 64 * 1024 * 1024 }));
});

/** A ranking of these scores, put in that order, inside a turn that stays open. */
function rankingOf(options: RankingOptions, scores: Record<string, number> = {}): HotRanking {
  if (!heap.open) heap.begin();
  const ranking = new HotRanking(heap, HotRanking.create(heap, options), keys);
  for (const [member, score] of Object.entries(scores)) ranking.set(member, score);
  return ranking;
}

function listed(ranking: RankingReader): string {
  return ranking
    .page(0, 1000)
    .map(({ rank, member }) => `${rank} ${member}`)
    .join(', ');
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'nothing thrown';
  } catch (error) {
    return isGridError(error) ? error.code : String(error);
  }
}

const TIED = { cy: 20, bo: 30, di: 20, ada: 20, eve: 10 };

describe('ties', () => {
  it('ranks who reached a score first before the others', () => {
    const ranking = rankingOf({ ties: 'first-to-reach' }, TIED);
    expect(listed(ranking)).toBe('1 bo, 2 cy, 3 di, 4 ada, 5 eve');
    ranking.set('cy', 25);
    ranking.set('cy', 20);
    expect(listed(ranking)).toBe('1 bo, 2 di, 3 ada, 4 cy, 5 eve');
  });

  it('keeps the place of a member that is given the score it has', () => {
    const ranking = rankingOf({}, TIED);
    expect(ranking.set('cy', 20)).toBe(false);
    expect(ranking.add('di', 0)).toBe(20);
    expect(listed(ranking)).toBe('1 bo, 2 cy, 3 di, 4 ada, 5 eve');
  });

  it('ranks equal scores by the bytes of the members for ordinal ties', () => {
    expect(listed(rankingOf({ ties: 'ordinal' }, TIED))).toBe('1 bo, 2 ada, 3 cy, 4 di, 5 eve');
  });

  it('gives equal scores one rank and leaves a gap for competition ties', () => {
    expect(listed(rankingOf({ ties: 'competition' }, TIED))).toBe('1 bo, 2 ada, 2 cy, 2 di, 5 eve');
  });

  it('gives equal scores one rank and leaves no gap for dense ties', () => {
    expect(listed(rankingOf({ ties: 'dense' }, TIED))).toBe('1 bo, 2 ada, 2 cy, 2 di, 3 eve');
  });

  it('breaks ties alike in both orders', () => {
    expect(listed(rankingOf({ order: 'asc', ties: 'first-to-reach' }, TIED))).toBe('1 eve, 2 cy, 3 di, 4 ada, 5 bo');
    expect(listed(rankingOf({ order: 'asc', ties: 'dense' }, TIED))).toBe('1 eve, 2 ada, 2 cy, 2 di, 3 bo');
  });

  it('orders members by bytes, a beginning before what it begins', () => {
    const members = ['b', 'a', 'a\u0000', 'abcd', 'abc', 'abcde', 'é', 'z', 'Z', '\u{1f600}', '\uffee'];
    const ranking = rankingOf({ ties: 'ordinal' }, Object.fromEntries(members.map((member) => [member, 1])));
    const sorted = members.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(ranking.top(20).map(({ member }) => member)).toEqual(sorted);
  });
});

describe('scores', () => {
  it('takes −0 for 0', () => {
    for (const order of ['asc', 'desc'] as const) {
      const ranking = rankingOf({ order, ties: 'competition' }, { a: 0, b: -0, c: -5, d: 5 });
      expect(Object.is(ranking.score('b'), 0)).toBe(true);
      expect(ranking.rank('a')).toBe(2);
      expect(ranking.rank('b')).toBe(2);
      expect(Object.is(ranking.add('d', -5), 0)).toBe(true);
      expect(Object.is(ranking.entry('d')?.score, 0)).toBe(true);
      expect(ranking.countBetween(-0, -0)).toBe(3);
    }
  });

  it('compares as numbers over the whole range of doubles', () => {
    const scores = [Number.MAX_VALUE, 1e300, 1, Number.MIN_VALUE, 0, -Number.MIN_VALUE, -1, -1e300, -Number.MAX_VALUE];
    const ranking = rankingOf({}, Object.fromEntries(scores.map((score, at) => [`m${(at * 5) % 9}`, score])));
    expect(ranking.top(9).map(({ score }) => score)).toEqual(scores);
  });

  it('refuses scores and steps that are not finite, and changes nothing', () => {
    const ranking = rankingOf({}, { a: Number.MAX_VALUE });
    for (const score of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '5' as unknown as number]) {
      expect(codeOf(() => ranking.set('a', score))).toBe('INVALID_ARGUMENT');
      expect(codeOf(() => ranking.set('b', score))).toBe('INVALID_ARGUMENT');
      expect(codeOf(() => ranking.add('a', score))).toBe('INVALID_ARGUMENT');
      expect(codeOf(() => ranking.restore('a', score, 0))).toBe('INVALID_ARGUMENT');
    }
    expect(codeOf(() => ranking.add('a', Number.MAX_VALUE))).toBe('INVALID_ARGUMENT');
    expect(ranking.top(5)).toEqual([{ rank: 1, member: 'a', score: Number.MAX_VALUE }]);
    checkRankingTree(ranking);
  });

  it('adds to an absent member from 0 on', () => {
    const ranking = rankingOf({});
    expect(ranking.add('a', 5)).toBe(5);
    expect(ranking.add('a', 2.5)).toBe(7.5);
    expect(ranking.score('a')).toBe(7.5);
  });
});

describe('reading', () => {
  it('answers for absent members and for an empty ranking', () => {
    const ranking = rankingOf({});
    for (let round = 0; round < 2; round++) {
      expect(ranking.rank('x')).toBeUndefined();
      expect(ranking.score('x')).toBeUndefined();
      expect(ranking.entry('x')).toBeUndefined();
      expect(ranking.has('x')).toBe(false);
      expect(ranking.around('x', 2)).toEqual([]);
      expect(ranking.rankKey(keys.set('x'))).toBe(0);
      expect(ranking.scoreKey(keys.set('x'))).toBeNaN();
      expect(ranking.remove('x')).toBe(false);
      expect(ranking.range(5, 9)).toEqual([]);
      expect(ranking.page(9, 5)).toEqual([]);
      expect(ranking.rangeByScore(100, 200)).toEqual([]);
      expect(ranking.countBetween(100, 200)).toBe(0);
      if (round === 0) ranking.set('y', 1);
    }
    expect(ranking.count).toBe(1);
  });

  it('counts and lists by score, both bounds included, in the order of the ranking', () => {
    for (const order of ['asc', 'desc'] as const) {
      const ranking = rankingOf({ order }, { a: 1, b: 2, c: 3, d: 4 });
      expect(ranking.countBetween(2, 3)).toBe(2);
      expect(ranking.countBetween(3, 2)).toBe(0);
      expect(ranking.countBetween(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(4);
      const members = ranking.rangeByScore(2, 4).map(({ member }) => member);
      expect(members).toEqual(order === 'asc' ? ['b', 'c', 'd'] : ['d', 'c', 'b']);
      expect(ranking.rangeByScore(1, 4, { offset: 1, limit: 2 })).toEqual(ranking.page(1, 2));
    }
    expect(codeOf(() => rankingOf({}).countBetween(Number.NaN, 1))).toBe('INVALID_ARGUMENT');
  });

  it('lists by rank: whole ties where ranks are shared', () => {
    expect(rankingOf({ ties: 'competition' }, TIED).range(2, 4)).toHaveLength(3);
    expect(rankingOf({ ties: 'competition' }, TIED).range(3, 4)).toEqual([]);
    expect(rankingOf({ ties: 'dense' }, TIED).range(3, 9)).toEqual([{ rank: 3, member: 'eve', score: 10 }]);
    expect(rankingOf({ ties: 'dense' }, TIED).range(2, 2, { offset: 1, limit: 1 })[0]?.member).toBe('cy');
    expect(rankingOf({}, TIED).range(0, 1)).toEqual([{ rank: 1, member: 'bo', score: 30 }]);
    expect(rankingOf({}, TIED).range(3, 2)).toEqual([]);
  });

  it('shows who is around a member, and less of it at the ends', () => {
    const ranking = rankingOf({}, { a: 9, b: 8, c: 7, d: 6, e: 5 });
    const around = (member: string): string =>
      ranking
        .around(member, 1)
        .map((entry) => entry.member)
        .join('');
    expect([around('a'), around('c'), around('e')]).toEqual(['ab', 'bcd', 'de']);
  });

  it('refuses counts that are negative or broken', () => {
    const ranking = rankingOf({}, { a: 1 });
    expect(codeOf(() => ranking.top(-1))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => ranking.page(0.5, 1))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => ranking.around('a', Number.NaN))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => ranking.range(1, 2, { limit: -1 }))).toBe('INVALID_ARGUMENT');
  });

  it('visits records in order', () => {
    const ranking = rankingOf({}, TIED);
    const seen: string[] = [];
    expect(ranking.visit(1, 3, (record, position) => seen.push(`${position} ${ranking.memberOf(record)}`) < 2)).toBe(5);
    expect(seen).toEqual(['1 cy', '2 di']);
  });

  it('is attached by another thread through the header, and sees operations as they are published', () => {
    const ranking = rankingOf({}, { a: 1 });
    const reader = new RankingReader(new Heap(heap.buffer), ranking.header, new KeyScratch(1));
    for (let number = 0; number < 5000; number++) ranking.set(`m${number}`, number);
    expect(reader.count).toBe(5001);
    expect(reader.rank('m100')).toBe(4900);
    expect(reader.top(1)).toEqual([{ rank: 1, member: 'm4999', score: 4999 }]);
  });

  it('throws StaleReadError where memory is not a ranking', () => {
    const ranking = rankingOf({});
    for (let number = 0; number < 500; number++) ranking.set(`m${number}`, number);
    const root = heap.i32[ranking.header + 1] as number;
    for (const garbage of [0, -1, 0x7fffffff, 2 << 16, (1 << 16) | 500, 1 << 28]) {
      const kept = heap.i32[root] as number;
      heap.i32[root] = garbage;
      expect(() => ranking.top(3)).toThrow(StaleReadError);
      expect(() => new RankingReader(heap, ranking.header, keys).rank('m5')).toThrow(StaleReadError);
      heap.i32[root] = kept;
    }
    for (const reference of [-5, 3, 0x7ffffff0]) {
      const child = root + 4;
      const kept = heap.i32[child] as number;
      heap.i32[child] = reference;
      expect(() => ranking.page(0, 600)).toThrow(StaleReadError);
      heap.i32[child] = kept;
    }
  });
});

describe('writing', () => {
  it('removes members and empties the ranking', () => {
    const ranking = rankingOf({}, TIED);
    expect(ranking.remove('di')).toBe(true);
    expect(ranking.remove('di')).toBe(false);
    expect(listed(ranking)).toBe('1 bo, 2 cy, 3 ada, 4 eve');
    ranking.clear();
    expect([ranking.count, listed(ranking)]).toEqual([0, '']);
    ranking.set('zoe', 1);
    expect(listed(ranking)).toBe('1 zoe');
  });

  it('answers rank after add for the entry just written, also when that was undone', () => {
    const ranking = rankingOf({});
    for (let number = 0; number < 300; number++) {
      ranking.add(`m${number}`, (number * 7919) % 100);
      expect(ranking.rankKey(keys.set(`m${number}`))).toBe(ranking.entry(`m${number}`)?.rank);
    }
    heap.commit();
    const rank = ranking.rank('m7');
    heap.begin();
    ranking.add('m7', 1000);
    expect(ranking.rank('m7')).toBe(1);
    heap.rollback();
    expect(ranking.rank('m7')).toBe(rank);
  });

  it('restores arrivals in any order, and goes on counting from the highest', () => {
    const ranking = rankingOf({}, TIED);
    const rows = ranking.top(5).map(({ member, score }) => {
      return { member, score, arrival: ranking.arrivalOf(ranking.find(keys.set(member))) };
    });
    const restored = rankingOf({});
    for (const { member, score, arrival } of rows.reverse()) restored.restore(member, score, arrival);
    restored.set('fay', 20);
    expect(listed(restored)).toBe('1 bo, 2 cy, 3 di, 4 ada, 5 fay, 6 eve');
    expect(codeOf(() => restored.restore('x', 1, -1))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => restored.restore('x', 1, 0.5))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => restored.restore('x', 1, Number.MAX_SAFE_INTEGER))).toBe('INVALID_ARGUMENT');
  });

  it('keeps the order of arrivals beyond 32 bits', () => {
    const ranking = rankingOf({});
    const arrivals = [2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 5, 2 ** 50];
    for (const [at, arrival] of arrivals.entries())
      ranking.restore(`m${(at * 2) % 5}`, 1, arrivals[(at * 2) % 5] ?? arrival);
    expect(listed(ranking)).toBe('1 m0, 2 m1, 3 m2, 4 m3, 5 m4');
    ranking.set('m5', 1);
    expect(ranking.arrivalOf(ranking.written)).toBe(2 ** 50 + 1);
    expect(ranking.rank('m5')).toBe(6);
    checkRankingTree(ranking);
  });

  it('refuses members that are no keys, and options that do not exist', () => {
    const ranking = rankingOf({});
    expect(codeOf(() => ranking.set('', 1))).toBe('INVALID_KEY');
    expect(codeOf(() => ranking.set('x'.repeat(1025), 1))).toBe('INVALID_KEY');
    expect(ranking.set('x'.repeat(1024), 1)).toBe(true);
    expect(ranking.top(1)[0]?.member).toBe('x'.repeat(1024));
    expect(codeOf(() => HotRanking.create(heap, { order: 'up' as 'asc' }))).toBe('INVALID_OPTION');
    expect(codeOf(() => HotRanking.create(heap, { ties: 'none' as 'dense' }))).toBe('INVALID_OPTION');
  });

  it('undoes a turn that ran out of memory', () => {
    heap = new Heap(createHeapBuffer({ maxBytes: 1024 * 1024 }));
    const ranking = rankingOf({});
    heap.commit();
    let number = 0;
    let code = '';
    while (code === '') {
      heap.begin();
      try {
        ranking.set(`m${number}`, (number * 7919) % 10_007);
        heap.commit();
        number++;
      } catch (error) {
        heap.rollback();
        code = isGridError(error) ? error.code : String(error);
      }
      heap.maintain(32);
    }
    expect(code).toBe('CAPACITY');
    expect(ranking.count).toBe(number);
    checkRankingTree(ranking);
  });
});

describe('memory', () => {
  it('keeps three members in hundreds of bytes and one leaf', () => {
    const ranking = rankingOf({}, { 'player-one': 1, 'player-two': 2, 'player-three': 3 });
    expect(ranking.bytes).toBeLessThanOrEqual(272);
    expect(checkRankingTree(ranking)).toMatchObject({ members: 3, nodes: 1 });
  });

  it('fills leaves when members come in order', () => {
    for (const step of [1, -1]) {
      const ranking = rankingOf({});
      for (let number = 0; number < 20_000; number++) ranking.restore(`m${number}`, number * step, number);
      const { leaves } = checkRankingTree(ranking);
      expect(leaves).toBe(Math.ceil(20_000 / 64));
      heap.commit();
    }
  });

  it('stays flat and returns memory under heavy removal', () => {
    const ranking = rankingOf({});
    const turn = (run: () => void): void => {
      run();
      heap.commit();
      heap.maintain(1000);
      heap.begin();
    };
    for (let number = 0; number < 20_000; number++) turn(() => ranking.set(`m${number}`, (number * 7919) % 20_011));
    const full = checkRankingTree(ranking);
    for (let number = 0; number < 20_000; number++) if (number % 40 !== 0) turn(() => ranking.remove(`m${number}`));
    const left = checkRankingTree(ranking);
    expect(left.members).toBe(500);
    expect(left.leaves).toBeLessThan(full.leaves / 10);
    expect(left.height).toBeLessThan(full.height);
    for (let number = 0; number < 20_000; number += 40) turn(() => ranking.remove(`m${number}`));
    expect(ranking.bytes).toBe(48);
  });
});
