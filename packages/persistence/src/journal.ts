/**
 * journal.db: batches in the order of their commits, the watermark of each partition, and whose grid it is. Watermarks are
 * stored in the transaction of the batch that they speak of.
 */
import { join } from 'node:path';
import { assert, type GridIdentity, StoreCorruptError, StoreIdentityError, StoreLockedError } from '@spacegrid/core';
import { type BatchWriter, checksumOf, forEachRun, type TailRun } from './batch.ts';
import { type Database, openDatabase, type Statement, sqliteCode } from './database.ts';

const FORMAT = 1;
/** 'SPGR' in SQLite's application_id. */
const APPLICATION = 0x53504752;
/** The write-ahead log is copied into the file when it is larger. */
const CHECKPOINT_BYTES = 8 * 1024 * 1024;

export interface Watermark {
  readonly epoch: number;
  readonly sequence: number;
}

interface BatchRow {
  readonly id: bigint;
  readonly checksum: bigint;
  readonly data: Buffer;
}

export class Journal {
  readonly fresh: boolean;
  readonly identity: GridIdentity;
  private readonly database: Database;
  private readonly insert: Statement;
  private readonly mark: Statement;
  private readonly remove: Statement;
  private lastId: number;
  private walBytes: number;

  /** Takes the directory's lock. Throws StoreLockedError, StoreIdentityError, StoreCorruptError. */
  constructor(directory: string, identity: GridIdentity) {
    const file = join(directory, 'journal.db');
    this.database = openOwned(file);
    this.fresh = this.database.pragma('user_version', { simple: true }) === 0;
    if (this.fresh) this.format(file, identity);
    this.identity = this.checkIdentity(file, identity);
    this.insert = this.database.prepare('INSERT INTO batches (id, checksum, data) VALUES (?, ?, ?)');
    this.mark = this.database.prepare(
      'INSERT INTO watermarks (partition, epoch, sequence) VALUES (?, ?, ?) ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence WHERE excluded.epoch >= epoch AND excluded.sequence > sequence',
    );
    this.remove = this.database.prepare('DELETE FROM batches WHERE id <= ?');
    const last = this.database.prepare('SELECT MAX(id) AS id FROM batches').get() as { id: number | null };
    const counted = this.database.prepare("SELECT value FROM meta WHERE name = 'lastBatch'").get() as
      | { value: string }
      | undefined;
    this.lastId = Math.max(last.id ?? 0, Number(counted?.value ?? 0));
    this.walBytes = 0;
  }

  get newestBatch(): number {
    return this.lastId;
  }

  watermarks(): Map<number, Watermark> {
    const rows = this.database.prepare('SELECT partition, epoch, sequence FROM watermarks').all() as (Watermark & {
      partition: number;
    })[];
    return new Map(rows.map(({ partition, epoch, sequence }) => [partition, { epoch, sequence }]));
  }

  /** Appends a batch and returns its number when it is synced to disk. */
  append(batch: BatchWriter): number {
    const data = batch.written();
    const id = this.lastId + 1;
    this.database.exec('BEGIN IMMEDIATE');
    try {
      this.insert.run(id, checksumOf(data), data);
      for (const [partition, { epoch, sequence }] of batch.reached) {
        const { changes } = this.mark.run(partition, epoch, sequence);
        assert(changes === 1, 'a watermark moves forward with every batch');
      }
      this.database.exec('COMMIT');
    } catch (error) {
      rollback(this.database);
      throw error;
    }
    this.lastId = id;
    this.walBytes += data.length + 8192;
    return id;
  }

  /** Forgets batches that the fold has synced. */
  drop(upTo: number): void {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      this.database
        .prepare(
          "INSERT INTO meta (name, value) VALUES ('lastBatch', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .run(String(this.lastId));
      this.remove.run(upTo);
      this.database.exec('COMMIT');
    } catch (error) {
      rollback(this.database);
      throw error;
    }
    if (this.walBytes > CHECKPOINT_BYTES) this.checkpoint();
  }

