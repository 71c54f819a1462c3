import type { Persistence } from '@spacegrid/core';
import { resolveSqliteOptions, type SqliteOptions } from './sqlite-options.ts';

/**
 * Keeps a grid's state in SQLite files: `createGrid({ persistence: sqlite({ directory: 'data' }) })`. Changes are journalled in
 * batches, each synced before a `durable` reply leaves, and folded into rows behind that. Throws InvalidOptionError, and what
 * the file system says when the directory can't be made.
 */
export function sqlite(options: SqliteOptions): Persistence {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    kind: 'sqlite',
    threadUrl: new URL(`./durability-thread.${extension}`, import.meta.url),
    options: resolveSqliteOptions(options),
  };
}
