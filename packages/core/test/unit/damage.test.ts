import { describe, expect, test } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { damageOfRecord } from '../../src/structures/hot-map/check-record.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { isSealIntact, sealRecord } from '../../src/structures/keyed-record.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { entryRef, LEAF_MAX, NODE_ENTRIES } from '../../src/structures/hot-ranking/node-layout.ts';
import { damageMet, RankingCheck } from '../../src/structures/hot-ranking/ranking-check.ts';
import { ROOT } from '../../src/structures/hot-ranking/ranking-header.ts';
import { RankingMend } from '../../src/structures/hot-ranking/mend-ranking.ts';
import { checkRankingTree } from '../hot-ranking/check-tree.ts';

const SEED = 11;
const shape = new RecordShape([
  { name: 'count', kind: 'f64' },
  { name: 'level', kind: 'u32' },
  { name: 'open', kind: 'bool' },
  { name: 'title', kind: 'text' },
  { name: 'value', kind: 'packed' },
]);

function heapOf(): Heap {
  return new Heap(createHeapBuffer({ maxBytes: 64 * 1024 * 1024 }));
}

function draftOf(number: number): RecordDraft {
  const draft = new RecordDraft(shape);
  draft.setF64(shape.fieldOrThrow('count'), number / 3);
  draft.setInt(shape.fieldOrThrow('level'), number);
  draft.setBool(shape.fieldOrThrow('open'), number % 2 === 1);
  draft.setText(shape.fieldOrThrow('title'), `title ${'x'.repeat(number % 9)}`);
  draft.setBytes(shape.fieldOrThrow('value'), new Uint8Array(number % 40).fill(number));
  return draft;
}

function mapOf(heap: Heap, entries: number): HotMap {
  heap.begin();
  const map = new HotMap(heap, HotMap.create(heap), shape, SEED);
  for (let number = 0; number < entries; number++) map.put(new KeyScratch(SEED).set(`key ${number}`), draftOf(number));
  heap.commit();
  return map;
}

function rankingOf(heap: Heap, members: number, ties: 'dense' | 'first-to-reach' | 'ordinal'): HotRanking {
  heap.begin();
  const ranking = new HotRanking(heap, HotRanking.create(heap, { ties }), new KeyScratch(SEED));
  for (let member = 0; member < members; member++) ranking.set(`member ${member}`, (member * 7919) % 501);
  heap.commit();
  return ranking;
}

/** All that a check finds wrong. */
function damages(ranking: HotRanking): string[] {
  const check = new RankingCheck(ranking.heap, ranking.header, SEED);
  const found: string[] = [];
  const cursor = { position: 0, lastKey: 0, root: 0 };
  const walk = damageMet(() => {
    let more = true;
    while (more)
      more = check.step(
        cursor,
        100,
        (_record, damage) => damage !== undefined && found.push(damage),
        (damage) => found.push(damage),
      );
    return undefined;
  });
  return walk === undefined ? found : [...found, walk];
}

