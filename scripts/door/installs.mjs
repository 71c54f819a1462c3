// What gets installed: the tools into .tools/, the dependencies by pnpm; and when either is due.
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endedCode, run } from './child.mjs';
import { cleanEnvironment } from './environment.mjs';
import { textOf } from './file-text.mjs';
import { root, tools } from './folders.mjs';
import { PlainError } from './plain-error.mjs';

const toolsStamp = join(tools, 'installed');
const dependenciesStamp = join(root, 'node_modules', '.spacegrid-installed');

/** Whether one of these tools is not installed in this version. */
export function toolsAreDue(specs) {
  const installed = textOf(toolsStamp)?.split(' ') ?? [];
  return specs.some((spec) => !installed.includes(spec));
}

/** Whether the dependencies were installed from other files than these, or never. */
export function dependenciesAreDue() {
  return textOf(dependenciesStamp) !== dependenciesHash();
}

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

export async function installTools(specs) {
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
  if (endedCode()) return;
  if (result.code !== 0) throw installFailure(specs.join(', '), result.output);
  writeFileSync(toolsStamp, specs.join(' '));
}

export async function installDependencies(env) {
  console.log('Installing dependencies');
  const hash = dependenciesHash();
  const args = ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false', '--reporter=append-only'];
  const result = await run('pnpm', args, { env, quiet: true, shell: process.platform === 'win32' });
  if (endedCode()) return;
  if (/ERR_PNPM_OUTDATED_LOCKFILE/.test(result.output)) {
    throw new PlainError(
      'pnpm-lock.yaml does not match the package.json files: run `pnpm install` and commit the lockfile.',
    );
  }
  if (result.code !== 0) throw installFailure('the dependencies', result.output);
  writeFileSync(dependenciesStamp, hash);
}
