/**
 * What a package that keeps state on disk gives, and what it is given. It runs in a thread of its own, reads the partitions'
 * outboxes straight from shared memory, and writes nothing there but each partition's durable watermark.
 *
 * Order of a start: `open` → `recover` for each partition → `start`. Of the start of a successor, after the thread died:
 * `open` → `start`; it resumes each outbox at the watermark that it reads from the store.
 */
import type { MessagePort } from 'node:worker_threads';

/** What `sqlite({ directory })` returns, for `createGrid({ persistence })`. */
export interface Persistence {
  readonly kind: string;
  /** The module that the supervisor starts as the durability thread. Threads are given its `href`: a URL can't be cloned. */
  readonly threadUrl: URL;
  /** Resolved options, structured-cloneable. */
  readonly options: unknown;
}

/** What data is spread and hashed by. A store made under one identity can't be opened under another. */
export interface GridIdentity {
  readonly partitions: number;
  readonly hashSeed: number;
  readonly gridId?: string;
}

/** `workerData` of the durability thread. */
export interface DurabilityThreadData {
  readonly identity: GridIdentity;
  /** One for each partition, by its number. */
  readonly heaps: readonly SharedArrayBuffer[];
  /** Int32 words, one for each thread of the node. */
  readonly doorbells: SharedArrayBuffer;
  /** Word of this thread's doorbell. */
  readonly ownDoorbell: number;
  /** Word of the doorbell of each partition's worker. */
  readonly workerDoorbells: readonly number[];
  /** At which backlog of a partition its commands are not taken: what `behind` means. */
  readonly backlog: BacklogBounds;
  /** This thread's pin line in every heap. */
  readonly pinSlot: number;
  /** `Persistence.options`. */
  readonly options: unknown;
  /** The comlink end that serves DurabilityControl. */
  readonly controlPort: MessagePort;
}

/** Most that a partition may have committed and not stored, before it takes no more commands. */
export interface BacklogBounds {
  readonly bytesMax: number;
  readonly ageMaxMs: number;
}

/** Up to where a partition's state is on disk. */
export interface DurablePosition {
  readonly epoch: number;
  readonly sequence: number;
}

export interface DurabilityOpened {
  /** Whose store it is: what was given, with what the store remembers in its place. */
  readonly identity: GridIdentity;
  /** True when the store held nothing. */
  readonly fresh: boolean;
  /** By partition. */
  readonly durable: readonly DurablePosition[];
}

/** Served by comlink. Every method may be refused with an error of the store: STORE_LOCKED, STORE_IDENTITY, STORE_CORRUPT, … */
export interface DurabilityControl {
  /** Takes the directory's lock, checks the identity, reads the watermarks. */
  open(): Promise<DurabilityOpened>;
  /**
   * Posts the partition's rows as RecoveryChunks and resolves when the last was posted. Back-pressure: one chunk is in flight
   * for each RecoveryCredit that the receiver posts; it posts the first ones before it calls, and says in them what it wants
   * of groups of rows.
   */
  recover(partition: number, port: MessagePort): Promise<void>;
  /**
   * Answers the RowsQuestions that a partition thread posts while the grid runs, each with a RowsAnswer, until the port closes, and
   * takes its FoldRequests.
   * Any time after `open`.
   */
  serveRows(port: MessagePort): Promise<void>;
  /** Begins to drain the outboxes; after all partitions are loaded. Idempotent. */
  start(): Promise<void>;
  /** Resolves when all that was committed before the call is durable. Rejects with DURABILITY_UNAVAILABLE when it is closed before. */
  flush(): Promise<void>;
  status(): Promise<DurabilityStatus>;
  /**
   * Writes a consistent copy of the store to a new or empty directory, while it is running: of each partition all up to a
   * sequence. Rejects with BACKUP_FAILED.
   */
  backup(directory: string): Promise<BackupResult>;
  /** Serves a VerifiedSide at the port, until it closes; one at a time. */
  verify(port: MessagePort): Promise<void>;
  /** Drains, syncs, releases the lock. Idempotent. Rejects with STORAGE_FULL or STORAGE_FAILED when something could not be stored. */
  close(): Promise<void>;
}

export type RecoveryChunk = RecoveryRows | RecoveryEnd;

