/** Rankings of each kind, loaded from rows and from the journal's tail: entry for entry what they were. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openStandings, readStandings } from '../fixtures/standings-store.ts';

const root = mkdtempSync(join(tmpdir(), 'spacegrid-standings-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('rankings after the process was killed', () => {
  it('have the entries, ranks and ties that they had', { timeout: 60_000 }, async () => {
    const seed = randomInt(2, 2 ** 30);
    process.stderr.write(`seed ${seed}\n`);
    const directory = join(root, 'store');
    const dump = join(root, 'dump.json');
    const script = fileURLToPath(new URL('../fixtures/churn-and-die.ts', import.meta.url));
    const { signal, stderr } = spawnSync(
      process.execPath,
      [
        '--conditions=@spacegrid/source',
        '--disable-warning=ExperimentalWarning',
        script,
        directory,
        String(seed),
        dump,
      ],
      { encoding: 'utf8', timeout: 50_000 },
    );
    expect(signal, stderr).toBe('SIGKILL');
    const before = JSON.parse(readFileSync(dump, 'utf8')) as Record<string, unknown[]>;
    expect(before['best']?.length).toBeGreaterThan(39_000);
    expect(before['dense']?.length).toBeGreaterThan(100);

    const grid = await openStandings(directory);
    const after = await readStandings(grid);
    await grid.close();
    for (const which of ['best', 'fastest', 'dense'])
      expect(after[which], `${which}, seed ${seed}`).toEqual(before[which]);
  });
});
