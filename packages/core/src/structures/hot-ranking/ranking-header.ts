/**
 * The stable block that a ranking is reached by. Its owner keeps the reference; it never moves while the ranking lives.
 *
 * ```
 * [shape, root, index root, index entries, index units, units, arrival low, arrival high]
 *    shape     RANKING_MARK | order | tie policy, written once
 *    root      reference of the tree's root node, 0 when empty: THE publication word of the ranking
 *    index     the header of a HashIndex over the members; its root is 0 while a small leaf is searched instead
 *    units     memory of records and nodes, in units of 16 bytes
 *    arrival   53-bit count of scores reached so far; the next record takes it
 * ```
 */
import { InvalidOptionError } from '../../errors/grid-errors.ts';
import type { Heap } from '../../memory/heap.ts';
import { INDEX_WORDS } from '../hash-index/index-layout.ts';

export const SHAPE = 0;
export const ROOT = 1;
export const MEMBER_INDEX = 2;
export const UNITS: number = MEMBER_INDEX + INDEX_WORDS;
export const ARRIVAL_LOW: number = UNITS + 1;
export const ARRIVAL_HIGH: number = UNITS + 2;
export const RANKING_HEADER_WORDS: number = UNITS + 3;

export type RankingOrder = 'asc' | 'desc';
export type RankingTies = 'competition' | 'dense' | 'first-to-reach' | 'ordinal';

export interface RankingOptions {
  /** Which scores come first. Default 'desc': the highest. */
  readonly order?: RankingOrder;
  /**
   * How equal scores rank. 'first-to-reach' (default): who had the score first comes first, 1 2 3 4. 'ordinal': by the
   * members' bytes ascending, 1 2 3 4. 'competition': they share a rank, 1 2 2 4. 'dense': 1 2 2 3. The last two list equal
   * scores by the members' bytes.
   */
  readonly ties?: RankingTies;
}

const RANKING_MARK = 0x524b0000;
const MARK_MASK = 0x7fff0000;
const DESCENDING = 4;
const TIE_POLICIES: readonly RankingTies[] = ['first-to-reach', 'ordinal', 'competition', 'dense'];

/** The shape word for these options; throws InvalidOptionError naming what is allowed. */
export function shapeOf(options: RankingOptions): number {
  const order = options.order ?? 'desc';
  const ties = options.ties ?? 'first-to-reach';
  if (order !== 'asc' && order !== 'desc') {
    throw new InvalidOptionError(`order is ${JSON.stringify(order)}: allowed are 'asc' and 'desc'`);
  }
  const policy = TIE_POLICIES.indexOf(ties);
  if (policy < 0) {
    throw new InvalidOptionError(`ties is ${JSON.stringify(ties)}: allowed are '${TIE_POLICIES.join("', '")}'`);
  }
  return RANKING_MARK | (order === 'desc' ? DESCENDING : 0) | policy;
}

export function isRankingShape(shape: number): boolean {
  return (shape & MARK_MASK) === RANKING_MARK;
}

export function orderOfShape(shape: number): RankingOrder {
  return (shape & DESCENDING) !== 0 ? 'desc' : 'asc';
}

export function tiesOfShape(shape: number): RankingTies {
  return TIE_POLICIES[shape & 3] as RankingTies;
}

/** Allocates and formats the header of an empty ranking, by plain stores in a block that nobody can reach yet. */
export function createRankingHeader(heap: Heap, options: RankingOptions): number {
  const shape = shapeOf(options);
  const header = heap.alloc(RANKING_HEADER_WORDS);
  heap.i32.fill(0, header, header + RANKING_HEADER_WORDS);
  heap.i32[header + SHAPE] = shape;
  return header;
}
