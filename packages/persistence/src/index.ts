export { restoreBackup } from './restore-backup.ts';
export type { RestoredBackup, RestoreOptions } from './restore-backup.ts';
export { sqlite } from './sqlite.ts';
export type { SqliteOptions } from './sqlite-options.ts';
export { checkStore } from './verify/check-store.ts';
export type { CheckedStore, CheckStoreOptions, StoreProblem } from './verify/check-store.ts';
