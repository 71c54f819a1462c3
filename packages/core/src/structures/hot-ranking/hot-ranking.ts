/**
 * Members ranked by score, in a partition's heap: a counted B+ tree whose nodes are never changed, reached by one word.
 *
 * Roles: one HotRanking object on the partition's thread writes, in turns; any thread reads, under a pin (RankingReader).
 * Progress: an operation costs the writer two paths of at most 12 nodes. Readers are wait-free (ranking-reader.ts).
 * Staleness: none: each operation is one store of the root, and every read of the tree works on one root.
 * Capacity: names to 1,024 bytes, 2^31 members by design; the heap's size is the limit, then CapacityError: undo the turn.
 *
 * What happens before what, on any architecture. An operation runs in this order:
 *   1. Fresh blocks, the record and the nodes of both paths, are filled by plain stores. No reader can reach them. What they
 *      replace stays as it is, allocated and reachable.
 *   2. Insert and update: the member index gets the fresh record (its own publication: hash-index.ts).
 *   3. The root word is published: Atomics.store, release. A reader that takes it by Atomics.load, acquire, sees all of 1.
 *   4. Remove and clear: the member leaves the index, or the index is unlinked.
 *   5. Replaced blocks are freed: journalled, in effect only with the commit, and reused only when no pin is older.
 * Insert: a reader has the old root or the new one; each is a whole tree. One that looks the member up finds nothing before 2
 *   (as in the old tree); between 2 and 3 it finds a record that its root does not hold (the leaf entry's reference is not
 *   the record's) and looks again; after 3 it finds it. So the index always holds at least the members of the root: a miss
 *   there means absent.
 * Update: the same; the old record stays readable, so a reader that met it in the index goes on with the old root, or looks
 *   again with the new one. The score and the rank it returns come from one record and one root that hold each other.
 * Remove: the root goes first, then the index entry: in between a reader looks again until the index misses as well.
 * Clear: root, then index become 0. The unlinked tree stays intact for pins, and is freed in steps (retire-nodes.ts).
 * Undo: the journal puts the words back in reverse order, by Atomics.store: root before index where an insert is undone, index
 *   before root where a removal is, so the index holds the root's members at each instant in that direction too. Nothing
 *   reachable from the old root was changed or freed. Pins are then revoked, since fresh blocks are reused at once.
 * Death of the thread, on any line: before 3 the old root stands, and the journal undoes index and allocator; after 3 it undoes
 *   the root as well. No step leaves work that only the dead thread knew of: `edit` and `last` are rebuilt or checked.
 * A revoked reader may meet any bytes: every node is bounds-checked, every walk has a bound (node-layout.ts, descend.ts).
 */
import { inspect } from 'node:util';
import { assert } from '../../assert.ts';
import { InvalidArgumentError, InvalidKeyError } from '../../errors/grid-errors.ts';
import { KEY_BYTES_MAX, type KeyBytes, type KeyScratch } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { unitsOfBlock } from '../block-units.ts';
import { recordHasKey } from '../keyed-record.ts';
import { LISTED, NEWEST, positionOf, seek, seekInLeaf, seekLeaf, UNLISTED } from './descend.ts';
import { rootWith, rootWithout } from './grow-shrink.ts';
import { indexMembers } from './index-members.ts';
import { leafOfOne } from './leaf.ts';
import { INDEX_MIN, LOOK_AGAIN, SCAN_MAX } from './member-lookup.ts';
import {
  arrivalOfRecord,
  copyMemberRecord,
  keyBytesOf,
  MEMBER_AT,
  memberRecordWords,
  newMemberRecord,
  scoreOfRecord,
} from './member-record.ts';
import { mayMove, rootMoved } from './move-entry.ts';
import { entriesOf, isLeaf, membersOf } from './node-layout.ts';
import { Path } from './path.ts';
import { ARRIVAL_HIGH, ARRIVAL_LOW, createRankingHeader, type RankingOptions, ROOT, UNITS } from './ranking-header.ts';
import { RankingReader } from './ranking-reader.ts';
import { retireTree } from './retire-nodes.ts';
import { keyOfScore } from './standing.ts';
import { TreeEdit } from './tree-edit.ts';

const ARRIVALS = 4_294_967_296;

/** Where an operation's entry was, and where it goes; they serve all rankings of a thread, as operations do not interleave. */
const from = new Path();
const to = new Path();

export class HotRanking extends RankingReader {
  private readonly edit: TreeEdit;
  /** The entry written last, its root, and its position there: `rank` after `add` answers from these while the root stands. */
  private lastRecord: number;
  private lastRoot: number;
  private lastPosition: number;

  /** Attaches to a ranking that `create` made in this heap. One writing object at a time; any number of RankingReaders. */
  constructor(heap: Heap, header: number, keys: KeyScratch) {
    super(heap, header, keys);
    this.edit = new TreeEdit(this.tree);
    this.lastRecord = 0;
    this.lastRoot = 0;
    this.lastPosition = 0;
  }

