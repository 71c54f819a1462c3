/**
 * The online backup: a copy of both files while batches are written. First the rows, while no fold runs, then the journal,
 * whose copy is one point in the order of batches: all that a partition has committed up to a sequence, nothing behind it.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  BackupFailedError,
  type BackupResult,
  type DurablePosition,
  isGridError,
  StoreCorruptError,
} from '@spacegrid/core';
import { digestFile, writeManifest } from './backup-manifest.ts';
import { syncDirectory, syncFile } from './database.ts';
import type { Folder } from './folder.ts';
import { makeDirectory } from './make-directory.ts';
import { JournalFile } from './journal-file.ts';
import type { Journal } from './journal.ts';

const FILES = ['journal.db', 'rows.db'] as const;

/** Throws BackupFailedError. */
export async function makeBackup(directory: string, journal: Journal, folder: Folder): Promise<BackupResult> {
  prepare(directory);
  const release = await folder.hold();
  try {
    await folder.backup(join(directory, 'rows.db'));
    await journal.backup(join(directory, 'journal.db'));
  } catch (cause) {
    throw new BackupFailedError(`${directory} is not a backup: ${(cause as Error).message}`, {
      cause,
      details: { directory },
    });
  } finally {
    release();
  }
  try {
    return finish(directory, journal);
  } catch (cause) {
    if (isGridError(cause, 'BACKUP_FAILED')) throw cause;
    throw new BackupFailedError(`${directory} is not a backup: ${(cause as Error).message}`, {
      cause,
      details: { directory },
    });
  }
}

function prepare(directory: string): void {
  let found: string[];
  try {
    makeDirectory(directory);
    found = readdirSync(directory);
  } catch (cause) {
    throw new BackupFailedError(`${directory} can't be made: ${(cause as Error).message}`, {
      cause,
      details: { directory },
    });
  }
  if (found.length > 0) {
    throw new BackupFailedError(`${directory} is not empty: a backup goes to a new or empty directory`, {
      details: { directory },
    });
  }
}

/** Reads from the copy what it holds, and closes it with the manifest. */
function finish(directory: string, journal: Journal): BackupResult {
  const copy = JournalFile.open(directory, 1, journal.identity, false);
  if (copy === undefined) throw new StoreCorruptError(`the copy of ${journal.name} is empty`);
  let watermarks: Map<number, DurablePosition>;
  try {
    watermarks = copy.watermarks();
  } finally {
    copy.close();
  }
  const { partitions, storeId } = journal.identity;
  const positions = Array.from(
    { length: partitions },
    (_, partition) => watermarks.get(partition) ?? { epoch: 0, sequence: 0 },
  );
  for (const name of FILES) syncFile(join(directory, name));
  const files = FILES.map((name) => digestFile(directory, name));
  writeManifest(directory, { storeId, partitions, createdAt: new Date().toISOString(), files, positions });
  syncDirectory(directory);
  return { directory, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), positions };
}
