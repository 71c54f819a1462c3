/**
 * rows.db: the last value of every row, by partition and key, and the number of the last batch that is folded in. Opened by
 * the fold thread alone.
 */
import { join } from 'node:path';
import { checksum32 } from '@spacegrid/core';
import { type Database, openDatabase, type Statement } from './database.ts';

export interface FoldedRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

const CHECKPOINT_BYTES = 16 * 1024 * 1024;

export class RowsFile {
  private readonly database: Database;
  private readonly upsert: Statement;
  private readonly remove: Statement;
  private readonly removeRange: Statement;
  private readonly removeFrom: Statement;
  private readonly page: Statement;
  private writtenBytes: number;

  constructor(directory: string) {
    this.database = openDatabase(join(directory, 'rows.db'));
    this.database.exec(`CREATE TABLE IF NOT EXISTS rows (
        partition INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
        epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, checksum INTEGER NOT NULL,
        PRIMARY KEY (partition, key)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS fold (id INTEGER PRIMARY KEY CHECK (id = 1), batch INTEGER NOT NULL)`);
    this.upsert = this.database.prepare(
      'INSERT INTO rows (partition, key, value, epoch, sequence, checksum) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (partition, key) DO UPDATE SET value = excluded.value, epoch = excluded.epoch, sequence = excluded.sequence, checksum = excluded.checksum WHERE excluded.epoch >= epoch AND excluded.sequence >= sequence',
    );
    this.remove = this.database.prepare('DELETE FROM rows WHERE partition = ? AND key = ?');
    this.removeRange = this.database.prepare('DELETE FROM rows WHERE partition = ? AND key >= ? AND key < ?');
    this.removeFrom = this.database.prepare('DELETE FROM rows WHERE partition = ? AND key >= ?');
    this.page = this.database.prepare(
      'SELECT key, value, checksum FROM rows WHERE partition = ? AND key > ? ORDER BY key LIMIT ?',
    );
    this.writtenBytes = 0;
  }

  /** Number of the last batch that is folded in. */
  foldedBatch(): number {
    const row = this.database.prepare('SELECT batch FROM fold WHERE id = 1').get() as { batch: number } | undefined;
    return row?.batch ?? 0;
  }

  /** Runs `change` and notes `batch` as folded, in one synced transaction. */
  fold(batch: number, change: () => void): void {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      change();
      this.database
        .prepare('INSERT INTO fold (id, batch) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET batch = excluded.batch')
        .run(batch);
      this.database.exec('COMMIT');
    } catch (error) {
      try {
        this.database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself; the first error counts.
      }
      throw error;
    }
    if (this.writtenBytes > CHECKPOINT_BYTES) this.checkpoint();
  }

  put(partition: number, key: Uint8Array, value: Uint8Array, epoch: number, sequence: number): void {
    this.upsert.run(partition, key, value, epoch, sequence, rowChecksum(key, value));
    this.writtenBytes += key.length + value.length + 64;
  }

  delete(partition: number, key: Uint8Array): void {
    this.remove.run(partition, key);
    this.writtenBytes += key.length + 64;
  }

  /** Deletes all rows whose key begins with `prefix`. */
  clear(partition: number, prefix: Uint8Array): void {
    const end = endOfPrefix(prefix);
    if (end === undefined) this.removeFrom.run(partition, prefix);
    else this.removeRange.run(partition, prefix, end);
  }

  /** Rows of a partition behind `after`, in the order of their keys; and those that fail their checksum. */
  read(
    partition: number,
    after: Uint8Array,
    limit: number,
  ): { readonly rows: readonly FoldedRow[]; readonly damaged: readonly Buffer[] } {
    const rows: FoldedRow[] = [];
    const damaged: Buffer[] = [];
    for (const row of this.page.all(partition, after, limit) as (FoldedRow & { checksum: number })[]) {
      rows.push(row);
      if (row.checksum !== rowChecksum(row.key, row.value)) damaged.push(row.key);
    }
    return { rows, damaged };
  }

  backup(file: string): Promise<unknown> {
    return this.database.backup(file);
  }

  bytes(): number {
    return (
      Number(this.database.pragma('page_count', { simple: true })) *
      Number(this.database.pragma('page_size', { simple: true }))
    );
  }

  checkpoint(): void {
    this.database.pragma('wal_checkpoint(TRUNCATE)');
    this.writtenBytes = 0;
  }

  close(): void {
    this.checkpoint();
    this.database.close();
  }
}

function rowChecksum(key: Uint8Array, value: Uint8Array): number {
  return (checksum32(key, 0, key.length) ^ Math.imul(checksum32(value, 0, value.length), 0x9e3779b1)) >>> 0;
}

/** The first key behind all that begin with `prefix`; undefined when there is none. */
function endOfPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let at = prefix.length - 1; at >= 0; at--) {
    if (prefix[at] === 0xff) continue;
    const end = prefix.slice(0, at + 1);
    end[at] = (end[at] as number) + 1;
    return end;
  }
  return undefined;
}
