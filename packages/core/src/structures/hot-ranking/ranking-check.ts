/**
 * Visits all entries of a ranking, and says what is wrong with it by itself: members' records, leaf entries, nodes, the way from
 * a member to its record. Any thread, under a pin. Nodes and records do not change once they are published, so what is said
 * of them is certain when the pin held; that the index does not lead to a record may also be the work of a running turn.
 */
import { KeyScratch } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { StaleReadError } from '../../memory/stale-read-error.ts';
import { isReachable } from '../hash-index/tolerant-scan.ts';
import { damageOfKeyed } from '../hot-map/check-record.ts';
import { RECORD_HASH } from '../keyed-record.ts';
import { LISTED, positionOfKey, seek, seekPosition } from './descend.ts';
import { countDistinct, distinctBefore, distinctOf, distinctsAt, lastKeyOf, lastKeysAt } from './distinct-scores.ts';
import { keyBytesOf, MEMBER_AT, MEMBER_FORM, scoreOfRecord } from './member-record.ts';
import {
  DEPTH_MAX,
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
  membersOf,
  NODE_ENTRIES,
  NODE_META,
  NODE_SUM,
  openInner,
  openLeaf,
} from './node-layout.ts';
import { Path } from './path.ts';
import { isRankingShape, RANKING_HEADER_WORDS, SHAPE } from './ranking-header.ts';
import { RankingReader } from './ranking-reader.ts';
import { keyOfScore } from './standing.ts';
import { compareTies, tieHintOf } from './tie-order.ts';

/** How far a check has come: kept from step to step, as the ranking changes meanwhile. */
export interface CheckCursor {
  position: number;
  lastKey: number;
  root: number;
}

/** An entry's record (0 when there is none to speak of), and what is wrong with it or its place. */
export type EntryVisitor = (record: number, damage: string | undefined) => void;

/** Entries of equal score that are visited again when the ranking changed between two steps. */
const AGAIN_MAX = 256;

export class RankingCheck extends RankingReader {
  private readonly path: Path;
  private readonly checkedNodes: Int32Array;
  private readonly key: KeyScratch;

  constructor(heap: Heap, header: number, hashSeed: number) {
    const keys = new KeyScratch(hashSeed);
    super(heap, header, keys);
    this.path = new Path();
    this.checkedNodes = new Int32Array(DEPTH_MAX + 1);
    this.key = keys;
  }

  /**
   * Visits about `limit` entries behind the cursor and moves it; false at the end. Entries that are there during all steps are
   * visited at least once. `onNode` is told what is wrong with a node. Throws StaleReadError when a node can't be read.
   */
  step(cursor: CheckCursor, limit: number, visit: EntryVisitor, onNode: (damage: string) => void): boolean {
    const root = this.root();
    if (root === 0) return false;
    const members = this.membersBelow(root);
    let position = cursor.position;
    if (position > 0 && cursor.root !== root) {
      const first = positionOfKey(this.tree, root, cursor.lastKey, false);
      const behind = positionOfKey(this.tree, root, cursor.lastKey, true);
      position = Math.min(Math.max(first, position - AGAIN_MAX), behind);
    }
    cursor.root = root;
    const end = Math.min(members, position + limit);
    this.checkedNodes.fill(0);
    while (position < end) {
      seekPosition(this.tree, root, position, this.path);
      this.checkPath(onNode);
      const leaf = this.path.nodes[0] as number;
      const n = openLeaf(this.heap, leaf);
      const from = this.path.slots[0] as number;
      for (let slot = from; slot < n; slot++) this.checkEntry(root, leaf, slot, visit);
      cursor.lastKey = entryKey(this.heap.f64, leaf, n - 1);
      position += n - from;
    }
    cursor.position = position;
    return position < members;
  }

  /** What is wrong with the record that a member's key leads to, and its place; undefined when all is well. */
  damageOf(record: number): string | undefined {
    const damage = damageOfKeyed(this.heap, record, MEMBER_FORM, this.key.seed);
    return damage ?? damageMet(() => this.damageOfPlace(record));
  }

  /** Offset in `heap.u8` of the member's bytes, and how many they are. */
  memberOffset(record: number): number {
    return (record + MEMBER_AT) * 4;
  }

  memberLength(record: number): number {
    return keyBytesOf(this.heap.i32, record);
  }

  private damageOfPlace(record: number): string | undefined {
    const { heap, tree, path } = this;
    const root = this.root();
    const key = keyOfScore(tree, scoreOfRecord(heap, record));
    if (root !== 0) seek(tree, root, key, record, LISTED, path);
    if (root === 0 || !path.found) return 'it is not listed at its score';
    const leaf = path.nodes[0] as number;
    const slot = path.slots[0] as number;
    if (entryKey(heap.f64, leaf, slot) !== key) return 'its place is that of another score';
    const hint = heap.i32[entryAt(leaf, slot) + ENTRY_HINT];
    return hint === tieHintOf(heap.i32, record, tree.byArrival) ? undefined : 'its place is marked for another member';
  }

