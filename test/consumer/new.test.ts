// `npm run new`: the folder that it makes works with one command each, and what it can't do it says in one line.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type ProgramEnd, root } from '../../scripts/program.ts';
import { runOutside } from './outside.ts';

const folder = mkdtempSync(join(tmpdir(), 'spacegrid-new-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runNew(...args: string[]): Promise<ProgramEnd> {
  return runOutside(folder, process.execPath, join(root, 'scripts', 'new.ts'), ...args);
}

test('makes a folder in which npm start, npm test and npm run check work', { timeout: 180_000 }, async () => {
  const made = await runNew('my-app');
  expect(made.code, made.output).toBe(0);
  const own = join(folder, 'my-app');
  expect(readdirSync(own)).toEqual(expect.arrayContaining(['actors.ts', 'app.ts', 'app.test.ts', 'package.json']));

  const started = await runOutside(own, 'npm', 'start');
  expect(started.code, started.output).toBe(0);
  expect(started.output).toContain('ada');
  const tested = await runOutside(own, 'npm', 'test');
  expect(tested.code, tested.output).toBe(0);
  expect(tested.output).toMatch(/pass 1\n/);

  const checked = await runOutside(own, 'npm', 'run', 'check');
  expect(checked.code, checked.output).toBe(0);
  writeFileSync(join(own, 'app.ts'), `${readFileSync(join(own, 'app.ts'), 'utf8')}await board.submit('ada', 'ten');\n`);
  const refused = await runOutside(own, 'npm', 'run', 'check');
  expect(refused.code).not.toBe(0);
  expect(refused.output).toContain('app.ts(16,');
});

test('depends on published versions when asked to', async () => {
  const made = await runNew('published', '--published', '--no-install');
  expect(made.code, made.output).toBe(0);
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'published', 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect(Object.keys(dependencies)).toEqual(['@spacegrid/actors', '@spacegrid/core', '@spacegrid/persistence']);
  for (const range of Object.values(dependencies)) expect(range).toMatch(/^\^\d+\.\d+\.\d+$/);
});

describe('refuses in one line', () => {
  mkdirSync(join(folder, 'full'));
  writeFileSync(join(folder, 'full', 'mine.txt'), 'mine');
  writeFileSync(join(folder, 'file'), '');

  test.each([
    ['a folder that is not empty', ['full'], /full exists and is not empty/],
    ['a file', ['file'], /file is a file/],
    ['a folder inside a file', ['file/app', '--published'], /is not a folder/],
    ['no name', [], /Name one folder/],
    ['two names', ['one', 'two'], /Name one folder/],
    ['a name that npm would refuse', ['My App'], /"My App" can't name a package/],
    ['an option it does not know', ['app', '--fast'], /Unknown option '--fast'/],
  ])('%s', async (_what, args, message) => {
    const { code, output } = await runNew(...args);
    expect(code).toBe(1);
    expect(output).toMatch(message);
    expect(output.trim().split('\n')).toHaveLength(1);
  });

  test('and leaves what is there alone', () => {
    expect(readdirSync(join(folder, 'full'))).toEqual(['mine.txt']);
    expect(existsSync(join(folder, 'one'))).toBe(false);
  });
});
