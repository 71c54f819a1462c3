/** Makes a store from a backup, for a grid to be started on. */
import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type DurablePosition,
  InvalidOptionError,
  resolveOptions,
  StoreCorruptError,
  textOption,
} from '@spacegrid/core';
import { digestFile, type FileDigest, readManifest } from './backup-manifest.ts';
import { syncDirectory, syncFile } from './database.ts';
import { makeDirectory } from './make-directory.ts';

export interface RestoreOptions {
  /** The directory that `grid.backup(directory)` was given. */
  readonly from: string;
  /** The directory for `sqlite({ directory })`: missing or empty. */
  readonly to: string;
}

export interface RestoredBackup {
  readonly directory: string;
  readonly bytes: number;
  /** When the backup was made, ISO 8601. */
  readonly createdAt: string;
  /** By partition: the last turn that it holds. */
  readonly positions: readonly DurablePosition[];
}

/**
 * Copies a backup to where a grid can be started on it, and compares every byte with the backup's checksums before and after.
 * The backup stays as it is. Throws InvalidOptionError when `to` is not empty, StoreCorruptError when `from` is no finished
 * backup or fails its checksums (`to` is then left empty), and what the file system says. Blocks its thread while it copies.
 */
export function restoreBackup(options: RestoreOptions): RestoredBackup {
  const { from, to } = resolveOptions('restoreBackup', options, {
    from: textOption({ lengthMax: 4096 }),
    to: textOption({ lengthMax: 4096 }),
  });
  const source = resolve(from);
  const target = resolve(to);
  const { files, createdAt, positions } = readManifest(source);
  const compare = (directory: string): void => {
    for (const { name, bytes, digest } of files) {
      const found = digestOf(directory, name);
      if (found.bytes === bytes && found.digest === digest) continue;
      throw new StoreCorruptError(
        `${join(directory, name)} is not what was backed up: ${found.bytes} of ${bytes} bytes, digest ${found.digest} instead of ${digest}`,
        { details: { file: join(directory, name) } },
      );
    }
  };
  compare(source);
  makeDirectory(target);
  if (readdirSync(target).length > 0) {
    throw new InvalidOptionError(
      `restoreBackup.to is ${target}, which is not empty: a backup is restored to a new directory`,
    );
  }
  // The journal goes last: rows without a journal are refused, so that a copy cut short is never taken for a store.
  for (const { name } of files.toSorted((a, b) => (a.name < b.name ? 1 : -1))) {
    copyFileSync(join(source, name), join(target, name));
    syncFile(join(target, name));
  }
  try {
    compare(target);
  } catch (error) {
    for (const { name } of files) rmSync(join(target, name), { force: true });
    throw error;
  }
  syncDirectory(target);
  return { directory: target, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), createdAt, positions };
}

function digestOf(directory: string, name: string): FileDigest {
  return existsSync(join(directory, name)) ? digestFile(directory, name) : { name, bytes: 0, digest: 'none' };
}
