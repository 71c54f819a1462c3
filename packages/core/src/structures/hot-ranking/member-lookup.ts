/**
 * Finds a member's record: by scanning the one leaf of a small ranking, by hash index in a larger one.
 *
 * Invariant: a root with more than SCAN_MAX members, or with more than one leaf, is published only while the index holds all
 * its members; the index is dropped only after a single leaf has been published as the root.
 */
import type { KeyBytes } from '../../hash/key-bytes.ts';
import type { Heap } from '../../memory/heap.ts';
import { throwStaleRead } from '../../memory/stale-read-error.ts';
import { HashIndex } from '../hash-index/hash-index.ts';
import { KEY_BYTES_MASK, keyWords, RECORD_HASH, RECORD_META, recordHasKey } from '../keyed-record.ts';
import { reach } from '../reach.ts';
import { MEMBER_AT } from './member-record.ts';
import { entryRef, openLeaf, openRoot } from './node-layout.ts';
import { MEMBER_INDEX } from './ranking-header.ts';

/** Most members that are searched without an index. */
export const SCAN_MAX = 16;
/** A ranking that shrank to so few members gives its index up. */
export const INDEX_MIN = 4;

/** The answer of `find` when a concurrent writer changed how members are found: look again, from the root. */
export const LOOK_AGAIN = -1;

export class MemberLookup {
  readonly index: HashIndex;
  private readonly heap: Heap;
  private readonly indexRoot: number;

  constructor(heap: Heap, header: number) {
    this.index = new HashIndex(heap, header + MEMBER_INDEX, { keyAt: MEMBER_AT, ownsRecords: false });
    this.heap = heap;
    this.indexRoot = header + MEMBER_INDEX;
  }

  get isIndexed(): boolean {
    return this.heap.i32[this.indexRoot] !== 0;
  }

  /** Reference of the member's record, 0 when absent, LOOK_AGAIN. A root other than 0 was loaded before. */
  find(root: number, key: KeyBytes): number {
    const heap = this.heap;
    // Observe: pairs with the publication of the first table, which comes before that of the root it is needed for.
    const index = heap.load(this.indexRoot);
    if (index === 0) {
      if (openRoot(heap, root) !== 0) return LOOK_AGAIN;
      const n = openLeaf(heap, root);
      return n > SCAN_MAX ? LOOK_AGAIN : this.scan(root, n, key);
    }
    const ref = this.index.findBytes(key.hash, key.bytes, key.offset, key.length);
    if (ref !== 0) return ref;
    // A miss counts only while the table or directory is the one looked into.
    return heap.load(this.indexRoot) === index ? 0 : LOOK_AGAIN;
  }

  private scan(leaf: number, n: number, key: KeyBytes): number {
    const heap = this.heap;
    for (let slot = 0; slot < n; slot++) {
      const ref = entryRef(heap.i32, leaf, slot);
      reach(heap, ref, MEMBER_AT);
      if (heap.i32[ref + RECORD_HASH] !== key.hash) continue;
      const keyBytes = (heap.i32[ref + RECORD_META] as number) & KEY_BYTES_MASK;
      if (keyBytes !== key.length) continue;
      reach(heap, ref, MEMBER_AT + keyWords(keyBytes));
      if (recordHasKey(heap.i32, ref, MEMBER_AT, key.hash, key.bytes, key.offset, key.length)) return ref;
    }
    return 0;
  }
}

/** Throws StaleReadError after too many attempts; returns the number of this one. */
export function nextAttempt(attempts: number): number {
  // Bound: a writer takes some 0.1 µs from the index word to the root word; beyond this it has been descheduled.
  if (attempts === 256) throwStaleRead();
  return attempts + 1;
}
