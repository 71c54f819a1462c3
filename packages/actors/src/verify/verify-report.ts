/** What `grid.verify` answers. */

export interface VerifyReport {
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly partitions: number;
  /** Rows of memory that were compared: an actor's fields, a member or entry of its structures, a stored answer each one. */
  readonly entries: number;
  /** Of their keys and values. */
  readonly bytes: number;
  /** Rows of the store whose checksums were looked at. */
  readonly rows: number;
  /** The first 1,000, in the order of the partitions. */
  readonly differences: readonly VerifyDifference[];
  readonly found: number;
  readonly repaired: number;
}

/**
 * What a side says of itself: `whole` and `absent` when nothing contradicts it, `damaged` when it fails its own check, `unloaded`
 * for memory of an actor that is in the store alone.
 */
export type SideCondition = 'absent' | 'damaged' | 'unloaded' | 'whole';

/** What was done about a difference. */
export type VerifyOutcome = 'changed-meanwhile' | 'nothing' | 'repaired-memory' | 'repaired-store';

export interface VerifyDifference {
  readonly partition: number;
  /** The actor; undefined for rows of the grid itself, and for a batch of the journal. */
  readonly actor?: string;
  readonly key?: string;
  /** The ranking or map; undefined for the actor's own fields. */
  readonly structure?: string;
  /** Member or entry; undefined for the actor's own fields, and for a block of a structure. */
  readonly entry?: string;
  /** Of the row, in hexadecimal; empty for a batch. */
  readonly rowKey: string;
  readonly memory: SideCondition;
  readonly store: SideCondition;
  /** Neither side fails its own check, or both do: repaired only when `trust` says by which. */
  readonly unclear: boolean;
  /** In a sentence. */
  readonly reason: string;
  readonly outcome: VerifyOutcome;
}

export interface VerifyOptions {
  /** Mends what fails its own check from the side that is whole. Default false. */
  readonly repair?: boolean;
  /** Which side to believe where that is unclear: memory, or the store. Default: neither, and nothing is changed. Needs `repair`. */
  readonly trust?: 'owner' | 'store';
  /** Gives it up. What was repaired stays. */
  readonly signal?: AbortSignal;
  /** Milliseconds or a duration such as `'5m'`. Default: as long as it takes. */
  readonly timeout?: number | string;
}

/** Of the last one that ended, and all since the grid was started. */
export interface VerifyStats {
  readonly runs: number;
  /** Wall-clock milliseconds; 0 before the first. */
  readonly lastAt: number;
  readonly lastMs: number;
  readonly lastFound: number;
  readonly lastRepaired: number;
  readonly found: number;
  readonly repaired: number;
}
