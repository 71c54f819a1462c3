// The door to every command of this repository: `node scripts/run.mjs TASK [arguments]`, which is what `npm start`,
// `npm test` and the rest call. It runs on any Node from 18 on and needs nothing installed: it fetches pnpm, and a Node
// of its own when the running one is too old, into .tools/, installs the dependencies when they changed, then runs the
// task in a child process, passes signals on to it and ends as it ends.
//
// It decides nothing about the tasks themselves: those are scripts/*.ts and the programs of packages and apps.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pnpmVersion = '12.21.0';
const nodeVersion = '24.21.0';
const setupDeadlineMs = 15 * 60_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, '.tools');
const fromSource = ['--conditions=@spacegrid/source', '--disable-warning=ExperimentalWarning'];

/** What each task runs, with the Node that is new enough. `before` runs first and must succeed. */
const tasks = {
  start: { before: ['scripts/build-page.ts'], program: [...fromSource, 'apps/demo/src/main.ts'] },
  test: { program: ['scripts/test.ts'] },
  bench: { program: [...fromSource, 'packages/bench/src/main.ts'] },
  build: { program: ['scripts/build.ts'] },
  check: { program: ['scripts/check.ts'] },
  new: { program: ['scripts/new.ts'] },
  'demo:import': { program: [...fromSource, 'apps/demo/src/import.ts'] },
};

/** An error whose message is all that a person needs: printed as one line, without a stack. */
class PlainError extends Error {}

let child;
let endedBy;
let lastSignalAt = 0;

/**
 * Starts a program and resolves with its exit code, or with 128 + the number of the signal that ended it. The child stays
 * in our process group, so that whoever kills the group kills it as well.
 */
function run(command, args, { env, quiet = false, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    let output = '';
    child = spawn(command, args, { cwd: root, env, shell, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    child.stdout?.on('data', (text) => (output += text));
    child.stderr?.on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      child = undefined;
      resolve({ code: code ?? 128 + (constants.signals[signal] ?? 0), output });
    });
  });
}

/**
 * A terminal or a supervisor often signals the whole process group, and npm forwards what it gets: the child may have the
 * signal already. So only the first of a burst is passed on; the programs take a repeated one within that time as one.
 */
function passOn(signal) {
  endedBy = signal;
  const now = Date.now();
  if (now - lastSignalAt < 1_000) return;
  lastSignalAt = now;
  child?.kill(signal);
}

function nodeIsNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

/** The environment without what npm adds for its scripts, which would steer pnpm; where packages come from is kept. */
function cleanEnvironment(extraPath) {
  const kept =
    /^npm_config_(registry|userconfig|globalconfig|cafile|ca|(https?[-_])?proxy|noproxy|strict[-_]ssl|@|\/\/)/i;
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/^npm_/i.test(name) && !kept.test(name)) continue;
    env[name] = value;
  }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathName] = [...extraPath, join(root, 'node_modules', '.bin'), env[pathName] ?? ''].join(delimiter);
  // pnpm finds its settings by itself; its update notes and turbo's telemetry are nobody's business here.
  return { ...env, NO_UPDATE_NOTIFIER: '1', TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
}

function neededTools() {
  const specs = [`pnpm@${pnpmVersion}`];
  if (Number(process.versions.node.split('.')[0]) < 18) {
    throw new PlainError(
      `Node ${process.versions.node} is too old even to fetch a newer one: install Node 18 or newer, best ${nodeVersion}.`,
    );
  }
  if (nodeIsNewEnough(process.versions.node)) return specs;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const known = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win-x64', 'win-arm64'];
  const name = `${platform}-${process.arch}`;
  if (!known.includes(name)) {
    throw new PlainError(
      `Node ${process.versions.node} is too old and there is none for ${name} to fetch: install Node ${nodeVersion} or newer.`,
    );
  }
  return [...specs, `node-${name}@${nodeVersion}`];
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const toolsStamp = join(tools, 'installed');
const dependenciesStamp = join(root, 'node_modules', '.spacegrid-installed');

/** Changes whenever an install is due: with the lockfile, any manifest, or the platform. */
function dependenciesHash() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  for (const folder of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, folder)).sort()) files.push(join(folder, name, 'package.json'));
  }
  for (const file of files) hash.update(`\0${file}\0${textOf(join(root, file)) ?? ''}`);
  return hash.digest('hex');
}

/** Why an install failed, as one line where the cause is known, from what the package manager printed. */
function installFailure(what, output) {
  const causes = [
    [
      /ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|network|dns error|error sending request/i,
      'the npm registry was not reached: check the network, or the registry in ~/.npmrc',
    ],
    [/ENOSPC|no space left/i, 'the disk is full'],
    [/EACCES|EPERM|EROFS|permission denied|read-only file system/i, 'a folder is not writable'],
  ];
  for (const [pattern, cause] of causes) {
    const line = output.split('\n').find((text) => pattern.test(text));
    if (line) return new PlainError(`Could not install ${what}: ${cause} (${line.trim()}).`);
  }
  return new PlainError(`${output.trim()}\nCould not install ${what}.`);
}

