// Each kind of change, looked at by a reader after every journalled store, and cut by the writer's death before every one.
import { describe, expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { StaleReadError } from '../../src/memory/stale-read-error.ts';
import type { RankedEntry } from '../../src/structures/hot-ranking/entry-walk.ts';
import { HotRanking } from '../../src/structures/hot-ranking/hot-ranking.ts';
import { LEAF_MAX } from '../../src/structures/hot-ranking/node-layout.ts';
import type { RankingTies } from '../../src/structures/hot-ranking/ranking-header.ts';
import { RankingReader } from '../../src/structures/hot-ranking/ranking-reader.ts';
import { checkRankingTree } from '../hot-ranking/check-tree.ts';
import { copyHeap } from '../memory/every-store.ts';
import { diesOnLine, watchingStores } from '../memory/kept-stores.ts';

const BUFFER = { maxBytes: 16 * 1024 * 1024, journalBytes: 256 * 1024 };

interface Fixture {
  readonly heap: Heap;
  readonly ranking: HotRanking;
  readonly reader: RankingReader;
}

interface Change {
  readonly ties?: RankingTies;
  /** Members there are before, number 0 first; their scores fall from 10,000 on. */
  readonly members: number;
  /** Brings the members into the shape that the change needs. */
  readonly prepare?: (ranking: HotRanking) => void;
  readonly change: (ranking: HotRanking) => void;
}

function attach(heap: Heap): Fixture {
  const header = heap.i32[heap.root(0)] as number;
  const keys = new KeyScratch(3);
  return {
    heap,
    ranking: new HotRanking(heap, header, keys),
    reader: new RankingReader(new Heap(heap.buffer), header, keys),
  };
}

function prepare({ members, ties, prepare }: Change): Fixture {
  const heap = new Heap(createHeapBuffer(BUFFER));
  heap.begin();
  heap.publish(heap.root(0), HotRanking.create(heap, { ties: ties ?? 'first-to-reach' }));
  heap.commit();
  const fixture = attach(heap);
  for (let number = 0; number < members; number++) {
    heap.begin();
    fixture.ranking.set(`m${number}`, 10_000 - number);
    heap.commit();
    heap.maintain(100);
  }
  heap.begin();
  prepare?.(fixture.ranking);
  heap.commit();
  while (heap.maintain(100));
  return fixture;
}

function copyOf(fixture: Fixture): Fixture {
  return attach(copyHeap(fixture.heap));
}

function allOf(reader: RankingReader): string {
  return JSON.stringify(reader.page(0, 1e6));
}

/** A reader sees the list before the change or the one after it, and each member as one of the two says. */
function checkReader(reader: RankingReader, before: string, after: string, looks: number): void {
  const list = allOf(reader);
  if (list !== before && list !== after) expect.fail('the list is that before the change or that after it');
  const lists = [JSON.parse(before), JSON.parse(after)] as [RankedEntry[], RankedEntry[]];
  const names = new Set([...lists[0], ...lists[1]].map(({ member }) => member));
  const isOnBoth = (member: string): boolean => before.includes(`"${member}"`) && after.includes(`"${member}"`);
  const sample = [...names].filter((member, at) => names.size < 40 || (at + looks) % 37 === 0 || !isOnBoth(member));
  for (const member of sample) {
    try {
      const entry = JSON.stringify(reader.entry(member));
      // The index leads to all members of the root, at each instant.
      if (entry === undefined && list.includes(`"${member}"`)) expect.fail(`${member} is listed but not found`);
      if (!lists.some((entries) => JSON.stringify(entries.find((other) => other.member === member)) === entry)) {
        expect.fail(`${member} is as before the change or as after it, not ${entry}`);
      }
    } catch (error) {
      // Between the index word and the root word, for the member that changes: the writer stands still here.
      if (!(error instanceof StaleReadError)) throw error;
    }
  }
}

const many = LEAF_MAX * 6;
const changes: Record<string, Change> = {
  'a first member': { members: 0, change: (ranking) => ranking.set('new', 9_000) },
  'a member among few': { members: 3, change: (ranking) => ranking.set('new', 9_998.5) },
  'a changed score among few': { members: 3, change: (ranking) => ranking.add('m2', 1.5) },
  'the member that brings the index': { members: 16, change: (ranking) => ranking.set('new', 9_990.5) },
  'the removal that drops the index': {
    members: 20,
    prepare: (ranking) => {
      for (let number = 5; number < 20; number++) ranking.remove(`m${number}`);
    },
    change: (ranking) => ranking.remove('m2'),
  },
  'the last member': { members: 1, change: (ranking) => ranking.remove('m0') },
  'an insertion': { members: many, change: (ranking) => ranking.set('new', 9_700.5) },
  'an insertion that splits a leaf': {
    members: many,
    prepare: (ranking) => {
      for (let number = 0; number < LEAF_MAX / 2; number++) ranking.set(`s${number}`, 9_900.25 + number / 1000);
    },
    change: (ranking) => {
      for (let number = 0; number < LEAF_MAX / 2; number++) ranking.set(`t${number}`, 9_900.5 + number / 1000);
    },
  },
  'a move within a leaf': { members: many, change: (ranking) => ranking.add('m200', -1.5) },
  'a move across the tree': { members: many, change: (ranking) => ranking.set('m2', 9_700.5) },
  'a removal': { members: many, change: (ranking) => ranking.remove('m100') },
  'removals that merge leaves': {
    members: many,
    change: (ranking) => {
      for (let number = 70; number < 70 + LEAF_MAX; number++) ranking.remove(`m${number}`);
    },
  },
  'a dense rank that goes': {
    ties: 'dense',
    members: many,
    change: (ranking) => ranking.set('m150', 10_000 - 151),
  },
  'a restored arrival': {
    members: many,
    prepare: (ranking) => {
      for (let number = 0; number < 100; number++) ranking.set(`m${number}`, 5);
    },
    change: (ranking) => ranking.restore('m99', 5, 1),
  },
  'a clear': { members: many, change: (ranking) => ranking.clear() },
};

describe('HotRanking on every line', () => {
  for (const [name, change] of Object.entries(changes)) {
    const isSingle = !name.includes('split') && !name.includes('merge');

    // Of changes that are several a reader may see some: only single ones have one before and one after.
    if (isSingle)
      it(`is whole for readers during ${name}, and during its undoing`, () => {
        const fixture = prepare(change);
        const before = allOf(fixture.reader);
        const changed = copyOf(fixture);
        changed.heap.begin();
        change.change(changed.ranking);
        const after = allOf(changed.reader);
        const watched = copyOf(fixture);
        let looks = 0;
        const look = (): void => checkReader(watched.reader, before, after, looks++);
        watchingStores(watched.heap, look, () => {
          watched.heap.begin();
          change.change(watched.ranking);
          watched.heap.rollback();
        });
        expect(looks).toBeGreaterThan(8);
        expect(allOf(watched.reader)).toBe(before);
        checkRankingTree(watched.ranking);
      });

    it(`is undone when the writer dies on any line of ${name}`, () => {
      const fixture = prepare(change);
      const before = allOf(fixture.reader);
      const used = fixture.heap.usedBytes();
      let cut = 0;
      // Of long changes not each line is taken.
      for (let died = true; died; cut += isSingle ? 1 : 29) {
        const dying = copyOf(fixture);
        died = diesOnLine(dying.heap, cut, () => {
          dying.heap.begin();
          change.change(dying.ranking);
          dying.heap.commit();
        });
        const successor = attach(new Heap(dying.heap.buffer));
        const committed = successor.heap.sequence() > fixture.heap.sequence();
        successor.heap.recover();
        checkRankingTree(successor.ranking);
        if (committed) continue;
        expect(allOf(successor.reader)).toBe(before);
        expect(successor.heap.usedBytes()).toBe(used);
      }
      expect(cut).toBeGreaterThan(8);
    });
  }

  it('frees a cleared ranking though the writer dies on any line of that', () => {
    const fixture = prepare({ members: 3000, change: () => undefined });
    fixture.heap.begin();
    fixture.ranking.clear();
    fixture.heap.commit();
    const undisturbed = copyOf(fixture).heap;
    let heap = fixture.heap;
    for (let cut = 1; cut < 300; cut++) {
      const writer = heap;
      diesOnLine(writer, cut * 7, () => {
        for (let step = 0; step < 60; step++) writer.maintain(40);
      });
      heap = new Heap(heap.buffer);
      heap.recover();
    }
    expect(bytesLeft(heap)).toBe(bytesLeft(undisturbed));
    // A page or two stays with each size of block.
    expect(bytesLeft(heap)).toBeLessThan(128 * 1024);
  });
});

/** Bytes in use once all is freed that can be. The last few freed blocks wait for company. */
function bytesLeft(heap: Heap): number {
  heap.begin();
  for (let block = 0; block < 64; block++) heap.free(heap.alloc(1));
  heap.commit();
  for (let step = 0; step < 5000; step++) heap.maintain(100);
  return heap.usedBytes();
}
