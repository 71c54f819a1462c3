/**
 * Entry of the fold thread: the one connection to rows.db. It moves journal batches into rows, off the critical path, and goes
 * on in a fresh copy of the file when a write to it failed. Crash-only: what it knows is in the file.
 */
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { assert, ChangeSetWriter, loadDigest64, PackWriter, serveControl } from '@spacegrid/core';
import type { StoredBatch } from './batch.ts';
import { isFileFailure, sqliteCode } from './database.ts';
import { foldBatches, type FoldTables } from './fold-batches.ts';
import type { FoldApi, FoldState, ReplacedFile, RowPage } from './fold-messages.ts';
import { groupsOf } from './row-groups.ts';
import { keyBehind, rowIdentity, type RowRange } from './row-key.ts';
import { RowsFile } from './rows-file.ts';
import type { StoreIdentity } from './store-identity.ts';
import { serveHeldRows } from './verify/serve-held-rows.ts';

const PAGE_ROWS = 4000;
/** Bound, but for the last row of a page. */
const PAGE_BYTES = 16 * 1024 * 1024;
/** Of an actor that is read back while the grid runs. */
const SMALL_PAGE_ROWS = 4000;
const SMALL_PAGE_BYTES = 256 * 1024;

const NO_KEY = new Uint8Array(0);

let store: StoreIdentity | undefined;
let file: RowsFile | undefined;
let generation = 0;
/** The last write to the file failed: it is only read from here on. */
let broken: ReplacedFile | undefined;
/** Bound: what the durability thread folds at a time. */
const gathered: StoredBatch[] = [];
let tables: FoldTables = { positions: new Map(), marks: new Map() };

function rows(): RowsFile {
  assert(file !== undefined, 'the rows are opened first');
  return file;
}

function state(replaced: readonly ReplacedFile[]): FoldState {
  return {
    folded: rows().foldedBatch(),
    bytes: rows().bytes(),
    positions: tables.positions,
    quarantine: [...tables.marks.values()],
    replaced,
  };
}

function foldInto(target: RowsFile, batches: readonly StoredBatch[]): void {
  try {
    tables = foldBatches(target, tables, batches, Date.now());
  } catch (error) {
    if (isFileFailure(error)) {
      broken = { name: target.name, code: sqliteCode(error), message: (error as Error).message };
      target.keepLog();
    }
    throw error;
  }
}

function pageOf(partition: number, range: RowRange, rowsMax: number, bytesMax: number): RowPage {
  const page = rows().read(partition, range, rowsMax, bytesMax);
  const writer = PackWriter.growing(64 * 1024, 1024 ** 3);
  const changes = new ChangeSetWriter(writer);
  for (const { key, value } of page.rows) changes.put(key, value);
  const last = page.rows[page.rows.length - 1]?.key;
  const next = page.isLast || last === undefined ? undefined : keyBehind(last);
  return { changes: writer.written().slice(), rows: page.rows.length, next, damaged: page.damaged };
}

function forgetUnread(partition: number): void {
  const marks = new Map(tables.marks);
  if (!marks.delete(rowIdentity(partition, NO_KEY))) return;
  rows().removeMark(partition, NO_KEY);
  tables = { ...tables, marks };
}

/** The fresh file that stands in for a broken one. */
function replaceBroken(): ReplacedFile {
  assert(broken !== undefined && store !== undefined, 'only a broken file is replaced');
  generation++;
  file = rows().replace(generation, store);
  const replaced = broken;
  broken = undefined;
  return replaced;
}

const api: FoldApi = {
  async open(directory, identity) {
    await loadDigest64();
    store = identity;
    file = RowsFile.open(directory, identity);
    generation = file.generation;
    const marks = file.quarantine();
    tables = {
      positions: file.positions(),
      marks: new Map(marks.map((mark) => [rowIdentity(mark.partition, mark.key), mark])),
    };
    return state([]);
  },

  async gather(batches, afresh) {
    if (afresh) gathered.length = 0;
    gathered.push(...batches);
  },

  async fold(last) {
    const batches = [...gathered.splice(0), ...last];
    const replaced: ReplacedFile[] = [];
    if (broken === undefined) {
      try {
        foldInto(rows(), batches);
        return state(replaced);
      } catch (error) {
        if (broken === undefined) throw error;
      }
    }
    replaced.push(replaceBroken());
    foldInto(rows(), batches);
    return state(replaced);
  },

  async read(partition, range) {
    return pageOf(partition, range, PAGE_ROWS, PAGE_BYTES);
  },

  async readSome(partition, range) {
    return pageOf(partition, range, SMALL_PAGE_ROWS, SMALL_PAGE_BYTES);
  },

  async readGroups(partition, range) {
    return groupsOf(rows(), partition, range);
  },

  async backup(target) {
    await rows().backup(target);
  },

  async verify(port) {
    serveHeldRows(port, rows, forgetUnread);
  },

  async close() {
    file?.close();
    file = undefined;
  },
};

serveControl((workerData as { readonly port: MessagePort }).port, api);
