/**
 * One file of the journal: batches in the order of their commits, the watermark of each partition, and whose grid it is.
 * Watermarks are stored in the transaction of the batch that they speak of. Durability thread only.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assert, type DurablePosition, type GridIdentity, StoreCorruptError } from '@spacegrid/core';
import { type BatchWriter, checkBatch, checksumsOf, type StoredBatch } from './batch.ts';
import { type Database, sizeOf, type Statement, transact } from './database.ts';
import { storeFileName } from './store-files.ts';
import {
  isBlank,
  newStoreIdentity,
  openOwned,
  readIdentity,
  type StoreIdentity,
  writeIdentity,
} from './store-identity.ts';

const PAGE_BYTES = 4096;

interface BatchRow {
  readonly id: bigint;
  readonly runs: Buffer;
  readonly data: Buffer;
  readonly runsChecksum: bigint;
  readonly dataChecksum: bigint;
}

/** Batches that the rows hold: all up to a number, but for those with keys that could not be folded. */
export interface FoldedBatches {
  readonly upTo: number;
  readonly kept: readonly number[];
}

export class JournalFile {
  readonly name: string;
  readonly generation: number;
  readonly fresh: boolean;
  readonly identity: StoreIdentity;
  private readonly database: Database;
  private readonly insert: Statement;
  private readonly mark: Statement;
  private readonly remove: Statement;
  private walBytes: number;

  private constructor(
    directory: string,
    generation: number,
    database: Database,
    identity: StoreIdentity,
    fresh: boolean,
  ) {
    this.name = join(directory, storeFileName('journal', generation));
    this.generation = generation;
    this.fresh = fresh;
    this.identity = identity;
    this.database = database;
    this.insert = database.prepare(
      'INSERT INTO batches (id, runs, runsChecksum, data, dataChecksum) VALUES (?, ?, ?, ?, ?)',
    );
    this.mark = database.prepare(
      'INSERT INTO watermarks (partition, epoch, sequence) VALUES (?, ?, ?) ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence WHERE excluded.epoch > epoch OR (excluded.epoch = epoch AND excluded.sequence > sequence)',
    );
    // The newest stays, so that its number is not given out again.
    this.remove = database.prepare(
      'DELETE FROM batches WHERE id <= ? AND id < (SELECT MAX(id) FROM batches) AND id NOT IN (SELECT value FROM json_each(?))',
    );
    this.walBytes = 0;
  }

