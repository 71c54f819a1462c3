/**
 * Fills an empty ranking with many members at once: records and index as they come, then one sort, then every node once, from
 * the leaves up. Putting them in one by one writes a path of nodes for each: four times the work for a million.
 *
 * Writer only, and before anybody may read the ranking through its index: it is published by `finish`, index first, in the
 * order that hot-ranking.ts argues. The work is cut into steps, each small enough for a turn or maintenance bracket; a thread
 * that dies before `finish` has ended leaves the ranking as it was, and blocks that nobody frees until the heap is loaded anew.
 */
import { assert } from '../../assert.ts';
import { InvalidArgumentError } from '../../errors/grid-errors.ts';
import type { KeyBytes } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { unitsOfBlock } from '../block-units.ts';
import { HashIndex } from '../hash-index/hash-index.ts';
import { ENTRIES, UNITS as INDEX_UNITS, INDEX_WORDS, ROOT as INDEX_ROOT } from '../hash-index/index-layout.ts';
import { RECORD_HASH } from '../keyed-record.ts';
import { EntryBuffer } from './entry-buffer.ts';
import { finishLeaf, writeEntry } from './leaf.ts';
import {
  arrivalOfRecord,
  keyBytesOf,
  MEMBER_AT,
  memberRecordWords,
  newMemberRecord,
  scoreOfRecord,
} from './member-record.ts';
import { SCAN_MAX } from './member-lookup.ts';
import { INNER_MAX, LEAF_MAX, leafWords } from './node-layout.ts';
import { ARRIVAL_HIGH, ARRIVAL_LOW, MEMBER_INDEX, ROOT, SHAPE, UNITS } from './ranking-header.ts';
import { RankingTree } from './ranking-tree.ts';
import { sortedOrder } from './sorted-order.ts';
import { keyOfScore } from './standing.ts';
import { TreeEdit } from './tree-edit.ts';

/** Nodes are filled to three quarters, so that the next members find room. */
const LEAF_FILL = (LEAF_MAX * 3) >> 2;
const INNER_FILL = (INNER_MAX * 3) >> 2;
const ARRIVALS = 4_294_967_296;
/** Room for members at first: most rankings are small. */
const ROOM_MIN = 8;

const children = new EntryBuffer();

export class RankingBuilder {
  private readonly heap: Heap;
  private readonly header: number;
  private readonly replaces: boolean;
  private readonly edit: TreeEdit;
  private readonly tree: RankingTree;
  private count: number;
  private keys: Float64Array;
  private arrivals: Float64Array;
  private records: Int32Array;
  private recordUnits: number;
  private lastArrival: number;
  /** Header of the index that is being filled; 0 while there are so few members that none is needed. */
  private indexAt: number;
  private index: HashIndex | undefined;

  /** @param replaces what the ranking holds is left to itself, not freed: it is damaged. */
  constructor(heap: Heap, header: number, replaces: boolean = false) {
    assert(replaces || heap.i32[header + ROOT] === 0, 'only an empty ranking is built');
    this.replaces = replaces;
    this.heap = heap;
    this.header = header;
    this.tree = new RankingTree(heap, heap.i32[header + SHAPE] as number);
    this.edit = new TreeEdit(this.tree);
    this.edit.begin();
    this.count = 0;
    this.keys = new Float64Array(ROOM_MIN);
    this.arrivals = new Float64Array(ROOM_MIN);
    this.records = new Int32Array(ROOM_MIN);
    this.recordUnits = 0;
    this.lastArrival = -1;
    this.indexAt = 0;
    this.index = undefined;
  }

  get size(): number {
    return this.count;
  }

  /**
   * Takes a member. Members come in the ascending order of their bytes, each once: the caller's promise. In a bracket. Throws
   * InvalidArgumentError for a score or an arrival that can't be.
   */
  take(key: KeyBytes, score: number, arrival: number): void {
    if (!Number.isFinite(score) || !(Number.isSafeInteger(arrival) && arrival >= 0))
      throw new InvalidArgumentError(`a ranked member has the score ${score} and the arrival ${arrival}`);
    this.add(newMemberRecord(this.heap, key, score + 0, arrival), memberRecordWords(key.length));
  }

  /** Takes a member by the record that it has already. In the same order, in a bracket. */
  takeRecord(record: number): void {
    this.add(record, memberRecordWords(keyBytesOf(this.heap.i32, record)));
  }

  /** Builds the tree and publishes it. `before` and `after` are called around each step: the bracket's caller's business. */
  finish(before: () => void, after: () => void): void {
    if (this.count === 0) return;
    const root = this.build(before, after);
    before();
    this.publish(root);
    after();
  }

