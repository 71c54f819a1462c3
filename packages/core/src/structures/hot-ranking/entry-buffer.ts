/**
 * Entries of nodes that are being split, merged or evened out, outside the heap: one change in fifty needs it. What a node
 * says of children that stay is carried over: looking into them would cost a cache miss each. One buffer serves a thread, as
 * operations do not interleave.
 */
import { assert } from '../../assert.ts';
import { distinctOf, distinctsAt, lastKeyOf, lastKeysAt } from './distinct-scores.ts';
import { finishInner } from './inner-node.ts';
import { finishLeaf } from './leaf.ts';
import {
  ENTRY_HINT,
  ENTRY_MEMBERS,
  ENTRY_REF,
  ENTRY_SHIFT,
  ENTRY_WORDS,
  entriesOf,
  entryKey,
  INNER_MAX,
  innerWords,
  isLeaf,
  LEAF_MAX,
  LEVEL_SHIFT,
  leafWords,
  membersOf,
  NODE_ENTRIES,
  NODE_META,
  NODE_SUM,
} from './node-layout.ts';
import { tieHintOf } from './tie-order.ts';
import type { TreeEdit } from './tree-edit.ts';

const ROOM: number = 2 * Math.max(LEAF_MAX, INNER_MAX) + 2;

export class EntryBuffer {
  n: number;
  private readonly words: Int32Array;
  private readonly keys: Float64Array;
  private readonly lasts: Float64Array;
  private readonly distincts: Int32Array;

  constructor() {
    this.n = 0;
    this.words = new Int32Array(ROOM << ENTRY_SHIFT);
    this.keys = new Float64Array(this.words.buffer);
    this.lasts = new Float64Array(ROOM);
    this.distincts = new Int32Array(ROOM);
  }

  clear(): void {
    this.n = 0;
  }

  /** Appends all entries of a node, which is noted as replaced. */
  addNode(edit: TreeEdit, node: number): void {
    const { heap, dense } = edit.tree;
    const { i32, f64 } = heap;
    const n = entriesOf(i32, node);
    assert(this.n + n <= ROOM, 'two nodes fit the buffer');
    const to = this.n << ENTRY_SHIFT;
    const from = node + NODE_ENTRIES;
    for (let word = 0; word < n << ENTRY_SHIFT; word++) this.words[to + word] = i32[from + word] as number;
    if (isLeaf(i32, node)) {
      edit.replace(node, leafWords(n));
    } else {
      for (let slot = 0; dense && slot < n; slot++) {
        this.lasts[this.n + slot] = f64[lastKeysAt(node, n) + slot] as number;
        this.distincts[this.n + slot] = i32[distinctsAt(node, n) + slot] as number;
      }
      edit.replace(node, innerWords(n, dense));
    }
    this.n += n;
  }

  insertRecord(edit: TreeEdit, at: number, key: number, record: number): void {
    this.open(at, 0, 1);
    this.keys[at * 2] = key;
    this.words[(at << ENTRY_SHIFT) + ENTRY_REF] = record;
    this.words[(at << ENTRY_SHIFT) + ENTRY_HINT] = tieHintOf(edit.tree.heap.i32, record, edit.tree.byArrival);
  }

  removeRecord(at: number): void {
    this.open(at, 1, 0);
  }

  /** Puts one child, or `second` behind it too when that is not 0, in the place of `removed` children from `at` on. */
  spliceChildren(edit: TreeEdit, at: number, removed: number, first: number, second: number): void {
    this.open(at, removed, second !== 0 ? 2 : first !== 0 ? 1 : 0);
    if (first !== 0) this.putChild(edit, at, first);
    if (second !== 0) this.putChild(edit, at + 1, second);
  }

  /** A fresh node at `level` of the entries from `from` to before `to`. */
  toNode(edit: TreeEdit, level: number, from: number, to: number): number {
    const { heap, dense } = edit.tree;
    const n = to - from;
    const node = edit.take(level === 0 ? leafWords(n) : innerWords(n, dense));
    const { i32, f64 } = heap;
    const first = from << ENTRY_SHIFT;
    for (let word = 0; word < n << ENTRY_SHIFT; word++)
      i32[node + NODE_ENTRIES + word] = this.words[first + word] as number;
    if (level === 0) {
      finishLeaf(edit, node, n);
      return node;
    }
    let members = 0;
    for (let slot = from; slot < to; slot++) members += this.words[(slot << ENTRY_SHIFT) + ENTRY_MEMBERS] as number;
    for (let slot = 0; dense && slot < n; slot++) {
      f64[lastKeysAt(node, n) + slot] = this.lasts[from + slot] as number;
      i32[distinctsAt(node, n) + slot] = this.distincts[from + slot] as number;
    }
    i32[node + NODE_META] = n | (level << LEVEL_SHIFT);
    i32[node + NODE_SUM] = members;
    finishInner(edit, node);
    return node;
  }

  /** Makes room for `added` entries in the place of `removed` ones. */
  private open(at: number, removed: number, added: number): void {
    assert(this.n - removed + added <= ROOM, 'the buffer has room for one more entry');
    this.words.copyWithin((at + added) * ENTRY_WORDS, (at + removed) * ENTRY_WORDS, this.n * ENTRY_WORDS);
    this.lasts.copyWithin(at + added, at + removed, this.n);
    this.distincts.copyWithin(at + added, at + removed, this.n);
    this.n += added - removed;
  }

  private putChild(edit: TreeEdit, at: number, child: number): void {
    const { heap, dense } = edit.tree;
    const { i32, f64 } = heap;
    this.keys[at * 2] = entryKey(f64, child, 0);
    this.words[(at << ENTRY_SHIFT) + ENTRY_REF] = child;
    this.words[(at << ENTRY_SHIFT) + ENTRY_MEMBERS] = membersOf(i32, child);
    if (!dense) return;
    this.lasts[at] = lastKeyOf(i32, f64, child);
    this.distincts[at] = distinctOf(i32, child);
  }
}
