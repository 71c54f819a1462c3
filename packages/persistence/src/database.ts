/** better-sqlite3, as much of it as is used here, typed. One connection per file, in one thread. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
// @ts-expect-error better-sqlite3 13 ships no types
import Sqlite from 'better-sqlite3';

export interface Statement {
  run(...parameters: readonly unknown[]): { readonly changes: number };
  get(...parameters: readonly unknown[]): unknown;
  all(...parameters: readonly unknown[]): unknown[];
  iterate(...parameters: readonly unknown[]): IterableIterator<unknown>;
  /** Integers as bigint. */
  safeIntegers(on: boolean): Statement;
}

export interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
  pragma(sql: string, options?: { readonly simple?: boolean }): unknown;
  backup(file: string): Promise<unknown>;
  close(): void;
}

type OpenDatabase = new (
  file: string,
  options?: { readonly readonly?: boolean; readonly fileMustExist?: boolean; readonly timeout?: number },
) => Database;

/**
 * Opens a file of ours: write-ahead log, synced at every commit, checkpoints when we say so, no other process beside us. Throws
 * what SQLite says: SQLITE_BUSY when another process has it, SQLITE_NOTADB for a foreign file, SQLITE_CANTOPEN.
 */
export function openDatabase(file: string): Database {
  const database = new (Sqlite as OpenDatabase)(file, { timeout: 0 });
  try {
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('wal_autocheckpoint = 0');
    // Takes the exclusive lock now, so that a second process is refused here and not at its first write.
    database.exec('BEGIN IMMEDIATE; COMMIT');
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** Runs `change` in one transaction, which is synced to disk when this returns. */
export function transact<T>(database: Database, change: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = change();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    try {
      database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself; the error that led here is the one that counts.
    }
    throw error;
  }
}

export function sizeOf(database: Database): number {
  return (
    Number(database.pragma('page_count', { simple: true })) * Number(database.pragma('page_size', { simple: true }))
  );
}

/** The code of an SQLite error, as SQLITE_FULL; empty for anything else. Also of one that came from another thread. */
export function sqliteCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string') return '';
  return error.code.startsWith('SQLITE_') ? error.code : '';
}

/**
 * True for an error after which a file is not to be trusted with a write again: the kernel may have dropped what it could not
 * write, and a later sync then says that all is well.
 */
export function isFileFailure(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== '' && code !== 'SQLITE_FULL' && !code.startsWith('SQLITE_BUSY');
}

/** Makes the directory's entries durable. Windows keeps them so by itself, and opens no directories. */
export function syncDirectory(directory: string): void {
  if (process.platform !== 'win32') syncOpened(directory, 'r');
}

export function syncFile(file: string): void {
  syncOpened(file, 'r+');
}

function syncOpened(path: string, flags: 'r' | 'r+'): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
