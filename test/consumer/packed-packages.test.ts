// The packages as their users get them: packed, installed by plain npm into an empty folder, used from there.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PackedPackage, pack, publishablePackages } from '../../scripts/pack.ts';
import { runProgram } from '../../scripts/program.ts';
import { runOutside } from './outside.ts';
import { inJavaScript, readmeProgram, writeProgram } from './readme-program.ts';

const program = readmeProgram();
const folder = mkdtempSync(join(tmpdir(), 'spacegrid-consumer-'));
let packed: PackedPackage[] = [];

beforeAll(async () => {
  const packages = publishablePackages();
  const built = await runProgram('tsc', ['-b', ...packages.map((one) => one.folder)]);
  expect(built.output).toBe('');
  packed = await pack(packages, folder);
  const dependencies = Object.fromEntries(packed.map((one) => [one.manifest.name, `file:${basename(one.tarball)}`]));
  const manifest = { private: true, type: 'module', dependencies, devDependencies: { '@types/node': '^24.0.0' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const installed = await runOutside(folder, 'npm', 'install', '--no-audit', '--no-fund');
  expect(installed.code, installed.output).toBe(0);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every entry of every package loads in plain Node', async () => {
  const entries = packed.flatMap(({ manifest }) => {
    const installed = readFileSync(join(folder, 'node_modules', manifest.name, 'package.json'), 'utf8');
    const { exports } = JSON.parse(installed) as { exports: Record<string, unknown> };
    return Object.keys(exports).map((entry) => manifest.name + entry.slice(1));
  });
  expect(entries.length).toBeGreaterThanOrEqual(packed.length);
  const imports = entries.map((entry) => `await import(${JSON.stringify(entry)});`).join('\n');
  const { code, output } = await runOutside(folder, process.execPath, '--input-type=module', '-e', imports);
  expect(output).toBe('');
  expect(code).toBe(0);
});

describe.skipIf(program.length === 0)("the README's program", () => {
  function folderWith(name: string): string {
    const own = join(folder, name);
    mkdirSync(own);
    writeFileSync(join(own, 'package.json'), '{ "type": "module" }');
    return own;
  }

  test('has under 20 lines', () => {
    const lines = program.flatMap(({ text }) => text.trimEnd().split('\n'));
    expect(lines.length).toBeLessThan(20);
  });

  test('runs in TypeScript as pasted', async () => {
    const own = folderWith('typescript');
    writeProgram(own, program);
    const { code, output } = await runOutside(own, process.execPath, program.at(-1)?.name ?? '');
    expect(code, output).toBe(0);
    expect(output).not.toBe('');
  });

  test('runs in JavaScript', async () => {
    const own = folderWith('javascript');
    const files = inJavaScript(program);
    writeProgram(own, files);
    const { code, output } = await runOutside(own, process.execPath, files.at(-1)?.name ?? '');
    expect(code, output).toBe(0);
    expect(output).not.toBe('');
  });

  test('type-checks against the packed declarations', async () => {
    const own = folderWith('types');
    writeProgram(own, program);
    const compilerOptions = {
      target: 'ES2024',
      module: 'NodeNext',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      allowImportingTsExtensions: true,
    };
    writeFileSync(join(own, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const { output } = await runProgram('tsc', ['-p', own]);
    expect(output).toBe('');
  });
});
