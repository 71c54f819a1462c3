// Brings a checkout to where tasks can run: decides which tools are needed, has them and the dependencies installed.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { endedCode } from './child.mjs';
import { cleanEnvironment } from './environment.mjs';
import { tools } from './folders.mjs';
import { dependenciesAreDue, installDependencies, installTools, toolsAreDue } from './installs.mjs';
import { PlainError } from './plain-error.mjs';
import { withSetupLock } from './set-up-lock.mjs';

const pnpmVersion = '12.21.0';
const nodeVersion = '24.21.0';

function nodeIsNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
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

/** Installs what is missing and resolves with the environment and the Node that tasks run with. */
export async function setUp() {
  const specs = neededTools();
  const modules = join(tools, 'node_modules');
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
  if (toolsAreDue(specs) || dependenciesAreDue()) {
    await withSetupLock(async () => {
      if (toolsAreDue(specs)) await installTools(specs);
      if (!endedCode() && dependenciesAreDue()) await installDependencies(settle().env);
    });
  }
  return settle();
}
