// The door to every command of this repository: `node scripts/run.mjs TASK [arguments]`, which is what `npm start`,
// `npm test` and the rest call. It runs on any Node from 18 on and needs nothing installed: it fetches pnpm, and a Node
// of its own when the running one is too old, into .tools/, installs the dependencies when they changed, then runs the
// task in a child process, passes signals on to it and ends as it ends.
//
// It decides nothing about the tasks themselves: those are scripts/*.ts and the programs of packages and apps. How it
// sets up is in scripts/door, plain JavaScript as well.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { endedCode, passOn, run } from './door/child.mjs';
import { root } from './door/folders.mjs';
import { PlainError } from './door/plain-error.mjs';
import { setUp } from './door/set-up.mjs';

const fromSource = ['--conditions=@spacegrid/source', '--disable-warning=ExperimentalWarning'];

/** What each task runs, with the Node that is new enough. `before` runs first and must succeed. */
const tasks = {
  start: { before: ['scripts/build-page.ts'], program: [...fromSource, 'apps/demo/src/main.ts'] },
  test: { program: ['scripts/test.ts'] },
  bench: { program: [...fromSource, 'packages/bench/src/main.ts'] },
  build: { program: ['scripts/build.ts'] },
  check: { program: ['scripts/check.ts'] },
  new: { program: ['scripts/new.ts'] },
  verify: { program: [...fromSource, 'apps/demo/src/verify.ts'] },
  'demo:import': { program: [...fromSource, 'apps/demo/src/import.ts'] },
};

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined;
  if (!task)
    throw new PlainError(`${name ? `There is no task "${name}"` : 'Name a task'}: ${Object.keys(tasks).join(', ')}.`);
  const { env, node } = await setUp();
  for (const program of [...(task.before ? [task.before] : []), [...task.program, ...args]]) {
    const ended = endedCode();
    if (ended) return ended;
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
  process.exitCode = endedCode() ?? 1;
}
