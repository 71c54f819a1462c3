/** better-sqlite3 as one would first use it: one row a transaction, each synced to disk. On the calling thread. */
import { join } from 'node:path';
// @ts-expect-error better-sqlite3 13 ships no types
import Sqlite from 'better-sqlite3';

interface Database {
  pragma(sql: string): unknown;
  exec(sql: string): unknown;
  prepare(sql: string): { run(...parameters: readonly unknown[]): unknown };
  close(): void;
}

export interface OneRowStore {
  submit(player: string, points: number): void;
  close(): void;
}

export function openOneRowStore(directory: string): OneRowStore {
  const database = new (Sqlite as new (file: string) => Database)(join(directory, 'one-row.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE scores (player TEXT PRIMARY KEY, points REAL NOT NULL) WITHOUT ROWID');
  const upsert = database.prepare(
    'INSERT INTO scores VALUES (?, ?) ON CONFLICT (player) DO UPDATE SET points = points + excluded.points',
  );
  return {
    submit: (player, points) => void upsert.run(player, points),
    close: () => database.close(),
  };
}
