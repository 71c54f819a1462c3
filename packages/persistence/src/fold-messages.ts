/** What the durability thread and the fold thread say to each other. */

export interface FoldApi {
  /** Opens rows.db; the number of the last batch that is folded in. */
  open(directory: string): Promise<number>;
  /** Folds journal batches, oldest first; resolves when they are synced as rows. Keys that can't be folded come back. */
  fold(batches: readonly NumberedBatch[]): Promise<readonly PoisonedRow[]>;
  /** Rows of a partition behind a key, as put operations. */
  read(partition: number, after: Uint8Array): Promise<RowPage>;
  bytes(): Promise<number>;
  backup(file: string): Promise<void>;
  close(): Promise<void>;
}

export interface NumberedBatch {
  readonly id: number;
  readonly data: Uint8Array;
}

export interface PoisonedRow {
  readonly partition: number;
  readonly key: Uint8Array;
  readonly batch: number;
  readonly reason: string;
}

export interface RowPage {
  readonly changes: Uint8Array;
  readonly rows: number;
  /** The last key; undefined when there are no more rows. */
  readonly last: Uint8Array | undefined;
  /** Keys whose rows fail their checksum. */
  readonly damaged: readonly Uint8Array[];
}