export interface RecoveryRows {
  readonly done: false;
  /** Operations of a change set, to be applied in order. */
  readonly changes: Uint8Array;
}

export interface RecoveryEnd extends DurablePosition {
  readonly done: true;
  /** Other watermarks stored with the partition, by name. */
  readonly watermarks: Readonly<Record<string, number>>;
}

/** Posted by the receiver of a recovery: `credits` more chunks may be sent. */
export interface RecoveryCredit {
  readonly credits: number;
  /**
   * In the first credit: what the keys of some rows begin with, of which only the groups are wanted. Behind such a prefix stands
   * a length, in two bytes with the high one first, and as many bytes: that far the keys of a group are equal. Of each group one
   * put comes, of that key and without a value. The journal's tail comes whole: it may hold changes of any row.
   */
  readonly groupsOf?: readonly Uint8Array[];
}

/**
 * Posted by a partition thread to the port of `serveRows`: asks for the rows whose keys begin with `prefix`, as they stand in the
 * store. They are whole for what the partition changed up to its folded watermark, and up to where the store stood when it was
 * opened: answers wait for a fold that is behind that. One answer holds a part; `from` asks for the next.
 */
export interface RowsQuestion {
  /** Chosen by the asker; its answer carries it. */
  readonly id: number;
  readonly partition: number;
  readonly prefix: Uint8Array;
  /** The first key wanted; the prefix itself to begin with. */
  readonly from: Uint8Array;
}

/** Posted to the same port: memory waits for what is journalled to be folded. Not answered: the folded watermark says it. */
export interface FoldRequest {
  readonly fold: true;
}

export type RowsAnswer =
  | {
      readonly id: number;
      /** Operations of a change set, to be applied in order. */
      readonly changes: Uint8Array;
      /** What to ask for next; undefined behind the last row. */
      readonly next: Uint8Array | undefined;
    }
  | {
      readonly id: number;
      /**
       * What encodeError wrote: STORE_CORRUPT for rows that fail their checksum, or whose last change can't be read; what SQLite
       * says; DURABILITY_UNAVAILABLE while the store can't be read.
       */
      readonly error: Uint8Array;
    };

export interface BackupResult {
  readonly directory: string;
  /** Of its files. */
  readonly bytes: number;
  /** By partition: what the backup holds. */
  readonly positions: readonly DurablePosition[];
}

/**
 * `healthy`: within its bounds. `behind`: the backlog of a partition is at its limit and its commands wait. `full`: no room on
 * the disk. `failed`: the disk fails, and no fresh file can be made either. In both everything is kept, and tried again and
 * again. `opening` and `closed` at the ends.
 */
export type DurabilityHealth = 'opening' | 'healthy' | 'behind' | 'full' | 'failed' | 'closed';

export interface DurabilityStatus {
  readonly health: DurabilityHealth;
  /** Why it is not healthy, in a sentence. */
  readonly reason?: string;
  /** Committed and not yet durable, over all partitions. */
  readonly unpersistedBytes: number;
  /** How long the oldest of it has waited. */
  readonly unpersistedAgeMs: number;
  /** Wall-clock milliseconds of the last flush; 0 before the first. */
  readonly lastFlushAt: number;
  readonly lastFlushMs: number;
  readonly flushes: number;
  /** Journalled and not yet folded into rows. */
  readonly foldLagBytes: number;
  readonly journalBytes: number;
  readonly rowBytes: number;
  /** Keys that can't be folded; their journal rows are kept. The first 100. */
  readonly quarantined: readonly QuarantinedRow[];
  readonly quarantinedCount: number;
  /** Files that failed a write or sync, since the thread was started: replaced by fresh ones, and kept beside them. */
  readonly filesSetAside: number;
  /** The last 20, oldest first. */
  readonly errors: readonly DurabilityIncident[];
}

export interface QuarantinedRow {
  readonly partition: number;
  /** The row key in hexadecimal. */
  readonly key: string;
  readonly reason: string;
  /** Wall-clock milliseconds. */
  readonly quarantinedAt: number;
}

export interface DurabilityIncident {
  /** Wall-clock milliseconds. */
  readonly occurredAt: number;
  /** Code of a GridError, or of the system: `ENOSPC`. */
  readonly code: string;
  readonly message: string;
}