  /** Makes an empty ranking and returns its header's reference: 48 bytes. In a turn. */
  static create(heap: Heap, options: RankingOptions = {}): number {
    return createRankingHeader(heap, options);
  }

  /**
   * Gives a member a score. Returns false when it had that very score: nothing changes then, the arrival included. Throws
   * InvalidArgumentError unless the score is a finite number.
   */
  set(member: string, score: number): boolean {
    return this.setKey(this.keys.set(member), score);
  }

  setKey(key: KeyBytes, score: number): boolean {
    const wanted = checkedScore(score);
    const record = this.findOwn(key);
    if (record !== 0 && scoreOfRecord(this.heap, record) === wanted) {
      this.lastRecord = record;
      this.lastRoot = 0;
      return false;
    }
    this.put(key, record, wanted, this.nextArrival());
    return true;
  }

  /**
   * Adds to a member's score, which is 0 while it is absent, and returns the sum. Throws InvalidArgumentError, and changes
   * nothing, when `delta` or the sum is not finite.
   */
  add(member: string, delta: number): number {
    return this.addKey(this.keys.set(member), delta);
  }

  addKey(key: KeyBytes, delta: number): number {
    const added = checkedScore(delta);
    const record = this.findOwn(key);
    if (record === 0) {
      this.put(key, 0, added, this.nextArrival());
      return added;
    }
    const score = scoreOfRecord(this.heap, record);
    const sum = score + added + 0;
    if (!Number.isFinite(sum))
      throw new InvalidArgumentError(`adding ${added} to a score of ${score} is not a finite number`);
    if (sum !== score) {
      this.put(key, record, sum, this.nextArrival());
    } else {
      this.lastRecord = record;
      this.lastRoot = 0;
    }
    return sum;
  }

  /** Puts a member back with the arrival that `arrivalOf` once gave: for recovery. In any order; later arrivals go on from it. */
  restore(member: string, score: number, arrival: number): void {
    this.restoreKey(this.keys.set(member), score, arrival);
  }

  restoreKey(key: KeyBytes, score: number, arrival: number): void {
    const wanted = checkedScore(score);
    if (!(Number.isSafeInteger(arrival) && arrival >= 0 && arrival < Number.MAX_SAFE_INTEGER)) {
      throw new InvalidArgumentError(`an arrival is an integer from 0 to 2^53 − 2: got ${String(arrival)}`);
    }
    const { heap } = this;
    const record = this.findOwn(key);
    if (record !== 0 && scoreOfRecord(heap, record) === wanted && arrivalOfRecord(heap, record) === arrival) return;
    this.put(key, record, wanted, arrival);
  }

  /** Takes a member out, also of a heap that is full. False when it was absent. */
  remove(member: string): boolean {
    return this.removeKey(this.keys.set(member));
  }

  removeKey(key: KeyBytes): boolean {
    const { heap, header, tree, edit, lookup } = this;
    const record = this.findOwn(key);
    if (record === 0) return false;
    const root = heap.i32[header + ROOT] as number;
    heap.takeReserve();
    edit.begin();
    seek(tree, root, keyOfScore(tree, scoreOfRecord(heap, record)), record, LISTED, from);
    assert(from.found, 'an indexed member is listed');
    edit.replace(record, memberRecordWords(keyBytesOf(heap.i32, record)));
    const fresh = rootWithout(edit, from);
    this.publishRoot(fresh);
    if (lookup.isIndexed) {
      if (fresh === 0 || mayScan(heap.i32, fresh)) lookup.index.clear();
      else lookup.index.remove();
    }
    this.finish();
    return true;
  }

  /** Empties the ranking at once; memory is given back in steps after the turn. Arrivals go on counting. */
  clear(): void {
    const { heap, header } = this;
    const root = heap.i32[header + ROOT] as number;
    if (root === 0) return;
    this.publishRoot(0);
    this.lookup.index.clear();
    heap.set(header + UNITS, 0);
    retireTree(heap, root);
  }

  /** Clears the ranking and frees its header: this object and those on other threads are then of no use. */
  destroy(): void {
    this.clear();
    this.heap.free(this.header);
  }

  /** The record that the last `set` or `add` wrote, or found unchanged: for `scoreOf` and `arrivalOf`, in the same turn. */
  get written(): number {
    return this.lastRecord;
  }

  override rankKey(key: KeyBytes): number {
    const { heap, lastRecord } = this;
    if (
      this.lastRoot !== 0 &&
      this.lastRoot === heap.i32[this.header + ROOT] &&
      recordHasKey(heap.i32, lastRecord, MEMBER_AT, key.hash, key.bytes, key.offset, key.length)
    ) {
      return this.lastPosition + 1;
    }
    return super.rankKey(key);
  }

