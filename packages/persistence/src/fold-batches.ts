/** Folding: of all puts and deletes of a key in some batches only the last reaches the file. */
import { CHANGE_DELETE, CHANGE_PUT, forEachChange } from '@spacegrid/core';
import { forEachRun } from './batch.ts';
import type { NumberedBatch, PoisonedRow } from './fold-messages.ts';
import type { RowsFile } from './rows-file.ts';

interface LastChange {
  readonly partition: number;
  readonly key: Uint8Array;
  /** Undefined for a delete. */
  readonly value: Uint8Array | undefined;
  readonly epoch: number;
  readonly sequence: number;
  readonly batch: number;
}

/** In one transaction. Returns the rows that could not be written; the rest is. */
export function foldBatches(rows: RowsFile, batches: readonly NumberedBatch[]): PoisonedRow[] {
  const poisoned: PoisonedRow[] = [];
  const newest = batches[batches.length - 1];
  if (newest === undefined) return poisoned;
  rows.fold(newest.id, () => {
    const last = new Map<string, LastChange>();
    for (const { id, data } of batches) {
      forEachRun(data, (run) => {
        forEachChange(run.changes, 0, run.changes.length, (kind, keyAt, keyLength, valueAt, valueLength) => {
          const key = run.changes.subarray(keyAt, keyAt + keyLength);
          if (kind === CHANGE_PUT || kind === CHANGE_DELETE) {
            const value = kind === CHANGE_PUT ? run.changes.subarray(valueAt, valueAt + valueLength) : undefined;
            last.set(identityOf(run.partition, key), {
              partition: run.partition,
              key,
              value,
              epoch: run.epoch,
              sequence: run.last,
              batch: id,
            });
            return;
          }
          // What came before a clear is written first, so that the clear sees it.
          writeAll(rows, last, poisoned);
          rows.clear(run.partition, key);
        });
      });
    }
    writeAll(rows, last, poisoned);
  });
  return poisoned;
}

function writeAll(rows: RowsFile, last: Map<string, LastChange>, poisoned: PoisonedRow[]): void {
  for (const change of last.values()) {
    try {
      if (change.value === undefined) rows.delete(change.partition, change.key);
      else rows.put(change.partition, change.key, change.value, change.epoch, change.sequence);
    } catch (error) {
      if (!isOfTheRow(error)) throw error;
      poisoned.push({
        partition: change.partition,
        key: change.key.slice(),
        batch: change.batch,
        reason: (error as Error).message,
      });
    }
  }
  last.clear();
}

/** Errors that speak of this row alone; all others are the disk's. */
function isOfTheRow(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'SQLITE_TOOBIG' || code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH';
}

function identityOf(partition: number, key: Uint8Array): string {
  return `${partition}:${Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')}`;
}