  private keyOf(record: number): KeyScratch {
    const { heap, key } = this;
    return key.point(
      heap.u8,
      (record + MEMBER_AT) * 4,
      keyBytesOf(heap.i32, record),
      heap.i32[record + RECORD_HASH] as number,
    );
  }

  private checkEntry(root: number, leaf: number, slot: number, visit: EntryVisitor): void {
    const { heap, tree } = this;
    const record = entryRef(heap.i32, leaf, slot);
    const damage = damageOfKeyed(heap, record, MEMBER_FORM, this.key.seed);
    if (damage !== undefined) {
      visit(isReachable(heap, record, MEMBER_AT) ? record : 0, damage);
      return;
    }
    const { i32, f64 } = heap;
    const key = entryKey(f64, leaf, slot);
    const hint = i32[entryAt(leaf, slot) + ENTRY_HINT] as number;
    if (keyOfScore(tree, scoreOfRecord(heap, record)) !== key) visit(record, 'its place is that of another score');
    else if (tieHintOf(i32, record, tree.byArrival) !== hint) visit(record, 'its place is marked for another member');
    else if (slot > 0 && !this.isBehind(leaf, slot, key, hint, record)) visit(record, 'it stands in the wrong order');
    else if (this.lookup.isIndexed && this.lookup.find(root, this.keyOf(record)) !== record)
      visit(record, 'the member’s key does not lead to its record');
    else visit(record, undefined);
  }

  private isBehind(leaf: number, slot: number, key: number, hint: number, record: number): boolean {
    const { heap, tree } = this;
    const before = entryKey(heap.f64, leaf, slot - 1);
    if (before !== key) return before < key;
    const other = entryRef(heap.i32, leaf, slot - 1);
    const otherHint = heap.i32[entryAt(leaf, slot - 1) + ENTRY_HINT] as number;
    return compareTies(heap, otherHint, other, hint, record, tree.byArrival) < 0;
  }

  private checkPath(onNode: (damage: string) => void): void {
    for (let level = this.path.height; level >= 0; level--) {
      const node = this.path.nodes[level] as number;
      if (this.checkedNodes[level] === node) continue;
      this.checkedNodes[level] = node;
      const damage = level === 0 ? this.damageOfLeaf(node) : this.damageOfInner(node, level);
      if (damage !== undefined) onNode(damage);
    }
  }

  private damageOfLeaf(leaf: number): string | undefined {
    const { heap, tree } = this;
    const n = openLeaf(heap, leaf);
    const distinct = tree.dense ? countDistinct(heap.f64, leaf, n) : 0;
    return heap.i32[leaf + NODE_SUM] === distinct ? undefined : 'a block of entries counts its scores wrongly';
  }

  private damageOfInner(node: number, level: number): string | undefined {
    const { heap } = this;
    const { dense } = this.tree;
    const n = openInner(heap, node, level, dense);
    let members = 0;
    for (let slot = 0; slot < n; slot++) {
      const child = entryRef(heap.i32, node, slot);
      if (!this.isNode(child, level - 1)) return 'a block refers to one that can’t be read';
      const { i32, f64 } = heap;
      const below = membersOf(i32, child);
      if (below !== entryMembers(i32, node, slot)) return 'a block counts the members below it wrongly';
      if (entryKey(f64, child, 0) !== entryKey(f64, node, slot))
        return 'a block has another first score than it is known by';
      if (dense && f64[lastKeysAt(node, n) + slot] !== lastKeyOf(i32, f64, child))
        return 'a block has another last score than it is known by';
      if (dense && i32[distinctsAt(node, n) + slot] !== distinctOf(i32, child))
        return 'a block counts the scores below it wrongly';
      members += below;
    }
    if (heap.i32[node + NODE_SUM] !== members) return 'a block counts the members below it wrongly';
    if (dense && heap.i32[node + innerWords(n, true) - 1] !== distinctBefore(heap.i32, heap.f64, node, n))
      return 'a block counts the scores below it wrongly';
    return undefined;
  }

  private isNode(ref: number, level: number): boolean {
    const { heap } = this;
    if (!isReachable(heap, ref, NODE_ENTRIES)) return false;
    const meta = heap.i32[ref + NODE_META] as number;
    const entries = meta & 0xffff;
    if (meta >>> LEVEL_SHIFT !== level || entries === 0 || entries > (level === 0 ? LEAF_MAX : INNER_MAX)) return false;
    return isReachable(heap, ref, level === 0 ? leafWords(entries) : innerWords(entries, this.tree.dense));
  }
}

/** Whether a ranking's header may lie at `ref`. */
export function mayBeRanking(heap: Heap, ref: number): boolean {
  return (
    (ref & 3) === 0 && isReachable(heap, ref, RANKING_HEADER_WORDS) && isRankingShape(heap.i32[ref + SHAPE] as number)
  );
}

/** What `read` says is wrong, or that the memory can't be read as what it should be. */
export function damageMet(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StaleReadError) return 'its blocks can’t be read';
    throw error;
  }
}
