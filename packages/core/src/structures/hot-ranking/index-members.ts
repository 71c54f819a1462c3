/**
 * Makes the member index of a ranking that outgrew its scan. It is filled under a header of its own and then published whole:
 * a reader that sees the index at all finds every member in it.
 */
import type { Heap } from '../../memory/heap.ts';
import { HashIndex } from '../hash-index/hash-index.ts';
import { ENTRIES, INDEX_WORDS, ROOT, UNITS } from '../hash-index/index-layout.ts';
import { RECORD_HASH } from '../keyed-record.ts';
import { MEMBER_AT } from './member-record.ts';
import { entriesOf, entryRef, isLeaf } from './node-layout.ts';
import { MEMBER_INDEX } from './ranking-header.ts';

/** Indexes all members of the tree at `root`, a handful of leaves at most. Writer only, before `root` is published. */
export function indexMembers(heap: Heap, header: number, root: number): void {
  const at = heap.alloc(INDEX_WORDS);
  HashIndex.format(heap, at);
  insertBelow(heap, new HashIndex(heap, at, { keyAt: MEMBER_AT, ownsRecords: false }), root);
  const i32 = heap.i32;
  const index = header + MEMBER_INDEX;
  heap.set(index + ENTRIES, i32[at + ENTRIES] as number);
  heap.set(index + UNITS, i32[at + UNITS] as number);
  // Publish: pairs with the loads of the index root in member-lookup.ts and hash-index.ts.
  heap.publish(index + ROOT, i32[at + ROOT] as number);
  heap.free(at);
}

/** Bound: the height of the tree. */
function insertBelow(heap: Heap, index: HashIndex, node: number): void {
  const n = entriesOf(heap.i32, node);
  const ofLeaf = isLeaf(heap.i32, node);
  for (let slot = 0; slot < n; slot++) {
    const ref = entryRef(heap.i32, node, slot);
    if (ofLeaf) index.insert(heap.i32[ref + RECORD_HASH] as number, ref);
    else insertBelow(heap, index, ref);
  }
}
