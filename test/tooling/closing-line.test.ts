// The last line of `npm test`, which scripts and people read: what it counts, and that it agrees with the exit code.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root, runProgram } from '../../scripts/program.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'spacegrid-closing-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const passes = "test('passes', () => {});";
const fails = "test('fails', () => { throw new Error('planted'); });";
const skips = "test.skip('waits', () => {});";

test.each([
  ['what passes', passes, '1 passed, 0 failed', 0],
  ['what fails', passes + fails, '1 passed, 1 failed', 1],
  ['what is skipped, without failing', passes + skips, '1 passed, 0 failed, 1 skipped', 0],
  ['a file that does not load as failed', "throw new Error('planted');", '0 passed, 1 failed', 1],
  [
    'an error outside of tests as failed',
    `setTimeout(() => { throw new Error('planted'); }, 0); ${passes}
    test('takes long enough', () => new Promise((resolve) => setTimeout(resolve, 50)));`,
    '2 passed, 1 failed',
    1,
  ],
  ['a run without tests as failed', undefined, '0 passed, 1 failed', 1],
])('counts %s', async (_what, text, line, exitCode) => {
  if (text !== undefined) writeFileSync(join(folder, 'planted.test.ts'), text);
  const { code, output } = await runClosing();
  expect(output.trimEnd().split('\n').at(-1)).toBe(line);
  expect(code).toBe(exitCode);
});

test('names what was skipped, and fails for it where nothing may be skipped', async () => {
  writeFileSync(join(folder, 'planted.test.ts'), passes + skips);
  const { code, output } = await runClosing({ SPACEGRID_SKIPS: 'fail' });
  expect(output).toMatch(/Skipped: .*planted\.test\.ts: waits\n1 passed, 0 failed, 1 skipped\n$/);
  expect(code).toBe(1);
});

function runClosing(env: NodeJS.ProcessEnv = {}) {
  const program = join(root, 'scripts', 'test.ts');
  return runProgram(process.execPath, [program, '--root', folder, '--globals', '--passWithNoTests'], {
    env: { PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}`, HOME: folder, ...env },
  });
}
