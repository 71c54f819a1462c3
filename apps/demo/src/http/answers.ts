/** What the API answers, as the page reads it. Plain data only: this file is checked with both of them and imports nothing. */

export interface Entry {
  readonly rank: number;
  readonly player: string;
  readonly points: number;
}

/** Of `…/top`, and each `top` event. */
export interface Top {
  readonly entries: readonly Entry[];
  /** All players of the board. */
  readonly players: number;
}

export interface Submitted {
  readonly player: string;
  readonly points: number;
  readonly rank: number;
  /** On disk when this was answered. */
  readonly durable: boolean;
}

export interface Standing {
  readonly player: string;
  readonly points: number;
  readonly rank: number;
  readonly around: readonly Entry[];
}

export interface BoardSummary {
  readonly name: string;
  readonly players: number;
}

export interface LoadStatus {
  readonly running: boolean;
  readonly board: string;
  /** Null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  readonly players: number;
  readonly threads: number;
  /** Points acknowledged since the load was started. */
  readonly acknowledged: number;
  readonly failed: number;
  /** Of the last half second, from a call to its acknowledgement; zeros while nothing plays. */
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
  /** Why the players stopped by themselves, if they did. */
  readonly failure?: string;
}

export interface WorkerSample {
  readonly worker: number;
  readonly state: string;
  /** How many threads have served as this worker. */
  readonly incarnation: number;
  readonly commandsPerSecond: number;
  /** Share of the time spent on requests, 0 to 1. */
  readonly busyShare: number;
  /** Requests in its rings that are not answered yet. */
  readonly depth: number;
  readonly depthBytes: number;
}

export interface PartitionSample {
  readonly partition: number;
  readonly worker: number;
  /** Committed turns. */
  readonly sequence: number;
  /** Turns and bytes that are committed and not on disk. */
  readonly unpersisted: number;
  readonly unpersistedBytes: number;
  /** Commands held back, and answers that wait for the disk. */
  readonly waiting: number;
  readonly usedBytes: number;
}

export interface Recovery {
  readonly kind: 'worker' | 'durability';
  readonly thread: number;
  /** Wall-clock milliseconds. */
  readonly diedAt: number;
  /** Until its successor served; −1 when it was given up. */
  readonly recoveredAfterMs: number;
  readonly cause: string;
}

/** Each `stats` event: a second of the grid. */
export interface Sample {
  readonly workers: readonly WorkerSample[];
  readonly partitions: readonly PartitionSample[];
  readonly durability: {
    readonly health: string;
    readonly unpersistedBytes: number;
    readonly flushMs: number;
    readonly journalBytes: number;
    readonly rowBytes: number;
  };
  readonly throughput: { readonly submitsPerSecond: number; readonly peeksPerSecond: number };
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
  readonly load: LoadStatus;
  /** The last ten. */
  readonly recoveries: readonly Recovery[];
}

/** What became of a killed thread, and of what had been acknowledged. */
export interface KillAnswer {
  readonly worker: number;
  /** −1: it was given up. */
  readonly recoveredAfterMs: number;
  /** Points acknowledged to the simulated players up to now, all asked of them after the recovery. */
  readonly acknowledged: number;
  /** Points of theirs on the board, counted after that. */
  readonly present: number;
  /** Acknowledged and not on the board. */
  readonly lost: number;
  /** On the board beyond all that was ever sent. */
  readonly doubled: number;
  /** Turns that the thread's partitions had committed before and have after. */
  readonly turns: { readonly before: number; readonly after: number; readonly lost: number };
}
