import { resolve } from 'node:path';
import { durationOption, resolveOptions, sizeOption, StorageFailedError, textOption } from '@spacegrid/core';
import { makeDirectory } from './make-directory.ts';

export interface SqliteOptions {
  /** Folder of the grid's files; made when missing. One grid, one folder. */
  readonly directory: string;
  /** Longest time that a change waits for its batch when nobody waits for it. Default 10 ms. */
  readonly flushInterval?: number | string;
  /** A batch is written when it has this many bytes. Default 1 MiB. */
  readonly batch?: number | string;
}

export interface ResolvedSqliteOptions {
  readonly directory: string;
  readonly flushIntervalMs: number;
  readonly batchBytes: number;
}

/** Throws InvalidOptionError naming option, value and what is allowed; StorageFailedError for a directory that can't be made. */
export function resolveSqliteOptions(given: SqliteOptions): ResolvedSqliteOptions {
  const options = resolveOptions('sqlite', given, {
    directory: textOption({ lengthMax: 4096 }),
    flushInterval: durationOption({ min: 0, max: 60_000, default: 10 }),
    batch: sizeOption({ min: 4096, max: 64 * 1024 ** 2, default: 1024 ** 2 }),
  });
  const directory = resolve(options.directory);
  try {
    makeDirectory(directory);
  } catch (cause) {
    throw new StorageFailedError(`sqlite.directory ${directory} can't be made: ${(cause as Error).message}`, {
      cause,
      details: { directory },
    });
  }
  return { directory, flushIntervalMs: options.flushInterval, batchBytes: options.batch };
}
