/** Walks a whole ranking as the writer sees it, and asserts what its code rests on. */
import { expect } from 'vitest';
import { distinctsAt, lastKeysAt } from '../../src/structures/hot-ranking/distinct-scores.ts';
import { compareTies, tieHintOf } from '../../src/structures/hot-ranking/tie-order.ts';
import { unitsOfBlock } from '../../src/structures/block-units.ts';
import type { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { SCAN_MAX } from '../../src/structures/hot-ranking/member-lookup.ts';
import { keyBytesOf, memberRecordWords, scoreOfRecord } from '../../src/structures/hot-ranking/member-record.ts';
import {
  ENTRIES_MASK,
  ENTRY_HINT,
  entryAt,
  entryKey,
  entryMembers,
  entryRef,
  INNER_MAX,
  innerWords,
  LEAF_MAX,
  LEVEL_SHIFT,
  leafWords,
  NODE_META,
  NODE_SUM,
} from '../../src/structures/hot-ranking/node-layout.ts';
import {
  MEMBER_INDEX,
  ROOT,
  SHAPE,
  tiesOfShape,
  orderOfShape,
  UNITS,
} from '../../src/structures/hot-ranking/ranking-header.ts';

interface Below {
  members: number;
  distinct: number;
  first: number;
  last: number;
  firstRecord: number;
  lastRecord: number;
}

export interface TreeFigures {
  members: number;
  height: number;
  nodes: number;
  leaves: number;
}

export function checkRankingTree(ranking: HotRanking): TreeFigures {
  const { heap, header } = ranking;
  const { i32, f64 } = heap;
  const shape = i32[header + SHAPE] as number;
  const ties = tiesOfShape(shape);
  const dense = ties === 'dense';
  const sign = orderOfShape(shape) === 'desc' ? -1 : 1;
  const figures: TreeFigures = { members: 0, height: 0, nodes: 0, leaves: 0 };
  let units = 0;

  const byArrival = ties === 'first-to-reach';
  const hintOf = (record: number): number => tieHintOf(i32, record, byArrival);
  const compareRecords = (a: number, b: number): number => compareTies(heap, hintOf(a), a, hintOf(b), b, byArrival);

  const leaf = (node: number): Below => {
    const n = i32[node + NODE_META] as number;
    expect(n).toBeGreaterThan(0);
    expect(n).toBeLessThanOrEqual(LEAF_MAX);
    units += unitsOfBlock(leafWords(n));
    figures.leaves++;
    let distinct = 0;
    let last = Number.NaN;
    let before = 0;
    for (let slot = 0; slot < n; slot++) {
      const key = entryKey(f64, node, slot);
      const record = entryRef(i32, node, slot);
      units += unitsOfBlock(memberRecordWords(keyBytesOf(i32, record)));
      if (Object.is(key, -0) || scoreOfRecord(heap, record) * sign !== key)
        expect.fail('the key is that of the record');
      if (before !== 0 && !(last < key || (last === key && compareRecords(before, record) < 0))) {
        expect.fail(`entries are sorted: ${last} ${key}`);
      }
      if (i32[entryAt(node, slot) + ENTRY_HINT] !== hintOf(record)) expect.fail('the hint is that of the record');
      if (key !== last) distinct++;
      last = key;
      before = record;
    }
    if (dense) expect(i32[node + NODE_SUM]).toBe(distinct);
    const firstRecord = entryRef(i32, node, 0);
    return {
      members: n,
      distinct,
      first: entryKey(f64, node, 0),
      last,
      firstRecord,
      lastRecord: before,
    };
  };

  const walk = (node: number, level: number): Below => {
    const meta = i32[node + NODE_META] as number;
    expect(meta >>> LEVEL_SHIFT).toBe(level);
    figures.nodes++;
    if (level === 0) return leaf(node);
    const n = meta & ENTRIES_MASK;
    expect(n).toBeGreaterThan(0);
    expect(n).toBeLessThanOrEqual(INNER_MAX);
    units += unitsOfBlock(innerWords(n, dense));
    let all: Below | undefined;
    for (let slot = 0; slot < n; slot++) {
      const below = walk(entryRef(i32, node, slot), level - 1);
      expect(entryMembers(i32, node, slot)).toBe(below.members);
      expect(entryKey(f64, node, slot)).toBe(below.first);
      if (dense) {
        expect(i32[distinctsAt(node, n) + slot]).toBe(below.distinct);
        expect(f64[lastKeysAt(node, n) + slot]).toBe(below.last);
      }
      if (all === undefined) {
        all = below;
        continue;
      }
      expect(all.last).toBeLessThanOrEqual(below.first);
      if (all.last === below.first) {
        expect(compareRecords(all.lastRecord, below.firstRecord)).toBeLessThan(0);
      }
      all = {
        members: all.members + below.members,
        distinct: all.distinct + below.distinct - (all.last === below.first ? 1 : 0),
        first: all.first,
        last: below.last,
        firstRecord: all.firstRecord,
        lastRecord: below.lastRecord,
      };
    }
    expect(i32[node + NODE_SUM]).toBe(all?.members);
    if (dense) expect(i32[node + innerWords(n, true) - 1]).toBe(all?.distinct);
    return all as Below;
  };

  const root = i32[header + ROOT] as number;
  if (root !== 0) {
    figures.height = (i32[root + NODE_META] as number) >>> LEVEL_SHIFT;
    if (figures.height > 0) expect((i32[root + NODE_META] as number) & ENTRIES_MASK).toBeGreaterThan(1);
    figures.members = walk(root, figures.height).members;
  }
  expect(i32[header + UNITS]).toBe(units);
  const isIndexed = i32[header + MEMBER_INDEX] !== 0;
  if (isIndexed) expect(i32[header + MEMBER_INDEX + 1]).toBe(figures.members);
  else expect(figures.members).toBeLessThanOrEqual(SCAN_MAX);
  return figures;
}
