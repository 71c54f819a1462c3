// The door, scripts/run.mjs, in a repository of its own with a pretended npm and pnpm: what it sets up and when, what it
// says when it can't go on, and how signals and exit codes pass through it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ProgramEnd, root, runProgram } from '../../scripts/program.ts';

let folder = '';
let running: ChildProcess | undefined;

/** Puts a shell script on the PATH; each run adds its first argument to calls.txt. */
function pretend(command: string, body: string): void {
  const file = join(folder, 'bin', command);
  writeFileSync(file, `#!/bin/sh\necho "${command} $1" >>"${folder}/calls.txt"\n${body}\n`);
  chmodSync(file, 0o755);
}

function calls(): string[] {
  return readFileSync(join(folder, 'calls.txt'), 'utf8').trim().split('\n');
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder };
}

function run(...args: string[]): Promise<ProgramEnd> {
  const door = join(folder, 'scripts', 'run.mjs');
  return runProgram(process.execPath, [door, ...args], { cwd: folder, env: environment(), timeoutMs: 20_000 });
}

/** Starts a task that prints `ready`, and resolves once it has. */
async function startTask(program: string): Promise<ChildProcess> {
  writeFileSync(join(folder, 'scripts', 'test.ts'), program);
  const door = join(folder, 'scripts', 'run.mjs');
  const child = spawn(process.execPath, [door, 'test'], { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
  running = child;
  for await (const text of child.stdout) {
    if (String(text).includes('ready')) break;
  }
  return child;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spacegrid-run-'));
  for (const name of ['bin', 'scripts', 'packages', 'apps', 'node_modules']) mkdirSync(join(folder, name));
  for (const part of ['run.mjs', 'door']) {
    cpSync(join(root, 'scripts', part), join(folder, 'scripts', part), { recursive: true });
  }
  writeFileSync(join(folder, 'pnpm-lock.yaml'), 'one');
  writeFileSync(join(folder, 'scripts', 'test.ts'), 'console.log("ran", ...process.argv.slice(2));');
  pretend('npm', '');
  pretend('pnpm', '');
});

afterEach(() => {
  running?.kill('SIGKILL');
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

test('names the tasks when there is none of that name', async () => {
  const { code, output } = await run('toString');
  expect(code).toBe(1);
  expect(output).toBe('There is no task "toString": start, test, bench, build, check, new, verify, demo:import.\n');
});

test('sets up once, and again for the dependencies when the lockfile changed', async () => {
  const first = await run('test', 'a', '--b');
  expect(first.output).toMatch(/ran a --b\n$/);
  expect(calls()).toEqual(['npm install', 'pnpm install']);
  expect((await run('test')).output).toBe('ran\n');
  expect(calls()).toHaveLength(2);
  writeFileSync(join(folder, 'pnpm-lock.yaml'), 'two');
  await run('test');
  expect(calls()).toEqual(['npm install', 'pnpm install', 'pnpm install']);
});

test('sets up once when several runs begin together', async () => {
  pretend('npm', 'sleep 0.3');
  const ends = await Promise.all([run('test'), run('test'), run('test')]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(calls()).toEqual(['npm install', 'pnpm install']);
});

test('takes over the set-up from a run that died in it', async () => {
  const dead = spawn('true');
  await once(dead, 'exit');
  mkdirSync(join(folder, '.tools'));
  writeFileSync(join(folder, '.tools', 'lock'), String(dead.pid));
  expect((await run('test')).output).toMatch(/ran\n$/);
});

test.each([
  ['no network', 'npm', 'echo "npm error code ENOTFOUND" >&2; exit 1', /the npm registry was not reached.*ENOTFOUND/],
  ['a full disk', 'pnpm', 'echo "ENOSPC: no space left on device"; exit 1', /the disk is full/],
  ['an old lockfile', 'pnpm', 'echo ERR_PNPM_OUTDATED_LOCKFILE; exit 1', /pnpm-lock.yaml does not match/],
])('says in one line that it could not set up: %s', async (_what, command, body, message) => {
  pretend(command, body);
  const { code, output } = await run('test');
  expect(code).toBe(1);
  const lines = output.trim().split('\n');
  expect(lines.at(-1)).toMatch(message);
  expect(lines.filter((line) => !/^(Setting up|Installing)/.test(line))).toHaveLength(1);
});

test('keeps where packages come from and drops what else npm adds to the environment', async () => {
  const program = 'console.log(JSON.stringify(Object.keys(process.env).filter((name) => /^npm_/i.test(name)).sort()));';
  writeFileSync(join(folder, 'scripts', 'test.ts'), program);
  const given = { npm_config_registry: 'http://127.0.0.1:1', npm_config_prefix: '/x', npm_lifecycle_event: 'test' };
  const env = { ...environment(), ...given };
  const { output } = await runProgram(process.execPath, [join(folder, 'scripts', 'run.mjs'), 'test'], { env });
  expect(output).toMatch(/\["npm_config_registry"\]\n$/);
});

test('ends with the exit code of its task', async () => {
  writeFileSync(join(folder, 'scripts', 'test.ts'), 'process.exitCode = 7;');
  expect((await run('test')).code).toBe(7);
});

test.each(['SIGTERM', 'SIGINT'] as const)('passes %s on, waits for the task and ends as it ends', async (signal) => {
  const child = await startTask(
    `process.once('${signal}', () => setTimeout(() => process.exit(5), 200)); setInterval(() => {}, 1000); console.log('ready');`,
  );
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(5);
});
