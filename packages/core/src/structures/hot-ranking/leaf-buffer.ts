/**
 * Entries of leaves that are being split, merged or evened out, outside the heap: one change in fifty needs it. One buffer
 * serves a thread, as operations do not interleave.
 */
import { assert } from '../../assert.ts';
import { finishLeaf } from './leaf.ts';
import { LEAF_MAX, leafWords, NODE_KEYS, NODE_META, recordsAt } from './node-layout.ts';
import type { TreeEdit } from './tree-edit.ts';

const ROOM: number = 2 * LEAF_MAX + 2;

export class LeafBuffer {
  n: number;
  private readonly keys: Float64Array;
  private readonly records: Int32Array;

  constructor() {
    this.n = 0;
    this.keys = new Float64Array(ROOM);
    this.records = new Int32Array(ROOM);
  }

  clear(): void {
    this.n = 0;
  }

  /** Appends all entries of a leaf, which is noted as replaced. */
  addLeaf(edit: TreeEdit, leaf: number): void {
    const { i32, f64 } = edit.tree.heap;
    const n = i32[leaf + NODE_META] as number;
    assert(this.n + n <= ROOM, 'two leaves fit the buffer');
    const keys = (leaf + NODE_KEYS) >>> 1;
    const records = leaf + recordsAt(n);
    for (let slot = 0; slot < n; slot++) {
      this.keys[this.n + slot] = f64[keys + slot] as number;
      this.records[this.n + slot] = i32[records + slot] as number;
    }
    this.n += n;
    edit.replace(leaf, leafWords(n));
  }

  insert(at: number, key: number, record: number): void {
    assert(this.n < ROOM, 'the buffer has room for one more entry');
    this.keys.copyWithin(at + 1, at, this.n);
    this.records.copyWithin(at + 1, at, this.n);
    this.keys[at] = key;
    this.records[at] = record;
    this.n++;
  }

  remove(at: number): void {
    this.keys.copyWithin(at, at + 1, this.n);
    this.records.copyWithin(at, at + 1, this.n);
    this.n--;
  }

  /** A fresh leaf of the entries from `from` to before `to`. */
  toLeaf(edit: TreeEdit, from: number, to: number): number {
    const n = to - from;
    const leaf = edit.take(leafWords(n));
    const { i32, f64 } = edit.tree.heap;
    const keys = (leaf + NODE_KEYS) >>> 1;
    const records = leaf + recordsAt(n);
    for (let slot = 0; slot < n; slot++) {
      f64[keys + slot] = this.keys[from + slot] as number;
      i32[records + slot] = this.records[from + slot] as number;
    }
    finishLeaf(edit, leaf, n);
    return leaf;
  }
}
