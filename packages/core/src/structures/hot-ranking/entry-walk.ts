/** Lists consecutive entries of one root's tree: what ranges, pages and neighbourhoods are made of. Any thread. */
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { seekPosition } from './descend.ts';
import { memberOfRecord } from './member-record.ts';
import { entryKey, entryRef, openInner, openLeaf } from './node-layout.ts';
import type { Path } from './path.ts';
import type { RankingTree } from './ranking-tree.ts';
import { rankOfKey, scoreOfKey } from './standing.ts';

export interface RankedEntry {
  /** From 1 on. */
  readonly rank: number;
  readonly member: string;
  readonly score: number;
}

/** Sees consecutive records from some position on; false ends the walk. */
export type RecordVisitor = (record: number, position: number, key: number) => boolean;

/** Entries from a position on, `limit` at most and not beyond the `members` below the root. */
export function entriesFrom(
  tree: RankingTree,
  root: number,
  members: number,
  from: number,
  limit: number,
  path: Path,
): RankedEntry[] {
  const entries: RankedEntry[] = [];
  const count = Math.min(limit, members - from);
  if (count <= 0) return entries;
  let rank = 0;
  let last = Number.NaN;
  walkRecords(tree, root, from, count, path, (record, position, key) => {
    if (key !== last) {
      if (tree.isShared) rank = rank === 0 ? rankOfKey(tree, root, key) : tree.dense ? rank + 1 : position + 1;
      last = key;
    }
    if (!tree.isShared) rank = position + 1;
    entries.push({ rank, member: memberOfRecord(tree.heap, record), score: scoreOfKey(tree, key) });
    return true;
  });
  return entries;
}

/** Visits `count` entries from a position on; there must be that many. */
export function walkRecords(
  tree: RankingTree,
  root: number,
  from: number,
  count: number,
  path: Path,
  visit: RecordVisitor,
): void {
  const heap = tree.heap;
  seekPosition(tree, root, from, path);
  let slot = path.slots[0] as number;
  for (let position = from, end = from + count; position < end; ) {
    const leaf = path.nodes[0] as number;
    const n = openLeaf(heap, leaf);
    const stop = Math.min(n, slot + end - position);
    path.touchRecords(heap.i32, leaf, slot, stop);
    for (; slot < stop; slot++, position++) {
      if (!visit(entryRef(heap.i32, leaf, slot), position, entryKey(heap.f64, leaf, slot))) return;
    }
    if (position < end) toNextLeaf(tree, path);
    slot = 0;
  }
}

function toNextLeaf(tree: RankingTree, path: Path): void {
  const heap = tree.heap;
  let level = 1;
  for (; ; level++) {
    if (level > path.height) throwStaleRead();
    const node = path.nodes[level] as number;
    const next = (path.slots[level] as number) + 1;
    if (next < openInner(heap, node, level, tree.dense)) {
      path.slots[level] = next;
      break;
    }
  }
  for (; level > 0; level--) {
    const node = path.nodes[level] as number;
    openInner(heap, node, level, tree.dense);
    path.nodes[level - 1] = entryRef(heap.i32, node, path.slots[level] as number);
    path.slots[level - 1] = 0;
  }
}
