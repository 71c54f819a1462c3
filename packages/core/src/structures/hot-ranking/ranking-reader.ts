/**
 * Reads a ranking. Any thread, under a pin; the partition's own thread needs none.
 *
 * Progress: wait-free on one snapshot, the root loaded once, for everything but `rank`, `around` and `entry`, which find the
 * member's record by another word than the root and look again, up to 256 times, when the two belong to different instants.
 * Staleness: none: the root load is the linearization. `score` alone is that of the index word, which a writer publishes just
 * before the root. Throws StaleReadError when the memory can't be a ranking any more, or when looking again did not help.
 * `rankKey` and `scoreKey` allocate nothing.
 */
import { inspect } from 'node:util';
import { InvalidArgumentError } from '../../errors/grid-errors.ts';
import type { KeyBytes, KeyScratch } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { BYTES_PER_UNIT, unitsOfBlock } from '../block-units.ts';
import { reach } from '../reach.ts';
import { LISTED, positionOf, positionOfKey, seek, seekPosition } from './descend.ts';
import { entriesFrom, type RankedEntry, type RecordVisitor, walkRecords } from './entry-walk.ts';
import { MemberLookup, nextAttempt } from './member-lookup.ts';
import { arrivalOfRecord, MEMBER_AT, memberOfRecord, scoreOfRecord } from './member-record.ts';
import { entryKey, membersOf, openRoot } from './node-layout.ts';
import { Path } from './path.ts';
import { isRankingShape, RANKING_HEADER_WORDS, ROOT, SHAPE, UNITS } from './ranking-header.ts';
import { RankingTree } from './ranking-tree.ts';
import { keyOfScore, positionOfRank, rankOf } from './standing.ts';

export interface RangeOptions {
  /** Entries to pass over. Default 0. */
  readonly offset?: number;
  /** Most entries to return. Default: all. */
  readonly limit?: number;
}

/** Where reading walks keep their way; one serves a thread, as walks do not interleave. */
const path = new Path();

export class RankingReader {
  readonly heap: Heap;
  /** Reference of the header block. */
  readonly header: number;
  protected readonly tree: RankingTree;
  protected readonly lookup: MemberLookup;
  protected readonly keys: KeyScratch;

  /** Attaches to a ranking that `HotRanking.create` made in this heap. `keys` encodes and hashes members given as text. */
  constructor(heap: Heap, header: number, keys: KeyScratch) {
    reach(heap, header, RANKING_HEADER_WORDS);
    const shape = heap.i32[header + SHAPE] as number;
    if (!isRankingShape(shape)) throwStaleRead();
    this.heap = heap;
    this.header = header;
    this.tree = new RankingTree(heap, shape);
    this.lookup = new MemberLookup(heap, header);
    this.keys = keys;
  }

  /** Ranked members. */
  get count(): number {
    return this.membersBelow(this.root());
  }

  /** Bytes of the heap that the ranking takes: header, nodes, records and index. */
  get bytes(): number {
    const units = unitsOfBlock(RANKING_HEADER_WORDS) + (this.heap.i32[this.header + UNITS] as number);
    return units * BYTES_PER_UNIT + this.lookup.index.bytes;
  }

  /** Rank of a member, from 1 on; undefined when absent. */
  rank(member: string): number | undefined {
    return this.rankKey(this.keys.set(member)) || undefined;
  }

  /** Rank of a member, from 1 on; 0 when absent. */
  rankKey(key: KeyBytes): number {
    const root = this.seekMember(key);
    return root === 0 ? 0 : rankOf(this.tree, root, this.keyAtPath(), path);
  }

  /** Score of a member; undefined when absent. */
  score(member: string): number | undefined {
    const record = this.find(this.keys.set(member));
    return record === 0 ? undefined : scoreOfRecord(this.heap, record);
  }

  /** Score of a member; NaN when absent. */
  scoreKey(key: KeyBytes): number {
    const record = this.find(key);
    return record === 0 ? Number.NaN : scoreOfRecord(this.heap, record);
  }

  has(member: string): boolean {
    return this.find(this.keys.set(member)) !== 0;
  }

  /** Rank and score of a member at one instant; undefined when absent. */
  entry(member: string): RankedEntry | undefined {
    const root = this.seekMember(this.keys.set(member));
    if (root === 0) return undefined;
    const from = positionOf(this.tree, path);
    return entriesFrom(this.tree, root, this.membersBelow(root), from, 1, path)[0];
  }

  /** Members whose score is from `min` to `max`, both included. */
  countBetween(min: number, max: number): number {
    const { low, high } = this.keyRange(min, max);
    const root = this.root();
    if (root === 0 || low > high) return 0;
    return positionOfKey(this.tree, root, high, true) - positionOfKey(this.tree, root, low, false);
  }

  /** The first `n` entries. */
  top(n: number): RankedEntry[] {
    return this.page(0, n);
  }

  /** `limit` entries, after passing over `offset`. */
  page(offset: number, limit: number): RankedEntry[] {
    const from = checkedCount('offset', offset);
    const most = checkedCount('limit', limit);
    const root = this.root();
    return entriesFrom(this.tree, root, this.membersBelow(root), from, most, path);
  }

