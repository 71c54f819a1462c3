/** Between scores, keys of the tree, ranks and positions. */
import { positionOf, positionOfKey } from './descend.ts';
import { distinctBelow, distinctInAll, positionOfDistinct } from './distinct-scores.ts';
import type { Path } from './path.ts';
import type { RankingTree } from './ranking-tree.ts';

/** The key that makes the tree ascend. Never −0. */
export function keyOfScore(tree: RankingTree, score: number): number {
  return tree.descending ? 0 - score : score + 0;
}

export function scoreOfKey(tree: RankingTree, key: number): number {
  return tree.descending ? 0 - key : key;
}

/** Rank of the entry that `path` leads to. */
export function rankOf(tree: RankingTree, root: number, key: number, path: Path): number {
  return tree.isShared ? rankOfKey(tree, root, key) : positionOf(tree, path) + 1;
}

/** The rank that entries of this key share. */
export function rankOfKey(tree: RankingTree, root: number, key: number): number {
  return 1 + (tree.dense ? distinctBelow(tree, root, key) : positionOfKey(tree, root, key, false));
}

/** Position of the first entry whose rank is `rank` or more. `keyAt` gives the key at a position. */
export function positionOfRank(
  tree: RankingTree,
  root: number,
  members: number,
  rank: number,
  keyAt: (position: number) => number,
): number {
  if (rank <= 1) return 0;
  if (tree.dense) {
    return rank > distinctInAll(tree, root) ? members : positionOfDistinct(tree, root, rank - 1);
  }
  const position = rank - 1;
  if (position >= members) return members;
  if (!tree.isShared) return position;
  // Inside a tie, the entries there have the rank of its first: the next tie is meant.
  const key = keyAt(position);
  return positionOfKey(tree, root, key, false) === position ? position : positionOfKey(tree, root, key, true);
}