  /** Batches behind `after`, oldest first. Throws StoreCorruptError for one that fails its checksum. */
  *batches(after: number): Generator<{ readonly id: number; readonly data: Uint8Array }> {
    const rows = this.database.prepare('SELECT id, checksum, data FROM batches WHERE id > ? ORDER BY id');
    (rows as unknown as { safeIntegers(on: boolean): void }).safeIntegers(true);
    for (const row of rows.iterate(after) as IterableIterator<BatchRow>) {
      const id = Number(row.id);
      if (checksumOf(row.data) !== row.checksum) {
        throw new StoreCorruptError(
          `batch ${id} of journal.db fails its checksum (${row.data.length} bytes): nothing of it was taken`,
        );
      }
      yield { id, data: row.data };
    }
  }

  /** The runs behind batch `after`, by partition. */
  tail(after: number): Map<number, TailRun[]> {
    const tail = new Map<number, TailRun[]>();
    for (const { data } of this.batches(after)) {
      forEachRun(data, ({ partition, last, changes }) => {
        const runs = tail.get(partition) ?? [];
        runs.push({ last, changes });
        tail.set(partition, runs);
      });
    }
    return tail;
  }

  bytes(): number {
    return (
      Number(this.database.pragma('page_count', { simple: true })) *
      Number(this.database.pragma('page_size', { simple: true }))
    );
  }

  backup(file: string): Promise<unknown> {
    return this.database.backup(file);
  }

  checkpoint(): void {
    this.database.pragma('wal_checkpoint(TRUNCATE)');
    this.walBytes = 0;
  }

  close(): void {
    this.checkpoint();
    this.database.close();
  }

  private format(file: string, identity: GridIdentity): void {
    const tables = this.database.prepare('SELECT COUNT(*) AS count FROM sqlite_schema').get() as { count: number };
    if (tables.count > 0) {
      this.database.close();
      throw new StoreIdentityError(`${file} is a database of another program`);
    }
    this.database.exec(`BEGIN IMMEDIATE;
      CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE batches (id INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, data BLOB NOT NULL);
      CREATE TABLE watermarks (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL);
      INSERT INTO meta VALUES ('partitions', '${identity.partitions}'), ('hashSeed', '${identity.hashSeed}');
      PRAGMA application_id = ${APPLICATION};
      PRAGMA user_version = ${FORMAT};
      COMMIT`);
  }

  private checkIdentity(file: string, wanted: GridIdentity): GridIdentity {
    const fail = (message: string): never => {
      this.database.close();
      throw new StoreIdentityError(message);
    };
    if (this.database.pragma('application_id', { simple: true }) !== APPLICATION)
      fail(`${file} is a database of another program`);
    const format = this.database.pragma('user_version', { simple: true });
    if (format !== FORMAT) fail(`${file} has format ${String(format)}: this version reads format ${FORMAT}`);
    const meta = new Map(
      (this.database.prepare('SELECT name, value FROM meta').all() as { name: string; value: string }[]).map((row) => [
        row.name,
        row.value,
      ]),
    );
    const partitions = Number(meta.get('partitions'));
    if (partitions !== wanted.partitions) {
      fail(
        `${file} belongs to a grid of ${partitions} partitions; this one has ${wanted.partitions}: createGrid({ partitions: ${partitions} }), or another directory`,
      );
    }
    return { partitions, hashSeed: Number(meta.get('hashSeed')) };
  }
}

function openOwned(file: string): Database {
  try {
    return openDatabase(file);
  } catch (error) {
    const code = sqliteCode(error);
    if (code.startsWith('SQLITE_BUSY'))
      throw new StoreLockedError(`${file} is in use by another process: a grid's directory has one owner`, {
        cause: error,
      });
    if (code === 'SQLITE_NOTADB') throw new StoreIdentityError(`${file} is not an SQLite database`, { cause: error });
    if (code === 'SQLITE_CORRUPT')
      throw new StoreCorruptError(`${file} is damaged: restore a backup`, { cause: error });
    throw error;
  }
}

function rollback(database: Database): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has rolled back by itself; the error that led here is the one that counts.
  }
}