  /** Entries whose rank is from `fromRank` to `toRank`, both included; the first rank is 1. */
  range(fromRank: number, toRank: number, options: RangeOptions = {}): RankedEntry[] {
    const first = checkedCount('fromRank', fromRank);
    const last = checkedCount('toRank', toRank);
    const root = this.root();
    const members = this.membersBelow(root);
    if (members === 0 || last < first || last === 0) return [];
    const keyAt = (position: number): number => {
      seekPosition(this.tree, root, position, path);
      return this.keyAtPath();
    };
    const from = positionOfRank(this.tree, root, members, first, keyAt);
    const to = positionOfRank(this.tree, root, members, last + 1, keyAt);
    return this.entriesWithin(root, members, from, to, options);
  }

  /** Entries whose score is from `min` to `max`, both included, in the order of the ranking. */
  rangeByScore(min: number, max: number, options: RangeOptions = {}): RankedEntry[] {
    const { low, high } = this.keyRange(min, max);
    const root = this.root();
    const members = this.membersBelow(root);
    if (members === 0 || low > high) return [];
    const from = positionOfKey(this.tree, root, low, false);
    return this.entriesWithin(root, members, from, positionOfKey(this.tree, root, high, true), options);
  }

  /** A member's entry with up to `n` before it and `n` behind it; none when absent. */
  around(member: string, n: number): RankedEntry[] {
    const reachOut = checkedCount('n', n);
    const root = this.seekMember(this.keys.set(member));
    if (root === 0) return [];
    const position = positionOf(this.tree, path);
    const from = Math.max(0, position - reachOut);
    return entriesFrom(this.tree, root, this.membersBelow(root), from, position - from + 1 + reachOut, path);
  }

  /** Reference of the member's record, or 0: for `scoreOf`, `arrivalOf`, `memberOf`. */
  find(key: KeyBytes): number {
    for (let attempts = 0; ; attempts = nextAttempt(attempts)) {
      const root = this.root();
      if (root === 0) return 0;
      const record = this.lookup.find(root, key);
      if (record >= 0) return record;
    }
  }

  scoreOf(record: number): number {
    reach(this.heap, record, MEMBER_AT);
    return scoreOfRecord(this.heap, record);
  }

  /** When the member reached its score: a count that grows by one with each score reached. To be given to `restore`. */
  arrivalOf(record: number): number {
    reach(this.heap, record, MEMBER_AT);
    return arrivalOfRecord(this.heap, record);
  }

  memberOf(record: number): string {
    return memberOfRecord(this.heap, record);
  }

  /** Visits records in order from a position on, `limit` at most. Returns how many entries there are. */
  visit(from: number, limit: number, visitor: RecordVisitor): number {
    const root = this.root();
    const members = this.membersBelow(root);
    const count = Math.min(checkedCount('limit', limit), members - checkedCount('from', from));
    if (count > 0) walkRecords(this.tree, root, from, count, new Path(), visitor);
    return members;
  }

  /** Observe: pairs with the publication of the root by HotRanking; everything below is then visible and immutable. */
  protected root(): number {
    return this.heap.load(this.header + ROOT);
  }

  /** Leads `path` to the member's entry and returns the root that holds it; 0 when absent. */
  private seekMember(key: KeyBytes): number {
    for (let attempts = 0; ; attempts = nextAttempt(attempts)) {
      const root = this.root();
      if (root === 0) return 0;
      const record = this.lookup.find(root, key);
      if (record === 0) return 0;
      if (record < 0) continue;
      seek(this.tree, root, keyOfScore(this.tree, this.scoreOf(record)), record, LISTED, path);
      if (path.found) return root;
    }
  }

  private keyAtPath(): number {
    return entryKey(this.heap.f64, path.nodes[0] as number, path.slots[0] as number);
  }

  protected membersBelow(root: number): number {
    if (root === 0) return 0;
    openRoot(this.heap, root);
    const members = membersOf(this.heap.i32, root);
    // Bound: no more members than their entries fit the heap.
    if (members <= 0 || members > this.heap.i32.length / 3) throwStaleRead();
    return members;
  }

  private entriesWithin(root: number, members: number, from: number, to: number, options: RangeOptions): RankedEntry[] {
    const offset = options.offset === undefined ? 0 : checkedCount('offset', options.offset);
    const limit = options.limit === undefined ? members : checkedCount('limit', options.limit);
    return entriesFrom(this.tree, root, members, from + offset, Math.min(limit, to - from - offset), path);
  }

  private keyRange(min: number, max: number): { low: number; high: number } {
    if (typeof min !== 'number' || typeof max !== 'number' || Number.isNaN(min) || Number.isNaN(max)) {
      throw new InvalidArgumentError(
        `the bounds of a range of scores are numbers: got ${String(min)} and ${String(max)}`,
      );
    }
    const a = keyOfScore(this.tree, min);
    const b = keyOfScore(this.tree, max);
    return this.tree.descending ? { low: b, high: a } : { low: a, high: b };
  }
}

function checkedCount(name: string, value: number): number {
  if (!(Number.isInteger(value) && value >= 0)) {
    throw new InvalidArgumentError(`${name} is ${inspect(value)}: allowed is an integer from 0 on`);
  }
  return value;
}