  /** The root of the tree, which `publish` then takes; 0 without members. */
  build(before: () => void, after: () => void): number {
    if (this.count === 0) return 0;
    const order = sortedOrder(
      this.keys.subarray(0, this.count),
      this.tree.byArrival ? this.arrivals.subarray(0, this.count) : undefined,
    );
    let level = this.leaves(order, before, after);
    // Bound: the height of the tree.
    for (let height = 1; level.length > 1; height++) level = this.inner(level, height, before, after);
    return level[0] as number;
  }

  /** In a bracket. */
  publish(root: number): void {
    const { heap, header, index, indexAt, replaces } = this;
    const at = header + MEMBER_INDEX;
    if (index !== undefined) {
      heap.set(at + ENTRIES, heap.i32[indexAt + ENTRIES] as number);
      heap.set(at + INDEX_UNITS, heap.i32[indexAt + INDEX_UNITS] as number);
      // Publish: pairs with the loads of the index root in member-lookup.ts and hash-index.ts.
      heap.publish(at + INDEX_ROOT, heap.i32[indexAt + INDEX_ROOT] as number);
      heap.free(indexAt);
    }
    const units = replaces ? 0 : (heap.i32[header + UNITS] as number);
    heap.set(header + UNITS, units + this.recordUnits + this.edit.units);
    this.countArrivals();
    // Publish: pairs with `root()` of readers.
    heap.publish(header + ROOT, root);
    if (!replaces || index !== undefined) return;
    heap.set(at + ENTRIES, 0);
    heap.set(at + INDEX_UNITS, 0);
    heap.publish(at + INDEX_ROOT, 0);
  }

  private add(record: number, words: number): void {
    if (this.count === this.keys.length) this.grow();
    const { heap } = this;
    const arrival = arrivalOfRecord(heap, record);
    this.recordUnits += unitsOfBlock(words);
    const at = this.count++;
    this.keys[at] = keyOfScore(this.tree, scoreOfRecord(heap, record));
    this.arrivals[at] = arrival;
    this.records[at] = record;
    if (arrival > this.lastArrival) this.lastArrival = arrival;
    if (this.index !== undefined) this.index.insert(heap.i32[record + RECORD_HASH] as number, record);
    else if (this.count > SCAN_MAX) this.startIndex();
  }

  private leaves(order: Uint32Array, before: () => void, after: () => void): Int32Array {
    const nodes = new Int32Array(Math.ceil(order.length / LEAF_FILL));
    let from = 0;
    for (let node = 0; node < nodes.length; node++) {
      const to = shareEnd(order.length, nodes.length, node);
      before();
      const leaf = this.edit.take(leafWords(to - from));
      for (let at = from; at < to; at++) {
        const member = order[at] as number;
        writeEntry(this.edit, leaf, at - from, this.keys[member] as number, this.records[member] as number);
      }
      finishLeaf(this.edit, leaf, to - from);
      after();
      nodes[node] = leaf;
      from = to;
    }
    return nodes;
  }

  private inner(below: Int32Array, height: number, before: () => void, after: () => void): Int32Array {
    const nodes = new Int32Array(Math.ceil(below.length / INNER_FILL));
    let from = 0;
    for (let node = 0; node < nodes.length; node++) {
      const to = shareEnd(below.length, nodes.length, node);
      before();
      children.clear();
      for (let at = from; at < to; at++) children.spliceChildren(this.edit, at - from, 0, below[at] as number, 0);
      nodes[node] = children.toNode(this.edit, height, 0, to - from);
      after();
      from = to;
    }
    return nodes;
  }

  private countArrivals(): void {
    const { heap, header } = this;
    const { i32 } = heap;
    const counted = (i32[header + ARRIVAL_HIGH] as number) * ARRIVALS + ((i32[header + ARRIVAL_LOW] as number) >>> 0);
    const next = this.lastArrival + 1;
    if (next <= counted) return;
    heap.set(header + ARRIVAL_LOW, (next % ARRIVALS) | 0);
    heap.set(header + ARRIVAL_HIGH, Math.floor(next / ARRIVALS));
  }

  private startIndex(): void {
    const { heap } = this;
    this.indexAt = heap.alloc(INDEX_WORDS);
    HashIndex.format(heap, this.indexAt);
    this.index = new HashIndex(heap, this.indexAt, { keyAt: MEMBER_AT, ownsRecords: false });
    for (let at = 0; at < this.count; at++) {
      const record = this.records[at] as number;
      this.index.insert(heap.i32[record + RECORD_HASH] as number, record);
    }
  }

  private grow(): void {
    const room = this.count * 2;
    this.keys = copied(this.keys, new Float64Array(room));
    this.arrivals = copied(this.arrivals, new Float64Array(room));
    this.records = copied(this.records, new Int32Array(room));
  }
}

/** Where the share of a node ends when `total` things are dealt out evenly. */
function shareEnd(total: number, nodes: number, node: number): number {
  return Math.floor((total * (node + 1)) / nodes);
}

function copied<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