  /** Publishes the member with a score it did not have, or in another order of arrival. */
  private put(key: KeyBytes, old: number, score: number, arrival: number): void {
    const { heap, header, tree, edit, lookup } = this;
    edit.begin();
    const words = memberRecordWords(key.length);
    const record = this.freshRecord(key, old, score, arrival);
    edit.units += unitsOfBlock(words);
    const root = heap.i32[header + ROOT] as number;
    const sortKey = keyOfScore(tree, score);
    const mode = tree.byArrival && arrival >= this.nextArrival() ? NEWEST : UNLISTED;
    let fresh: number;
    if (old === 0) {
      fresh = this.rootInserting(root, sortKey, record, mode);
      if (lookup.isIndexed) lookup.index.insert(key.hash, record);
      else if (membersOf(heap.i32, fresh) > SCAN_MAX) indexMembers(heap, header, fresh);
    } else {
      edit.replace(old, words);
      fresh = this.rootUpdating(root, old, sortKey, record, mode);
      if (lookup.isIndexed) lookup.index.replace(record);
    }
    this.countArrival(arrival);
    this.publishRoot(fresh);
    this.lastRecord = record;
    this.lastRoot = tree.isShared ? 0 : fresh;
    this.finish();
  }

  private freshRecord(key: KeyBytes, old: number, score: number, arrival: number): number {
    if (old !== 0) return copyMemberRecord(this.heap, old, score, arrival);
    if (key.length === 0 || key.length > KEY_BYTES_MAX) {
      throw new InvalidKeyError(`a member has from 1 to ${KEY_BYTES_MAX} bytes of UTF-8: this one has ${key.length}`);
    }
    return newMemberRecord(this.heap, key, score, arrival);
  }

  private rootInserting(root: number, sortKey: number, record: number, mode: number): number {
    const { tree, edit } = this;
    this.lastPosition = 0;
    if (root === 0) return leafOfOne(edit, sortKey, record);
    seek(tree, root, sortKey, record, mode, to);
    this.lastPosition = positionOf(tree, to);
    return rootWith(edit, to, sortKey, record);
  }

  private rootUpdating(root: number, old: number, sortKey: number, record: number, mode: number): number {
    const { heap, tree, edit } = this;
    const oldKey = keyOfScore(tree, scoreOfRecord(heap, old));
    seekLeaf(tree, root, oldKey, old, LISTED, from);
    seekLeaf(tree, root, sortKey, record, mode, to);
    from.touch(heap.i32, to);
    seekInLeaf(tree, oldKey, old, LISTED, from);
    seekInLeaf(tree, sortKey, record, mode, to);
    assert(from.found, 'an indexed member is listed');
    if (!mayMove(heap.i32, from, to)) return this.rootInserting(rootWithout(edit, from), sortKey, record, mode);
    // With equal keys, `to` counts the entry taken out exactly when that stands before it.
    const isBehind = oldKey < sortKey || (oldKey === sortKey && isBefore(from, to));
    this.lastPosition = positionOf(tree, to) - (isBehind ? 1 : 0);
    return rootMoved(edit, from, to, sortKey, record);
  }

  /** THE publication: pairs with `root()` of readers. */
  private publishRoot(root: number): void {
    this.heap.publish(this.header + ROOT, root);
    this.lastRoot = 0;
  }

  private finish(): void {
    const { heap, header, edit } = this;
    edit.freeReplaced();
    if (edit.units !== 0) heap.set(header + UNITS, (heap.i32[header + UNITS] as number) + edit.units);
  }

  private findOwn(key: KeyBytes): number {
    const root = this.heap.i32[this.header + ROOT] as number;
    if (root === 0) return 0;
    const record = this.lookup.find(root, key);
    assert(record !== LOOK_AGAIN, 'the writer meets its own index whole');
    return record;
  }

  private nextArrival(): number {
    const i32 = this.heap.i32;
    return (i32[this.header + ARRIVAL_HIGH] as number) * ARRIVALS + ((i32[this.header + ARRIVAL_LOW] as number) >>> 0);
  }

  private countArrival(arrival: number): void {
    const { heap, header } = this;
    const next = arrival + 1;
    if (next <= this.nextArrival()) return;
    const low = (next % ARRIVALS) | 0;
    heap.set(header + ARRIVAL_LOW, low);
    const high = (next - (low >>> 0)) / ARRIVALS;
    if (high !== heap.i32[header + ARRIVAL_HIGH]) heap.set(header + ARRIVAL_HIGH, high);
  }
}

/** Whether a root is one leaf with so few members that no index is needed. */
function mayScan(i32: Int32Array, root: number): boolean {
  return isLeaf(i32, root) && entriesOf(i32, root) <= INDEX_MIN;
}

function checkedScore(score: number): number {
  if (!Number.isFinite(score)) throw new InvalidArgumentError(`a score is a finite number: got ${inspect(score)}`);
  // −0 becomes 0, so that the two are one score.
  return score + 0;
}

/** Whether the entry that `a` leads to stands before the place that `b` leads to, in the same tree. */
function isBefore(a: Path, b: Path): boolean {
  for (let level = a.height; level >= 0; level--) {
    const difference = (a.slots[level] as number) - (b.slots[level] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
