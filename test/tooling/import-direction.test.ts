// The lint rules that hold the house together find what they are there for: tried on small trees with planted faults.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root, runProgram } from '../../scripts/program.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spacegrid-lint-'));
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  plant(
    'tsconfig.json',
    '{ "compilerOptions": { "module": "nodenext", "allowImportingTsExtensions": true, "noEmit": true } }',
  );
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plant(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

/** The codes of the rules that found something, sorted. */
async function findings(): Promise<string[]> {
  const { output } = await runProgram('oxlint', ['--format=json'], { cwd: folder });
  const { diagnostics } = JSON.parse(output) as { diagnostics: { code: string }[] };
  return [...new Set(diagnostics.map(({ code }) => code))].sort();
}

const direction = 'eslint(no-restricted-imports)';

test.each([
  [
    'core imports another package',
    'packages/core/src/a.ts',
    "export type { Grid } from '@spacegrid/actors';",
    direction,
  ],
  [
    'actors imports persistence',
    'packages/actors/src/a.ts',
    "export { sqlite } from '@spacegrid/persistence';",
    direction,
  ],
  [
    'persistence imports actors late',
    'packages/persistence/src/a.ts',
    "export const a: unknown = import('@spacegrid/actors');",
    direction,
  ],
  [
    'actors reaches core by a path',
    'packages/actors/src/a.ts',
    "export type { B } from '../../core/src/b.ts';",
    direction,
  ],
  [
    "an app reaches a package's sources",
    'apps/demo/src/a.ts',
    "export type { B } from '@spacegrid/core/src/b.ts';",
    direction,
  ],
  [
    'a promise floats',
    'packages/core/src/a.ts',
    'export function a(): void { Promise.resolve(1); }',
    'typescript(no-floating-promises)',
  ],
])('finds that %s', async (_what, file, text, code) => {
  plant(file, text);
  expect(await findings()).toEqual([code]);
});

test('finds a cycle that only types make', async () => {
  plant('packages/core/src/a.ts', "import { type B } from './b.ts';\nexport interface A { b: B }\n");
  plant('packages/core/src/b.ts', "import { type A } from './a.ts';\nexport interface B { a: A }\n");
  expect(await findings()).toEqual(['import(no-cycle)']);
});

test('finds nothing in imports that go the right way', async () => {
  plant('packages/core/src/a.ts', "export { b } from './b.ts';\n");
  plant('packages/core/src/b.ts', 'export const b = 1;\n');
  plant(
    'packages/bench/src/a.ts',
    "export { createGrid } from '@spacegrid/actors';\nexport { sqlite } from '@spacegrid/persistence';\n",
  );
  expect(await findings()).toEqual([]);
});
