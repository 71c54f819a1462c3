/**
 * Children of inner nodes whose number changes, outside the heap. What the old node says of children that stay is carried
 * over: looking into a hundred children would cost a hundred cache misses. One buffer serves a thread.
 */
import { assert } from '../../assert.ts';
import { distinctOf } from './distinct-scores.ts';
import { finishInner, lastKeyOf } from './inner-node.ts';
import {
  childrenAt,
  ENTRIES_MASK,
  INNER_MAX,
  innerWords,
  LEVEL_SHIFT,
  membersOf,
  NODE_KEYS,
  NODE_META,
  NODE_SUM,
} from './node-layout.ts';
import type { TreeEdit } from './tree-edit.ts';

const ROOM: number = 2 * INNER_MAX + 2;

export class ChildBuffer {
  n: number;
  private readonly children: Int32Array;
  private readonly members: Int32Array;
  private readonly distincts: Int32Array;
  private readonly firsts: Float64Array;
  private readonly lasts: Float64Array;

  constructor() {
    this.n = 0;
    this.children = new Int32Array(ROOM);
    this.members = new Int32Array(ROOM);
    this.distincts = new Int32Array(ROOM);
    this.firsts = new Float64Array(ROOM);
    this.lasts = new Float64Array(ROOM);
  }

  clear(): void {
    this.n = 0;
  }

  /** Appends all children of an inner node, which is noted as replaced. */
  addNode(edit: TreeEdit, node: number): void {
    const { heap, dense } = edit.tree;
    const { i32, f64 } = heap;
    const n = (i32[node + NODE_META] as number) & ENTRIES_MASK;
    assert(this.n + n <= ROOM, 'two inner nodes fit the buffer');
    const children = node + childrenAt(n, dense);
    const firsts = (node + NODE_KEYS) >>> 1;
    for (let slot = 0, at = this.n; slot < n; slot++, at++) {
      this.children[at] = i32[children + slot] as number;
      this.members[at] = i32[children + n + slot] as number;
      this.firsts[at] = f64[firsts + slot] as number;
      if (!dense) continue;
      this.distincts[at] = i32[children + 2 * n + slot] as number;
      this.lasts[at] = f64[firsts + n + slot] as number;
    }
    this.n += n;
    edit.replace(node, innerWords(n, dense));
  }

  /** Puts one child, or `second` behind it too when that is not 0, in the place of `removed` children from `at` on. */
  splice(edit: TreeEdit, at: number, removed: number, first: number, second: number): void {
    const added = second !== 0 ? 2 : first !== 0 ? 1 : 0;
    assert(this.n - removed + added <= ROOM, 'the buffer has room for one more child');
    if (added !== removed) {
      for (const column of [this.children, this.members, this.distincts, this.firsts, this.lasts]) {
        column.copyWithin(at + added, at + removed, this.n);
      }
      this.n += added - removed;
    }
    if (first !== 0) this.put(edit, at, first);
    if (second !== 0) this.put(edit, at + 1, second);
  }

  childAt(slot: number): number {
    return this.children[slot] as number;
  }

  /** A fresh inner node at `level` over the children from `from` to before `to`. */
  toInner(edit: TreeEdit, level: number, from: number, to: number): number {
    const { heap, dense } = edit.tree;
    const n = to - from;
    const node = edit.take(innerWords(n, dense));
    const { i32, f64 } = heap;
    const firsts = (node + NODE_KEYS) >>> 1;
    const children = node + childrenAt(n, dense);
    let sum = 0;
    for (let slot = 0, at = from; slot < n; slot++, at++) {
      sum += this.members[at] as number;
      i32[children + slot] = this.children[at] as number;
      i32[children + n + slot] = this.members[at] as number;
      f64[firsts + slot] = this.firsts[at] as number;
      if (!dense) continue;
      i32[children + 2 * n + slot] = this.distincts[at] as number;
      f64[firsts + n + slot] = this.lasts[at] as number;
    }
    i32[node + NODE_META] = n | (level << LEVEL_SHIFT);
    i32[node + NODE_SUM] = sum;
    finishInner(edit, node);
    return node;
  }

  private put(edit: TreeEdit, at: number, child: number): void {
    const { heap, dense } = edit.tree;
    const { i32, f64 } = heap;
    this.children[at] = child;
    this.members[at] = membersOf(i32, child);
    this.firsts[at] = f64[(child + NODE_KEYS) >>> 1] as number;
    if (!dense) return;
    this.distincts[at] = distinctOf(i32, child);
    this.lasts[at] = lastKeyOf(i32, f64, child);
  }
}
