/**
 * One operation on the tree in progress: the blocks it took, and those it will free. Nothing of it survives the operation,
 * so a successor of a dead thread needs none of it.
 */
import { assert } from '../../assert.ts';
import { unitsOfBlock } from '../block-units.ts';
import type { RankingTree } from './ranking-tree.ts';

/** Bound: an operation replaces at most two paths, and a removal takes one sibling a level besides. */
const REPLACED_MAX = 96;

/** One list serves a thread, as operations do not interleave: a million small rankings do not hold one each. */
const replaced = new Int32Array(REPLACED_MAX);

export class TreeEdit {
  readonly tree: RankingTree;
  /** By how much the ranking's memory changes, in units of 16 bytes. */
  units: number;
  private replacedCount: number;

  constructor(tree: RankingTree) {
    this.tree = tree;
    this.units = 0;
    this.replacedCount = 0;
  }

  begin(): void {
    this.units = 0;
    this.replacedCount = 0;
  }

  /** A fresh block for a node. May remake the heap's views. */
  take(words: number): number {
    this.units += unitsOfBlock(words);
    return this.tree.heap.alloc(words);
  }

  /** Notes a block that the new tree does not hold any more. */
  replace(ref: number, words: number): void {
    assert(this.replacedCount < REPLACED_MAX, 'an operation replaces a bounded number of blocks');
    replaced[this.replacedCount++] = ref;
    this.units -= unitsOfBlock(words);
  }

  /** After publication: frees what was replaced. Before it, an error would leave freed blocks reachable. */
  freeReplaced(): void {
    const heap = this.tree.heap;
    for (let at = 0; at < this.replacedCount; at++) heap.free(replaced[at] as number);
    this.replacedCount = 0;
  }
}
