/** What the verify thread asks of a partition's thread, by way of the supervisor, and what it answers. */
import type { MemoryRow } from './memory-rows.ts';

export interface RowQuestion {
  readonly partition: number;
  readonly keys: readonly Uint8Array[];
}

/** Rows between two turns. */
export interface JudgedRows {
  readonly sequence: number;
  /** How often rows of the partition were cleared: an absent row that was cleared later is absent on purpose. */
  readonly clears: number;
  readonly rows: readonly MemoryRow[];
}

export interface RowMending {
  readonly partition: number;
  readonly orders: readonly MendOrder[];
  /** Keys of rankings whose blocks are to be built anew. */
  readonly structures: readonly Uint8Array[];
}

export interface MendOrder {
  readonly key: Uint8Array;
  /** The side to change. */
  readonly side: 'memory' | 'store';
  /** As it was judged: a row that is not so any more is left alone. */
  readonly expected: MemoryRow;
  readonly clears: number;
  /** What memory is to hold; undefined for nothing. */
  readonly value: Uint8Array | undefined;
}

export interface MendedRows {
  /** The turn that did it. */
  readonly sequence: number;
  readonly orders: readonly boolean[];
  readonly structures: readonly boolean[];
}