async function installTools(specs) {
  console.log(`Setting up in .tools/: ${specs.join(', ')}`);
  rmSync(toolsStamp, { force: true });
  const args = ['install', '--prefix', tools, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...specs];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  let result;
  try {
    result = await run(npm, args, { env: cleanEnvironment([]), quiet: true, shell: process.platform === 'win32' });
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new PlainError('npm was not found on the PATH: it comes with Node, install both.');
    throw error;
  }
  if (endedBy) return;
  if (result.code !== 0) throw installFailure(specs.join(', '), result.output);
  writeFileSync(toolsStamp, specs.join(' '));
}

async function installDependencies(env) {
  console.log('Installing dependencies');
  const hash = dependenciesHash();
  const args = ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false', '--reporter=append-only'];
  const result = await run('pnpm', args, { env, quiet: true, shell: process.platform === 'win32' });
  if (endedBy) return;
  if (/ERR_PNPM_OUTDATED_LOCKFILE/.test(result.output)) {
    throw new PlainError(
      'pnpm-lock.yaml does not match the package.json files: run `pnpm install` and commit the lockfile.',
    );
  }
  if (result.code !== 0) throw installFailure('the dependencies', result.output);
  writeFileSync(dependenciesStamp, hash);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Lets one process at a time set up. The lock is a file that holds its owner's process id and appears with it in one step
 * (a hard link); one whose owner has died is moved aside, and put back if it turns out to be somebody's new one.
 */
async function withSetupLock(work) {
  mkdirSync(tools, { recursive: true });
  const lock = join(tools, 'lock');
  const own = join(tools, `lock.${process.pid}`);
  const deadline = Date.now() + setupDeadlineMs;
  let told = false;
  writeFileSync(own, String(process.pid));
  try {
    for (;;) {
      try {
        linkSync(own, lock);
        break;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const owner = Number(textOf(lock));
      if (owner > 0 && !isAlive(owner)) {
        const aside = `${lock}.of-${owner}-${process.pid}`;
        try {
          renameSync(lock, aside);
          if (Number(textOf(aside)) === owner) unlinkSync(aside);
          else renameSync(aside, lock);
        } catch (error) {
          if (error.code !== 'ENOENT') throw error;
        }
        continue;
      }
      if (endedBy) return;
      if (Date.now() > deadline)
        throw new PlainError(`Process ${owner} is still setting up: if that hangs, end it and delete ${lock}.`);
      if (!told) console.log(`Waiting for process ${owner}, which is setting up as well`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    try {
      await work();
    } finally {
      unlinkSync(lock);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Installs what is missing and resolves with the environment and the Node that tasks run with. */
async function setUp() {
  const specs = neededTools();
  const modules = join(tools, 'node_modules');
  const due = () => {
    const installed = textOf(toolsStamp)?.split(' ') ?? [];
    return specs.some((spec) => !installed.includes(spec));
  };
  const settle = () => {
    const pnpm = existsSync(join(modules, '@pnpm'))
      ? readdirSync(join(modules, '@pnpm'))
          .filter((name) => name.startsWith('exe.'))
          .map((name) => join(modules, '@pnpm', name))
      : [];
    const own = specs.length > 1;
    const path = [...pnpm, join(modules, '.bin'), ...(own ? [] : [dirname(process.execPath)])];
    const platformNode = own ? join(modules, specs[1].slice(0, specs[1].lastIndexOf('@'))) : '';
    const node = own
      ? join(platformNode, process.platform === 'win32' ? 'bin/node.exe' : 'bin/node')
      : process.execPath;
    // NODE_VERSION is part of turbo's cache key, OUTER_NODE tells `npm run new` what people here run their apps with.
    const versions = {
      NODE_VERSION: own ? nodeVersion : process.versions.node,
      SPACEGRID_OUTER_NODE: process.versions.node,
    };
    return { env: { ...cleanEnvironment(path), ...versions }, node };
  };
  if (due() || textOf(dependenciesStamp) !== dependenciesHash()) {
    await withSetupLock(async () => {
      if (due()) await installTools(specs);
      if (!endedBy && textOf(dependenciesStamp) !== dependenciesHash()) await installDependencies(settle().env);
    });
  }
  return settle();
}

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined;
  if (!task)
    throw new PlainError(`${name ? `There is no task "${name}"` : 'Name a task'}: ${Object.keys(tasks).join(', ')}.`);
  const { env, node } = await setUp();
  for (const program of [...(task.before ? [task.before] : []), [...task.program, ...args]]) {
    if (endedBy) return 128 + constants.signals[endedBy];
    const file = program.find((part) => !part.startsWith('-'));
    if (!existsSync(join(root, file))) throw new PlainError(`"${name}" has no program yet: ${file} is missing.`);
    const { code } = await run(node, program, { env });
    if (code !== 0) return code;
  }
  return 0;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => passOn(signal));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof PlainError ? error.message : error);
  process.exitCode = endedBy ? 128 + constants.signals[endedBy] : 1;
}
