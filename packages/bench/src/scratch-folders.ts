/** Folders for stores, removed when the process ends, however it ends short of being killed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Removes what is left at exit, and makes the usual signals exit. */
export function removeFoldersAtExit(): void {
  process.on('exit', () => {
    // Threads may still write while their folder goes: hence the retries.
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  });
  for (const [signal, code] of Object.entries(EXIT_CODES)) process.once(signal, () => process.exit(code));
}

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spacegrid-bench-'));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  folders.delete(folder);
}
