/** Whose store a file belongs to: written when it is made, compared when it is opened. */
import { randomBytes } from 'node:crypto';
import {
  CHANGE_SET_VERSION,
  type GridIdentity,
  StoreCorruptError,
  StoreIdentityError,
  StoreLockedError,
} from '@spacegrid/core';
import { type Database, openDatabase, sqliteCode } from './database.ts';
import { restoreLog } from './store-files.ts';

const FORMAT = 2;
/** 'SPGR' in SQLite's application_id. */
const APPLICATION = 0x53504752;

export interface StoreIdentity extends GridIdentity {
  /** The same in all files of a store. */
  readonly storeId: string;
}

export function newStoreIdentity(identity: GridIdentity): StoreIdentity {
  return { ...identity, storeId: randomBytes(12).toString('hex') };
}

/** Opens a file of the store and takes its lock. Throws StoreLockedError, StoreIdentityError, StoreCorruptError. */
export function openOwned(file: string): Database {
  try {
    restoreLog(file);
    return openDatabase(file);
  } catch (error) {
    const code = sqliteCode(error);
    if (code.startsWith('SQLITE_BUSY')) {
      throw new StoreLockedError(`${file} is in use: a grid's directory has one owner at a time`, {
        cause: error,
        details: { file },
      });
    }
    if (code === 'SQLITE_NOTADB')
      throw new StoreIdentityError(`${file} is not an SQLite database`, { cause: error, details: { file } });
    if (code.startsWith('SQLITE_CORRUPT'))
      throw new StoreCorruptError(`${file} is damaged: restore a backup`, { cause: error, details: { file } });
    throw error;
  }
}

/** True when nobody has written to the file yet. Throws StoreIdentityError when another program has. */
export function isBlank(file: string, database: Database): boolean {
  if (database.pragma('user_version', { simple: true }) !== 0) return false;
  const tables = database.prepare('SELECT COUNT(*) AS count FROM sqlite_schema').get() as { count: number };
  if (tables.count > 0) throw new StoreIdentityError(`${file} is a database of another program`, { details: { file } });
  return true;
}

/** In the transaction that makes the file's tables. */
export function writeIdentity(database: Database, identity: StoreIdentity): void {
  database.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID');
  const insert = database.prepare('INSERT INTO meta (name, value) VALUES (?, ?)');
  insert.run('storeId', identity.storeId);
  insert.run('partitions', String(identity.partitions));
  insert.run('hashSeed', String(identity.hashSeed));
  insert.run('changeSetVersion', String(CHANGE_SET_VERSION));
  if (identity.gridId !== undefined) insert.run('gridId', identity.gridId);
  database.pragma(`application_id = ${APPLICATION}`);
  database.pragma(`user_version = ${FORMAT}`);
}

/** Of the grid that a file belongs to, whichever that is. Throws StoreIdentityError for a file of something else. */
export function partitionsOf(file: string, database: Database): number {
  if (database.pragma('application_id', { simple: true }) !== APPLICATION)
    throw new StoreIdentityError(`${file} is a database of another program`, { details: { file } });
  const row = database.prepare("SELECT value FROM meta WHERE name = 'partitions'").get() as { value: string };
  return Number(row.value);
}

/** What the file remembers; the hash seed is that of the store. Throws StoreIdentityError, which names both sides. */
export function readIdentity(file: string, database: Database, wanted: GridIdentity): StoreIdentity {
  const fail = (message: string): never => {
    throw new StoreIdentityError(message, { details: { file } });
  };
  if (database.pragma('application_id', { simple: true }) !== APPLICATION)
    fail(`${file} is a database of another program`);
  const format = database.pragma('user_version', { simple: true });
  if (format !== FORMAT) fail(`${file} has format ${String(format)}; this version reads format ${FORMAT}`);
  const rows = database.prepare('SELECT name, value FROM meta').all() as { name: string; value: string }[];
  const meta = new Map(rows.map(({ name, value }) => [name, value]));
  const changeSetVersion = Number(meta.get('changeSetVersion'));
  if (changeSetVersion !== CHANGE_SET_VERSION)
    fail(`${file} holds change sets of version ${changeSetVersion}; this version reads version ${CHANGE_SET_VERSION}`);
  const partitions = Number(meta.get('partitions'));
  if (partitions !== wanted.partitions) {
    fail(
      `${file} belongs to a grid of ${partitions} partitions; this one has ${wanted.partitions}: createGrid({ partitions: ${partitions} }), or another directory`,
    );
  }
  const gridId = meta.get('gridId');
  if (wanted.gridId !== undefined && gridId !== wanted.gridId)
    fail(`${file} belongs to grid ${gridId ?? 'without a name'}, not to ${wanted.gridId}`);
  return {
    partitions,
    hashSeed: Number(meta.get('hashSeed')),
    storeId: meta.get('storeId') ?? '',
    ...(gridId === undefined ? {} : { gridId }),
  };
}
