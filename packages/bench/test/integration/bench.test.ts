/** The program as people run it, in a process of its own, quickly. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { Row } from '../../src/report.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const fromSource = ['--conditions=@spacegrid/source', '--disable-warning=ExperimentalWarning', main];
const folder = mkdtempSync(join(tmpdir(), 'spacegrid-bench-test-'));
// The program's own folders go below this one, so that what it leaves is seen.
const env = { ...process.env, TMPDIR: folder };
const run = promisify(execFile);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = [
  'ask',
  'ask-many',
  'ask-single',
  'submit-memory',
  'submit',
  'submit-batch',
  'submit-durable',
  'peek-field',
  'peek-many',
  'peek-rank',
  'entry-bytes',
  'codec',
  'restart',
];

test('prints and stores every row with finite positive figures, and leaves no folder', {
  timeout: 60_000,
}, async () => {
  const file = join(folder, 'figures.json');
  const { stdout } = await run(process.execPath, [...fromSource, '--quick', '--restart', '--json', file], { env });
  const { machine, rows } = JSON.parse(readFileSync(file, 'utf8')) as { machine: { node: string }; rows: Row[] };
  expect(machine.node).toBe(process.version);
  expect(rows.map(({ name }) => name)).toEqual(names);
  for (const row of rows) {
    expect(stdout).toContain(row.title);
    for (const figure of figuresOf(row)) {
      expect(figure, `a figure of ${row.name}`).toBeGreaterThan(0);
      expect(figure, `a figure of ${row.name}`).toBeLessThan(Infinity);
    }
  }
  expect(readdirSync(folder)).toEqual(['figures.json']);
});

test('says in one line what it does not understand', async () => {
  const failed = await run(process.execPath, [...fromSource, '--fast'], { env }).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  const { stderr } = failed as { stderr: string };
  expect(stderr.trimEnd()).toMatch(/^Unknown option '--fast'.*--quick/);
  expect(stderr.trimEnd()).not.toContain('\n');
});

test('removes its folders when it is interrupted', { timeout: 30_000 }, async () => {
  const own = mkdtempSync(join(folder, 'interrupted-'));
  const child = spawn(process.execPath, [...fromSource, '--only', 'submit'], {
    env: { ...env, TMPDIR: own },
    stdio: 'ignore',
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await expect
    .poll(() => readdirSync(own).some((name) => existsSync(join(own, name, 'one-row.db'))), { timeout: 20_000 })
    .toBe(true);
  child.kill('SIGINT');
  expect(await exited).toBe(130);
  expect(readdirSync(own)).toEqual([]);
});

function figuresOf(row: Row): number[] {
  if (row.kind === 'amount') return [row.amount];
  const spreads = [row.rate, ...row.peers.flatMap((peer) => [peer.rate, peer.ratio])];
  return spreads.flatMap(({ median, min, max }) => [median, min, max]);
}
