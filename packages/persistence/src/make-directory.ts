import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory that only its owner may open, and those above it. Throws the system's error: EACCES, ENOTDIR, ENOENT.
 *
 * Not `mkdirSync(…, { recursive: true })`, which never returns where a directory can't be made below one that exists: /proc.
 */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    // Bound: one step for each part of the path.
    makeDirectory(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}
