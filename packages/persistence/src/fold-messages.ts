/** What the durability thread and the fold thread say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { DurablePosition } from '@spacegrid/core';
import type { StoredBatch } from './batch.ts';
import type { RowRange } from './row-key.ts';
import type { StoreIdentity } from './store-identity.ts';

export interface FoldApi {
  /** Opens rows.db. Throws StoreLockedError, StoreIdentityError, StoreCorruptError. */
  open(directory: string, store: StoreIdentity): Promise<FoldState>;
  /** Takes batches for the next `fold`, oldest first. `afresh` forgets those of an attempt that was not finished. */
  gather(batches: readonly StoredBatch[], afresh: boolean): Promise<void>;
  /** Folds the batches that were gathered, and these; resolves when they are synced as rows. They are forgotten in any case. */
  fold(batches: readonly StoredBatch[]): Promise<FoldState>;
  /** Rows of a partition, as put operations: as many as are sent at a time at a start. */
  read(partition: number, range: RowRange): Promise<RowPage>;
  /** The same in small pages, for one actor of a running grid. */
  readSome(partition: number, range: RowRange): Promise<RowPage>;
  /** The groups of a range (RecoveryCredit), as put operations without a value. Their rows are not read. */
  readGroups(partition: number, range: GroupRange): Promise<RowPage>;
  backup(file: string): Promise<void>;
  /** Serves a HeldRowsApi at the port, which holds still while no fold is asked for. */
  verify(port: MessagePort): Promise<void>;
  close(): Promise<void>;
}

export interface FoldState {
  /** The last batch that is folded in. */
  readonly folded: number;
  /** Of the file. */
  readonly bytes: number;
  /** By partition. */
  readonly positions: ReadonlyMap<number, DurablePosition>;
  /** Keys whose last change could not be folded. */
  readonly quarantine: readonly QuarantineMark[];
  /** What this call set aside: files that failed a write. */
  readonly replaced: readonly ReplacedFile[];
}

/** A key that is not folded: its last change stays in the journal. */
export interface QuarantineMark {
  readonly partition: number;
  /** Without a byte when it is not known: the changes of the partition in this batch can't be read. */
  readonly key: Uint8Array;
  readonly batch: number;
  readonly reason: string;
  /** Wall-clock milliseconds. */
  readonly quarantinedAt: number;
}

export interface ReplacedFile {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** All keys that begin with `prefix`, from one on. */
export interface GroupRange {
  readonly prefix: Uint8Array;
  readonly from: Uint8Array;
}

export interface RowPage {
  readonly changes: Uint8Array;
  readonly rows: number;
  /** Where to go on; undefined behind the last row. */
  readonly next: Uint8Array | undefined;
  /** Keys whose rows fail their checksum. */
  readonly damaged: readonly Uint8Array[];
}
