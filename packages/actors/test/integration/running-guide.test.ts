/** The program in docs/guides/running.md runs as it stands there, and its options are those that createGrid has. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { gridDefaults, resolveGridOptions } from '../../src/supervise/grid-options.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const guide = readFileSync(join(root, 'docs/guides/running.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'spacegrid-running-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('runs the program', async () => {
  for (const [, name, text] of guide.matchAll(/^```ts title="([^"]+)"\n([\s\S]*?)\n```$/gm))
    writeFileSync(join(folder, name as string), `${text}\n`);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const scope = join(folder, 'node_modules', '@spacegrid');
  mkdirSync(scope, { recursive: true });
  for (const name of ['actors', 'persistence'])
    symlinkSync(join(root, 'packages', name), join(scope, name), 'junction');
  const args = ['--conditions=@spacegrid/source', '--disable-warning=ExperimentalWarning', 'server.ts'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 60_000 });
  expect(stdout).toBe('60 left\n');
  expect(stderr).toBe('');
});

it('lists the options of createGrid with their defaults', () => {
  const rows = [...guide.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name, value]) => [name, value]);
  const actors = new URL('file:///actors.ts');
  const resolved = resolveGridOptions({ actors, workers: 1 });
  expect(new Set(rows.map(([name]) => name))).toEqual(new Set(Object.keys(resolved)));
  for (const [name, value] of rows as [keyof typeof gridDefaults, string][]) {
    if (!(name in gridDefaults)) continue;
    const given: unknown = value.startsWith('`') ? value.replaceAll(/[`']/g, '') : Number(value);
    expect(resolveGridOptions({ actors, workers: 1, [name]: given })[name], name).toBe(gridDefaults[name]);
  }
});
