/**
 * rows.db: the last value of every row, by partition and key; how far each partition is folded in; and the keys that could
 * not be folded. Opened by the fold thread alone.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { assert, checksum32, type DurablePosition, StoreIdentityError } from '@spacegrid/core';
import { type Database, sizeOf, type Statement, syncDirectory, syncFile, transact } from './database.ts';
import type { QuarantineMark } from './fold-messages.ts';
import { endOfPrefix, keyBehind, type RowRange } from './row-key.ts';
import { keepLog, openNewest, removeDatabaseFile, setFileAside, storeFileName } from './store-files.ts';
import { isBlank, openOwned, readIdentity, type StoreIdentity, writeIdentity } from './store-identity.ts';

export interface FoldedRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const NOT_NEWER = '(epoch, sequence) <= (?, ?)';

export class RowsFile {
  readonly name: string;
  readonly generation: number;
  private readonly directory: string;
  private readonly database: Database;
  private readonly upsert: Statement;
  private readonly remove: Statement;
  private readonly removeRange: Statement;
  private readonly removeFrom: Statement;
  private readonly reach: Statement;
  private readonly page: Statement;
  private readonly pageToEnd: Statement;
  private readonly keyPage: Statement;
  private writtenBytes: number;

  private constructor(directory: string, generation: number, database: Database) {
    this.directory = directory;
    this.generation = generation;
    this.name = join(directory, storeFileName('rows', generation));
    this.database = database;
    // Rows compare by epoch first: what an owner of a later term wrote stands, whatever its sequence.
    this.upsert = database.prepare(
      'INSERT INTO rows (partition, key, value, epoch, sequence, checksum) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (partition, key) DO UPDATE SET value = excluded.value, epoch = excluded.epoch, sequence = excluded.sequence, checksum = excluded.checksum WHERE (excluded.epoch, excluded.sequence) >= (epoch, sequence)',
    );
    this.remove = database.prepare(`DELETE FROM rows WHERE partition = ? AND key = ? AND ${NOT_NEWER}`);
    this.removeRange = database.prepare(
      `DELETE FROM rows WHERE partition = ? AND key >= ? AND key < ? AND ${NOT_NEWER}`,
    );
    this.removeFrom = database.prepare(`DELETE FROM rows WHERE partition = ? AND key >= ? AND ${NOT_NEWER}`);
    this.reach = database.prepare(
      'INSERT INTO positions (partition, epoch, sequence) VALUES (?, ?, ?) ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence',
    );
    const columns = 'SELECT key, value, epoch, sequence, checksum FROM rows WHERE partition = ?';
    this.pageToEnd = database.prepare(`${columns} AND key >= ? ORDER BY key LIMIT ?`);
    this.page = database.prepare(`${columns} AND key >= ? AND key < ? ORDER BY key LIMIT ?`);
    this.keyPage = database.prepare(
      'SELECT key FROM rows WHERE partition = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?',
    );
    this.writtenBytes = 0;
  }

  /** Opens the newest rows of the store, or makes them. Throws StoreLockedError, StoreIdentityError, StoreCorruptError. */
  static open(directory: string, store: StoreIdentity): RowsFile {
    const opened = openNewest(directory, 'rows', (generation, mayCreate) =>
      RowsFile.openGeneration(directory, generation, store, mayCreate),
    );
    // See Journal: what is read here is on disk from here on.
    opened.checkpoint();
    return opened;
  }

  private static openGeneration(
    directory: string,
    generation: number,
    store: StoreIdentity,
    mayCreate: boolean,
  ): RowsFile | undefined {
    const file = join(directory, storeFileName('rows', generation));
    const database = openOwned(file);
    try {
      if (isBlank(file, database)) {
        if (!mayCreate) {
          database.close();
          return undefined;
        }
        transact(database, () => format(database, store));
      } else {
        const found = readIdentity(file, database, store);
        if (found.storeId !== store.storeId) {
          throw new StoreIdentityError(
            `${file} belongs to another store than the journal beside it: both files of a directory are kept, moved and restored together`,
            { details: { file } },
          );
        }
      }
      return new RowsFile(directory, generation, database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Number of the last batch that is folded in. */
  foldedBatch(): number {
    const row = this.database.prepare('SELECT batch FROM fold WHERE id = 1').get() as { batch: number } | undefined;
    return row?.batch ?? 0;
  }

  /** Up to where each partition is folded in. */
  positions(): Map<number, DurablePosition> {
    const rows = this.database.prepare('SELECT partition, epoch, sequence FROM positions').all() as (DurablePosition & {
      partition: number;
    })[];
    return new Map(rows.map(({ partition, epoch, sequence }) => [partition, { epoch, sequence }]));
  }

  /** Runs `change` and notes `batch` as folded, in one synced transaction. */
  fold(batch: number, change: () => void): void {
    transact(this.database, () => {
      change();
      this.database
        .prepare('INSERT INTO fold (id, batch) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET batch = excluded.batch')
        .run(batch);
    });
    if (this.writtenBytes > CHECKPOINT_BYTES) this.checkpoint();
  }

  put(partition: number, key: Uint8Array, value: Uint8Array, { epoch, sequence }: DurablePosition): void {
    this.upsert.run(partition, key, value, epoch, sequence, rowChecksum(partition, key, value, epoch, sequence));
    this.writtenBytes += key.length + value.length + 64;
  }

  delete(partition: number, key: Uint8Array, { epoch, sequence }: DurablePosition): void {
    this.remove.run(partition, key, epoch, sequence);
    this.writtenBytes += key.length + 64;
  }

  /** Deletes all rows whose key begins with `prefix`. */
  clear(partition: number, prefix: Uint8Array, { epoch, sequence }: DurablePosition): void {
    const end = endOfPrefix(prefix);
    if (end === undefined) this.removeFrom.run(partition, prefix, epoch, sequence);
    else this.removeRange.run(partition, prefix, end, epoch, sequence);
  }

  reached(partition: number, { epoch, sequence }: DurablePosition): void {
    this.reach.run(partition, epoch, sequence);
  }

  quarantine(): QuarantineMark[] {
    return this.database
      .prepare('SELECT partition, key, batch, reason, quarantinedAt FROM quarantine ORDER BY batch, partition, key')
      .all() as QuarantineMark[];
  }

  addMark({ partition, key, batch, reason, quarantinedAt }: QuarantineMark): void {
    this.database
      .prepare(
        'INSERT OR REPLACE INTO quarantine (partition, key, batch, reason, quarantinedAt) VALUES (?, ?, ?, ?, ?)',
      )
      .run(partition, key, batch, reason, quarantinedAt);
  }

  removeMark(partition: number, key: Uint8Array): void {
    this.database.prepare('DELETE FROM quarantine WHERE partition = ? AND key = ?').run(partition, key);
  }

  /**
   * Rows of a partition from a key on and before `to`, in the order of their keys, and the keys of those that fail their checksum.
   * At most `limit`; fewer, but one at least, where they take more than `bytesMax`.
   */
  read(
    partition: number,
    { from, to }: RowRange,
    limit: number,
    bytesMax: number = Number.POSITIVE_INFINITY,
  ): { readonly rows: readonly FoldedRow[]; readonly damaged: readonly Buffer[]; readonly isLast: boolean } {
    const found =
      to === undefined ? this.pageToEnd.iterate(partition, from, limit) : this.page.iterate(partition, from, to, limit);
    const rows: FoldedRow[] = [];
    const damaged: Buffer[] = [];
    let bytes = 0;
    for (const row of found as IterableIterator<FoldedRow & DurablePosition & { checksum: number }>) {
      const { key, value, epoch, sequence, checksum } = row;
      rows.push(row);
      if (checksum !== rowChecksum(partition, key, value, epoch, sequence)) damaged.push(key);
      bytes += key.length + value.length;
      if (bytes >= bytesMax) return { rows, damaged, isLast: false };
    }
    return { rows, damaged, isLast: rows.length < limit };
  }

  /** One row; undefined when it is not there, 'damaged' when it fails its checksum. */
  find(partition: number, key: Uint8Array): FoldedRow | 'damaged' | undefined {
    const { rows, damaged } = this.read(partition, { from: key, to: keyBehind(key) }, 1);
    return damaged.length > 0 ? 'damaged' : rows[0];
  }

  /** Takes rows away that fail their checksum, in one synced transaction. How many. */
  dropDamaged(partition: number, keys: readonly Uint8Array[]): number {
    const remove = this.database.prepare('DELETE FROM rows WHERE partition = ? AND key = ?');
    const damaged = keys.filter((key) => this.find(partition, key) === 'damaged');
    return transact(this.database, () => damaged.reduce((count, key) => count + remove.run(partition, key).changes, 0));
  }

  /** What is read from here on is read from the file. */
  forgetCache(): void {
    this.database.pragma('shrink_memory');
  }

  /** The same of keys alone: their rows are not read, and not checked. */
  keys(partition: number, { from, to }: Required<RowRange>, limit: number): readonly Buffer[] {
    return (this.keyPage.all(partition, from, to, limit) as { key: Buffer }[]).map(({ key }) => key);
  }

  backup(file: string): Promise<unknown> {
    return this.database.backup(file);
  }

  bytes(): number {
    return sizeOf(this.database);
  }

  checkpoint(): void {
    this.database.pragma('wal_checkpoint(PASSIVE)');
    this.writtenBytes = 0;
  }

  /** See store-files.ts. */
  keepLog(): void {
    keepLog(this.name);
  }

  /**
   * Copies all that was folded to a fresh file, which takes over: this one failed a write and is set aside. The copy gets its
   * name when it is whole and synced. Throws when it can't be made; this file is then still the store, and can still be read.
   */
  replace(generation: number, store: StoreIdentity): RowsFile {
    assert(generation > this.generation, 'generations count up');
    const target = join(this.directory, storeFileName('rows', generation));
    const part = `${target}.part`;
    removeDatabaseFile(part);
    try {
      this.database.prepare('VACUUM INTO ?').run(part);
      syncFile(part);
    } catch (error) {
      removeDatabaseFile(part);
      throw error;
    }
    renameSync(part, target);
    syncDirectory(this.directory);
    const replacement = RowsFile.openGeneration(this.directory, generation, store, false);
    assert(replacement !== undefined, 'a copy is finished');
    try {
      this.database.close();
    } finally {
      setFileAside(this.directory, 'rows', this.generation);
    }
    return replacement;
  }

  close(): void {
    this.database.close();
  }
}

function format(database: Database, store: StoreIdentity): void {
  writeIdentity(database, store);
  database.exec(`
    CREATE TABLE rows (
      partition INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
      epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, checksum INTEGER NOT NULL,
      PRIMARY KEY (partition, key)) WITHOUT ROWID;
    CREATE TABLE positions (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL);
    CREATE TABLE quarantine (
      partition INTEGER NOT NULL, key BLOB NOT NULL, batch INTEGER NOT NULL,
      reason TEXT NOT NULL, quarantinedAt INTEGER NOT NULL, PRIMARY KEY (partition, key)) WITHOUT ROWID;
    CREATE TABLE fold (id INTEGER PRIMARY KEY CHECK (id = 1), batch INTEGER NOT NULL)`);
}

/** Of all that a row says: an epoch that is damaged would be believed as well as a value. */
function rowChecksum(partition: number, key: Uint8Array, value: Uint8Array, epoch: number, sequence: number): number {
  let sum = checksum32(key, 0, key.length);
  for (const part of [checksum32(value, 0, value.length), partition, epoch, sequence, Math.floor(sequence / 2 ** 32)])
    sum = (Math.imul(sum ^ part, 0x9e3779b1) >>> 0) ^ (sum >>> 15);
  return sum >>> 0;
}
