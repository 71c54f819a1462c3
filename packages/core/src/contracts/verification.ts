/**
 * How a side that holds a partition's rows is compared with its owner's memory, while both go on: the store today, a backup on
 * another node once there are any. Served to one asker at a time; row keys and values are bytes without meaning here.
 *
 * The side is a state that stands still (what is folded, or a replica that was paused), and the changes since: a tail. Rows that
 * the tail does not name are the same on both sides at every sequence since the state; their range digests must agree. Rows that
 * it names may have any value that they had while the owner's memory was read.
 *
 * Order for each partition: `begin` → `compare` → `pairs`, `keysOf`, `states`, `mend` as needed → `end`.
 */

/** Most keys of one question. */
export const VERIFIED_KEYS_MAX = 256;

export interface VerifiedSide {
  /** Holds the state of a partition still, and reads it, checksums included. */
  begin(partition: number): Promise<SideScan>;
  /** Waits until the side has all up to the sequence `to`, and reads the tail. The memory was read between `from` and `to`. */
  compare(partition: number, window: SequenceWindow): Promise<SideDigests>;
  /** The pairs (row-pairs.ts) of ranges, without rows that changed. */
  pairs(partition: number, ranges: readonly number[]): Promise<Uint32Array>;
  /** Row keys with these hashes, in state or tail. */
  keysOf(partition: number, keyHashes: Uint32Array): Promise<readonly Uint8Array[]>;
  /** What rows may be at a sequence, of at most VERIFIED_KEYS_MAX keys; waits until the side has it. */
  states(partition: number, question: StatesQuestion): Promise<readonly SideState[]>;
  /** Takes damage out of the side whose rows the owner has written again; waits until these are there. */
  mend(partition: number, mending: SideMending): Promise<void>;
  /** Lets the state move on. */
  end(partition: number): Promise<void>;
}

export interface SequenceWindow {
  readonly from: number;
  readonly to: number;
}

export interface SideScan {
  readonly rows: number;
  /** Of keys and values. */
  readonly bytes: number;
  /** Rows that fail their own checksum, as they read. */
  readonly damaged: readonly DamagedRow[];
}

export interface DamagedRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface SideDigests {
  /** By range: XXH64 of the pairs of rows that did not change. */
  readonly digests: BigUint64Array;
  /** Key hashes of rows that the tail names, sorted. */
  readonly changed: Uint32Array;
  /** Pairs that those may have, sorted. */
  readonly allowed: Uint32Array;
  /** Key hashes of those that may be absent, sorted. */
  readonly absent: Uint32Array;
  readonly damagedBatches: readonly DamagedBatch[];
  /** Rows whose last change could not be folded. */
  readonly quarantined: readonly Uint8Array[];
}

/** A batch of changes that fails its checksum. */
export interface DamagedBatch {
  readonly batch: number;
  readonly message: string;
}

export interface StatesQuestion {
  readonly keys: readonly Uint8Array[];
  readonly sequence: number;
}

export interface SideState {
  /** Its row in the state fails its checksum. */
  readonly damaged: boolean;
  /** Values that the row may have; undefined for absent. None when only a damaged row could say. */
  readonly values: readonly (Uint8Array | undefined)[];
}

export interface SideMending {
  /** Rows that fail their checksum and were written again: they make way for what the tail has. */
  readonly rows: readonly Uint8Array[];
  /** Batches that fail their checksum, and of which every row was written again. */
  readonly batches: readonly number[];
  /** All rows of the partition are right: marks of changes that nobody could read are taken away. */
  readonly unread: boolean;
  /** The side has all up to here first. */
  readonly sequence: number;
}
