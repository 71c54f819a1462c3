/**
 * Puts and deletes entries whose records hang in a timer wheel. Partition thread only, in a turn.
 *
 * Invariant: a record of the map hangs in the wheel, not later than it ends, or ends never. One that was freed hangs nowhere;
 * one of a cleared map may, until its memory is given back: `map.holds` tells them apart. `isCurrent` tells it.
 */
import type { KeyBytes } from '../../hash/key-bytes.ts';
import { INDEX_WORDS } from '../hash-index/index-layout.ts';
import { NODE_LINK, NODE_OWNER, replaceNode, unlinkNode } from '../timer-wheel/timer-node.ts';
import type { TimerWheel } from '../timer-wheel/timer-wheel.ts';
import type { EntryLife } from './entry-life.ts';
import type { HotMap } from './hot-map.ts';
import type { RecordDraft } from './record-draft.ts';

/** As `map.put`, of a draft that has stamp and deadline. Throws CapacityError; the turn is then undone. */
export function putTimed(
  map: HotMap,
  life: EntryLife,
  wheel: TimerWheel,
  key: KeyBytes,
  draft: RecordDraft,
  nowMs: number,
): number {
  const record = map.put(key, draft);
  const { heap, replaced, shape } = map;
  const node = record + shape.nodeAt;
  // Plain stores: the block is one of this turn, and readers don't look at these words.
  heap.i32.fill(0, node, node + NODE_OWNER);
  heap.i32[node + NODE_OWNER] = heap.i32[map.header + INDEX_WORDS] as number;
  const endsAt = life.endsAt(heap, record, nowMs);
  if (replaced !== 0) {
    const old = replaced + shape.nodeAt;
    // It may hang too early, not too late: most writes put the end off.
    if (endsAt !== Number.POSITIVE_INFINITY && endsAt >= life.endsAt(heap, replaced, nowMs)) {
      replaceNode(heap, old, node);
      if (heap.i32[node + NODE_LINK] !== 0) return record;
    } else unlinkNode(heap, old);
  }
  wheel.insert(node, endsAt, nowMs);
  return record;
}

/** As `map.mend`. */
export function mendTimed(
  map: HotMap,
  life: EntryLife,
  wheel: TimerWheel,
  key: KeyBytes,
  draft: RecordDraft,
  nowMs: number,
): void {
  const record = map.mend(key, draft);
  const { heap, replaced, shape } = map;
  if (replaced !== 0) unlinkNode(heap, replaced + shape.nodeAt);
  const node = record + shape.nodeAt;
  heap.i32.fill(0, node, node + NODE_OWNER);
  heap.i32[node + NODE_OWNER] = heap.i32[map.header + INDEX_WORDS] as number;
  wheel.insert(node, life.endsAt(heap, record, nowMs), nowMs);
}

/** As `map.delete`. */
export function deleteTimed(map: HotMap, key: KeyBytes): boolean {
  const record = map.find(key);
  if (record === 0) return false;
  unlinkNode(map.heap, record + map.shape.nodeAt);
  return map.delete(key);
}
