/**
 * Folding: of all puts and deletes of a key in some batches only the last reaches the file.
 *
 * Order is kept by the partition's position, which is stored in the same transaction: a run of a lower epoch, or one that is
 * folded in already, is left out whole. So an old write can't bring back what was deleted, and folding twice changes nothing.
 */
import { CHANGE_CLEAR_PREFIX, CHANGE_PUT, DecodeError, type DurablePosition, forEachChange } from '@spacegrid/core';
import { type BatchRun, forEachRun, type StoredBatch } from './batch.ts';
import { sqliteCode } from './database.ts';
import type { QuarantineMark } from './fold-messages.ts';
import { beginsWith, rowIdentity } from './row-key.ts';
import type { RowsFile } from './rows-file.ts';

/** Where the last change of a key stands: views are made when it is written, since most changes never are. */
interface LastChange {
  /** The key as latin-1 text: compares as its bytes do. */
  readonly text: string;
  changes: Uint8Array;
  keyAt: number;
  keyLength: number;
  valueAt: number;
  /** −1 for a delete. */
  valueLength: number;
  position: DurablePosition;
  batch: number;
}

/** What is known of the file and changes with it. */
export interface FoldTables {
  readonly positions: Map<number, DurablePosition>;
  /** By rowIdentity. */
  readonly marks: Map<string, QuarantineMark>;
}

const NO_KEY = new Uint8Array(0);

/** Folds `batches`, oldest first, in one transaction; the tables are changed when it is synced. A row that can't be written is marked. */
export function foldBatches(
  file: RowsFile,
  known: FoldTables,
  batches: readonly StoredBatch[],
  nowMs: number,
): FoldTables {
  const newest = batches[batches.length - 1];
  if (newest === undefined) return known;
  const fold = new Fold(file, { positions: new Map(known.positions), marks: new Map(known.marks) }, nowMs);
  file.fold(newest.id, () => {
    for (const { id, runs, data } of batches) forEachRun(runs, data, (run) => fold.add(id, run));
    fold.finish();
  });
  return fold.tables;
}

class Fold {
  readonly tables: FoldTables;
  private readonly file: RowsFile;
  private readonly nowMs: number;
  /** By partition and key. */
  private readonly last: Map<number, Map<string, LastChange>>;
  private readonly touched: Set<number>;

  constructor(file: RowsFile, tables: FoldTables, nowMs: number) {
    this.file = file;
    this.tables = tables;
    this.nowMs = nowMs;
    this.last = new Map();
    this.touched = new Set();
  }

  add(batch: number, run: BatchRun): void {
    const { partition, epoch, last, changes } = run;
    const { positions } = this.tables;
    const before = positions.get(partition);
    if (before !== undefined && (epoch < before.epoch || (epoch === before.epoch && last <= before.sequence))) return;
    const position = { epoch, sequence: last };
    positions.set(partition, position);
    this.touched.add(partition);
    const text = Buffer.from(changes.buffer, changes.byteOffset, changes.length);
    let table = this.lastOf(partition);
    try {
      forEachChange(changes, 0, changes.length, (kind, keyAt, keyLength, valueAt, putLength) => {
        if (kind === CHANGE_CLEAR_PREFIX) {
          // What came before a clear is written first, so that the clear sees it.
          this.write();
          table = this.lastOf(partition);
          const prefix = changes.subarray(keyAt, keyAt + keyLength);
          this.file.clear(partition, prefix, position);
          this.liftMarks(partition, (marked) => beginsWith(marked, prefix));
          return;
        }
        const valueLength = kind === CHANGE_PUT ? putLength : -1;
        const key = text.toString('latin1', keyAt, keyAt + keyLength);
        const known = table.get(key);
        if (known === undefined) {
          table.set(key, { text: key, changes, keyAt, keyLength, valueAt, valueLength, position, batch });
          return;
        }
        known.changes = changes;
        known.keyAt = keyAt;
        known.valueAt = valueAt;
        known.valueLength = valueLength;
        known.position = position;
        known.batch = batch;
      });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.mark({ partition, key: NO_KEY, batch, reason: error.message, quarantinedAt: this.nowMs });
    }
  }

  finish(): void {
    this.write();
    for (const partition of this.touched)
      this.file.reached(partition, this.tables.positions.get(partition) as DurablePosition);
  }

  private lastOf(partition: number): Map<string, LastChange> {
    let last = this.last.get(partition);
    if (last === undefined) {
      last = new Map();
      this.last.set(partition, last);
    }
    return last;
  }

  private write(): void {
    for (const [partition, last] of this.last) {
      // In the order of the table: neighbours are written together, which is several times faster with random keys.
      const changes = [...last.values()].sort(byText);
      for (const change of changes) this.writeOne(partition, change);
    }
    this.last.clear();
  }

  private writeOne(partition: number, change: LastChange): void {
    const { changes, keyAt, valueAt, valueLength, position, batch } = change;
    const key = changes.subarray(keyAt, keyAt + change.keyLength);
    try {
      if (valueLength < 0) this.file.delete(partition, key, position);
      else this.file.put(partition, key, changes.subarray(valueAt, valueAt + valueLength), position);
    } catch (error) {
      if (!isOfTheRow(error)) throw error;
      const reason = `${sqliteCode(error)}: ${(error as Error).message}`;
      this.mark({ partition, key: key.slice(), batch, reason, quarantinedAt: this.nowMs });
      return;
    }
    if (this.tables.marks.size > 0) this.liftMarks(partition, (marked) => Buffer.compare(marked, key) === 0);
  }

  private mark(mark: QuarantineMark): void {
    this.tables.marks.set(rowIdentity(mark.partition, mark.key), mark);
    this.file.addMark(mark);
  }

  /** A later change of a marked key was folded: its old one is not needed any more. */
  private liftMarks(partition: number, isLifted: (key: Uint8Array) => boolean): void {
    const { marks } = this.tables;
    for (const [identity, mark] of marks) {
      if (mark.partition !== partition || mark.key.length === 0 || !isLifted(mark.key)) continue;
      marks.delete(identity);
      this.file.removeMark(partition, mark.key);
    }
  }
}

function byText(a: LastChange, b: LastChange): number {
  return a.text < b.text ? -1 : 1;
}

/** Errors that speak of this row alone; all others are the file's. */
function isOfTheRow(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === 'SQLITE_TOOBIG' || code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH';
}