describe('a map’s record', () => {
  test('is known as damaged whichever of its bytes has changed, texts and packed values included', () => {
    const heap = heapOf();
    const map = mapOf(heap, 40);
    for (let number = 0; number < 40; number++) {
      const record = map.find(new KeyScratch(SEED).set(`key ${number}`));
      const damage = (): string | undefined => damageOfRecord(heap, record, shape, SEED);
      expect(damage()).toBeUndefined();
      const bytes = [0, 1, 2, 3];
      for (let at = record * 4 + 8; at < (record + shape.keyAt) * 4 + map.keyByteLength(record); at++)
        bytes.push(at - record * 4);
      for (const name of ['title', 'value']) {
        const blob = heap.i32[record + shape.fieldOrThrow(name).at] as number;
        const length = (heap.i32[blob] as number) & 0xffff;
        for (let at = blob * 4 + 4; at < blob * 4 + 4 + length; at++) bytes.push(at - record * 4);
      }
      for (const at of bytes) {
        const byte = record * 4 + at;
        const before = heap.u8[byte] as number;
        heap.u8[byte] = before ^ (1 << (byte % 8));
        expect(damage(), `byte ${at} of record ${number}`).toBeTypeOf('string');
        heap.u8[byte] = before;
      }
    }
  });

  test('is mended in its place, found by its key again, whichever word of it or of its slot was damaged', () => {
    const heap = heapOf();
    const map = mapOf(heap, 300);
    const key = new KeyScratch(SEED);
    for (let number = 0; number < 300; number += 3) {
      const record = map.find(key.set(`key ${number}`));
      if (number % 2 === 0)
        heap.i32[record + ((number / 3) % shape.keyAt === 1 ? 2 : (number / 3) % shape.keyAt)] = 0x7fffffff;
      else heap.u8[(record + shape.keyAt) * 4 + 2] = 0xff;
      heap.begin();
      map.mend(key.set(`key ${number}`), draftOf(number));
      heap.commit();
    }
    expect(map.size).toBe(300);
    for (let number = 0; number < 300; number++) {
      const record = map.find(key.set(`key ${number}`));
      expect(record, `key ${number}`).not.toBe(0);
      expect(damageOfRecord(heap, record, shape, SEED)).toBeUndefined();
    }
  });
});

describe.each(['first-to-reach', 'ordinal', 'dense'] as const)('a ranking of ties %s', (ties) => {
  test('is known as damaged whichever byte of a block of it has changed', () => {
    const heap = heapOf();
    const ranking = rankingOf(heap, 1000, ties);
    expect(damages(ranking)).toEqual([]);
    const root = heap.i32[ranking.header + ROOT] as number;
    const leaf = entryRef(heap.i32, root, 2);
    const leafBytes = (NODE_ENTRIES + 4 * (heap.i32[leaf] as number)) * 4;
    const rootBytes = (NODE_ENTRIES + 4 * ((heap.i32[root] as number) % LEAF_MAX)) * 4;
    // The sum of a leaf has a meaning in a dense ranking only, and is zero in others.
    for (const [node, bytes] of [
      [leaf, leafBytes],
      [root, rootBytes],
    ] as const) {
      for (let at = 0; at < bytes; at++) {
        const byte = node * 4 + at;
        const before = heap.u8[byte] as number;
        heap.u8[byte] = before ^ (1 << (byte % 8));
        expect(damages(ranking), `byte ${at}`).not.toEqual([]);
        heap.u8[byte] = before;
      }
    }
    expect(damages(ranking)).toEqual([]);
  });

  test('is built anew from what is whole', () => {
    const heap = heapOf();
    const ranking = rankingOf(heap, 1000, ties);
    const before = ranking.page(0, 1000);
    const record = ranking.find(new KeyScratch(SEED).set('member 17'));
    const arrival = ranking.arrivalOf(record);
    heap.u8[record * 4 + 17] = 0x55;
    const root = heap.i32[ranking.header + ROOT] as number;
    heap.i32[entryRef(heap.i32, root, 1)] = 99;
    const mend = new RankingMend(heap, ranking.header, SEED);
    mend.prepare(
      [{ member: Buffer.from('member 17'), standing: { score: (17 * 7919) % 501, arrival } }],
      () => heap.begin(),
      () => heap.endMaintenance(),
    );
    heap.begin();
    mend.publish();
    heap.commit();
    expect(damages(ranking)).toEqual([]);
    expect(ranking.page(0, 1000)).toEqual(before);
    checkRankingTree(ranking);
  });
});

test('a record is whole while the writer moves it in its timer wheel', () => {
  const words = Int32Array.of(7, 0, 3, 0, 0, 0, 42, 43);
  sealRecord(words, 0, 8, 3);
  // Each look at a word of its node finds another one there.
  const moving = new Proxy(words, {
    get(target, name) {
      const word = Number(name);
      if (word >= 3 && word < 6) target[word] = (target[word] as number) + 1;
      return target[word];
    },
  });
  expect(isSealIntact(moving, 0, 8, 3)).toBe(true);
});
