/**
 * Names of a store's files. `journal.db` and `rows.db`; a file that failed a write is set aside (`journal.aside`) and the next
 * one has a number: `journal-2.db`. The file with the highest number that was finished is the store; see `openNewest`.
 */
import { existsSync, linkSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type StoreFileKind = 'journal' | 'rows';

/** What SQLite may keep beside a file. */
const COMPANIONS = ['-wal', '-wal.kept', '-shm', '-journal'] as const;

export function storeFileName(kind: StoreFileKind, generation: number): string {
  return generation === 1 ? `${kind}.db` : `${kind}-${generation}.db`;
}

/** Generations that are there, the newest first. */
export function generationsOf(directory: string, kind: StoreFileKind): number[] {
  const pattern = new RegExp(`^${kind}(?:-(\\d+))?\\.db$`);
  return readdirSync(directory)
    .map((name) => pattern.exec(name))
    .filter((match) => match !== null)
    .map((match) => Number(match[1] ?? 1))
    .toSorted((a, b) => b - a);
}

export function removeDatabaseFile(file: string): void {
  for (const companion of ['', ...COMPANIONS]) rmSync(`${file}${companion}`, { force: true });
}

/**
 * After a failed write: gives the write-ahead log a second name. SQLite copies the log into the file when it closes it and then
 * removes it, and that copying can't be believed any more; with the log, file and log are whole. See `restoreLog`.
 */
export function keepLog(file: string): void {
  if (!existsSync(`${file}-wal`) || existsSync(`${file}-wal.kept`)) return;
  linkSync(`${file}-wal`, `${file}-wal.kept`);
}

/** Before a file is opened: puts the log back that `keepLog` kept. */
export function restoreLog(file: string): void {
  if (!existsSync(`${file}-wal.kept`)) return;
  if (existsSync(`${file}-wal`)) rmSync(`${file}-wal.kept`);
  else renameSync(`${file}-wal.kept`, `${file}-wal`);
}

/** Renames a file that is replaced, so that its blocks are not used again and it can be looked at. The one before goes. */
export function setFileAside(directory: string, kind: StoreFileKind, generation: number): void {
  const from = join(directory, storeFileName(kind, generation));
  const to = join(directory, `${kind}.aside`);
  removeDatabaseFile(to);
  for (const companion of ['', ...COMPANIONS]) {
    if (existsSync(`${from}${companion}`)) renameSync(`${from}${companion}`, `${to}${companion}`);
  }
}

/**
 * Opens the newest generation that is finished. One that is not was being written when the process ended, and the one before
 * it is still the store: the unfinished one is removed. Those before the newest are set aside. Without any, makes the first.
 * @param open opens a file, or makes it when `mayCreate`; undefined when it is there and unfinished.
 */
export function openNewest<T>(
  directory: string,
  kind: StoreFileKind,
  open: (generation: number, mayCreate: boolean) => T | undefined,
): T {
  for (const name of readdirSync(directory))
    if (name.startsWith(`${kind}-`) && name.endsWith('.part')) rmSync(join(directory, name));
  const generations = generationsOf(directory, kind);
  for (const [index, generation] of generations.entries()) {
    const last = index === generations.length - 1;
    const opened = open(generation, last && generation === 1);
    if (opened === undefined) {
      removeDatabaseFile(join(directory, storeFileName(kind, generation)));
      continue;
    }
    for (const older of generations.slice(index + 1)) setFileAside(directory, kind, older);
    return opened;
  }
  return open(1, true) as T;
}