  /** Undefined when the file is there and was never finished. Throws StoreLockedError, StoreIdentityError, StoreCorruptError. */
  static open(
    directory: string,
    generation: number,
    wanted: GridIdentity,
    mayCreate: boolean,
  ): JournalFile | undefined {
    const file = join(directory, storeFileName('journal', generation));
    assert(mayCreate || existsSync(file), 'a file is opened that is there');
    const database = openOwned(file);
    try {
      if (!isBlank(file, database))
        return new JournalFile(directory, generation, database, readIdentity(file, database, wanted), false);
      if (!mayCreate) {
        database.close();
        return undefined;
      }
      const identity = newStoreIdentity(wanted);
      transact(database, () => format(database, identity));
      return new JournalFile(directory, generation, database, identity, true);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Makes the file that takes over from `older`: with its watermarks and all its batches behind the folded ones, in one transaction. */
  static replace(directory: string, older: JournalFile, generation: number, folded: FoldedBatches): JournalFile {
    const file = join(directory, storeFileName('journal', generation));
    const database = openOwned(file);
    try {
      transact(database, () => {
        format(database, older.identity);
        const insert = database.prepare(
          'INSERT INTO batches (id, runs, runsChecksum, data, dataChecksum) VALUES (?, ?, ?, ?, ?)',
        );
        const newest = older.newestBatch();
        for (const row of older.rows(0)) {
          const id = Number(row.id);
          if (id <= folded.upTo && id < newest && !folded.kept.includes(id)) continue;
          checkRow(older.name, row);
          insert.run(row.id, row.runs, row.runsChecksum, row.data, row.dataChecksum);
        }
        const mark = database.prepare('INSERT INTO watermarks (partition, epoch, sequence) VALUES (?, ?, ?)');
        for (const [partition, { epoch, sequence }] of older.watermarks()) mark.run(partition, epoch, sequence);
      });
      return new JournalFile(directory, generation, database, older.identity, false);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  newestBatch(): number {
    const row = this.database.prepare('SELECT MAX(id) AS id FROM batches').get() as { id: number | null };
    return row.id ?? 0;
  }

  watermarks(): Map<number, DurablePosition> {
    const rows = this.database
      .prepare('SELECT partition, epoch, sequence FROM watermarks')
      .all() as (DurablePosition & {
      partition: number;
    })[];
    return new Map(rows.map(({ partition, epoch, sequence }) => [partition, { epoch, sequence }]));
  }

  /** Appends a batch, and drops the folded ones in the same transaction. Returns when it is synced to disk. */
  append(id: number, batch: BatchWriter, folded: FoldedBatches | undefined): void {
    const runs = batch.runs();
    const data = batch.data();
    const checksums = checksumsOf(id, runs, data);
    transact(this.database, () => {
      if (folded !== undefined) this.remove.run(folded.upTo, JSON.stringify(folded.kept));
      this.insert.run(id, runs, checksums.runs, data, checksums.data);
      for (const [partition, { epoch, sequence }] of batch.reached) {
        const { changes } = this.mark.run(partition, epoch, sequence);
        assert(changes === 1, 'a watermark moves forward with every batch');
      }
    });
    this.walBytes += runs.length + data.length + 4 * PAGE_BYTES;
  }

  /** Batches behind `after`, oldest first. Throws StoreCorruptError for one that fails its checksum. */
  *batches(after: number): Generator<StoredBatch> {
    for (const row of this.rows(after)) yield checkRow(this.name, row);
  }

  /** The same, with the error in the place of a batch that fails its checksum. */
  *looseBatches(after: number): Generator<StoredBatch | StoreCorruptError> {
    for (const row of this.rows(after)) {
      let batch: StoredBatch | StoreCorruptError;
      try {
        batch = checkRow(this.name, row);
      } catch (error) {
        if (!(error instanceof StoreCorruptError)) throw error;
        batch = error;
      }
      yield batch;
    }
  }

  /** Puts a batch without changes in the place of one. Synced when this returns. */
  blank(id: number, batch: BatchWriter): void {
    const runs = batch.runs();
    const data = batch.data();
    const checksums = checksumsOf(id, runs, data);
    transact(this.database, () => {
      const { changes } = this.database
        .prepare('UPDATE batches SET runs = ?, runsChecksum = ?, data = ?, dataChecksum = ? WHERE id = ?')
        .run(runs, checksums.runs, data, checksums.data, id);
      assert(changes === 1, 'the batch to blank is there');
    });
  }

  /** What is read from here on is read from the file. */
  forgetCache(): void {
    this.database.pragma('shrink_memory');
  }

  /** One batch; undefined when it is not there. Throws StoreCorruptError. */
  batch(id: number): StoredBatch | undefined {
    for (const row of this.rows(id - 1)) return Number(row.id) === id ? checkRow(this.name, row) : undefined;
    return undefined;
  }

  /** Of the batches behind `after`. */
  batchBytes(after: number): number {
    const row = this.database
      .prepare('SELECT COALESCE(SUM(LENGTH(runs) + LENGTH(data)), 0) AS bytes FROM batches WHERE id > ?')
      .get(after) as { bytes: number };
    return row.bytes;
  }

  /** Of the write-ahead log since it was last copied, about. */
  get logBytes(): number {
    return this.walBytes;
  }

  /** Copies the write-ahead log into the file; the log is then written again from its start. */
  checkpoint(): void {
    this.database.pragma('wal_checkpoint(PASSIVE)');
    this.walBytes = 0;
  }

  bytes(): number {
    return sizeOf(this.database);
  }

  backup(file: string): Promise<unknown> {
    return this.database.backup(file);
  }

  close(): void {
    this.database.close();
  }

  private rows(after: number): IterableIterator<BatchRow> {
    return this.database
      .prepare('SELECT id, runs, runsChecksum, data, dataChecksum FROM batches WHERE id > ? ORDER BY id')
      .safeIntegers(true)
      .iterate(after) as IterableIterator<BatchRow>;
  }
}

function format(database: Database, identity: StoreIdentity): void {
  writeIdentity(database, identity);
  database.exec(`
    CREATE TABLE batches (
      id INTEGER PRIMARY KEY,
      runs BLOB NOT NULL, runsChecksum INTEGER NOT NULL,
      data BLOB NOT NULL, dataChecksum INTEGER NOT NULL);
    CREATE TABLE watermarks (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL)`);
}

function checkRow(file: string, row: BatchRow): StoredBatch {
  const batch = { id: Number(row.id), runs: row.runs, data: row.data };
  checkBatch(file, batch, { runs: row.runsChecksum, data: row.dataChecksum });
  return batch;
}
