/** The programs in docs/guides/actors.md have the types that they claim, and run as they stand there. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'spacegrid-guide-'));
const run = promisify(execFile);
const CONDITION = '@spacegrid/source';

/** Uses the actor that the guide shows without a test of its own. */
const USE = `import { createTestGrid } from '@spacegrid/actors/testing';
import { Report } from './report.ts';
const grid = createTestGrid({ actors: [Report] });
console.log(await grid.actor(Report, 'r').write(['tea', 'milk']));
`;

beforeAll(() => {
  const guide = readFileSync(join(root, 'docs/guides/actors.md'), 'utf8');
  for (const [, name, text] of guide.matchAll(/^```ts title="([^"]+)"\n([\s\S]*?)\n```$/gm))
    writeFileSync(join(folder, name as string), `${text}\n`);
  writeFileSync(join(folder, 'use.ts'), USE);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const compilerOptions = {
    allowImportingTsExtensions: true,
    customConditions: [CONDITION],
    exactOptionalPropertyTypes: true,
    lib: ['ES2024', 'ESNext.Disposable'],
    module: 'NodeNext',
    noEmit: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    strict: true,
    target: 'ES2024',
    types: ['node'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  // Where the packages are found by their names.
  const scope = join(folder, 'node_modules', '@spacegrid');
  mkdirSync(scope, { recursive: true });
  symlinkSync(join(root, 'packages/actors'), join(scope, 'actors'), 'junction');
  symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'), 'junction');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function node(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, args, { cwd: folder, timeout: 30_000 });
  return stdout;
}

it('passes its own tests', async () => {
  const stdout = await node(`--conditions=${CONDITION}`, 'shop.test.ts');
  expect(stdout).toMatch(/pass 5\n/);
  expect(stdout).toMatch(/fail 0\n/);
});

it('runs its task', async () => {
  expect(await node(`--conditions=${CONDITION}`, 'use.ts')).toBe('milk tea\n');
});

it('has no error of types', async () => {
  expect(await node(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')).toBe('');
});
