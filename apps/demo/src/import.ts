/** `npm run demo:import -- FILE.tsv --board NAME`: loads `player<TAB>points` lines, each counted once however often it is run. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { importScores } from './import/import-scores.ts';
import { openTarget } from './import/import-target.ts';
import { ProgressBar } from './import/progress-bar.ts';
import { digestOf, readFileBytes } from './import/score-file.ts';
import { BOARD_BYTES_MAX, nameProblem } from './names.ts';
import { nodeProblem } from './node-version.ts';
import { DEFAULT_DATA } from './settings.ts';

const USAGE = 'Usage: npm run demo:import -- FILE.tsv --board NAME   (a .gz file is unpacked)';
/** As a shell tells of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const oldNode = nodeProblem(process.versions.node);
if (oldNode !== undefined) fail(oldNode);
const { file, board } = readArguments();
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopped = true;
  });
}
try {
  process.exitCode = await run();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`\nThe import stopped: ${message}\nRun it again to go on where it stopped.\n`);
  process.exitCode = 1;
}

function readArguments(): { readonly file: string; readonly board: string } {
  let given: { readonly values: { readonly board?: string }; readonly positionals: readonly string[] };
  try {
    given = parseArgs({ allowPositionals: true, options: { board: { type: 'string' } } });
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
  const [name] = given.positionals;
  const { board: named } = given.values;
  if (name === undefined || given.positionals.length !== 1 || named === undefined) return fail(USAGE);
  const problem = nameProblem('board', named, BOARD_BYTES_MAX);
  if (problem !== undefined) return fail(`--board: ${problem}.`);
  // Where the user stands: npm runs scripts in the folder of the package.
  const path = resolve(process.env['INIT_CWD'] ?? process.cwd(), name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return fail(`There is no file ${path}.`);
  if (!found.isFile()) return fail(`${path} is not a file.`);
  return { file: path, board: named };
}

async function run(): Promise<number> {
  const { digest, bytes } = await digestOf(file);
  const target = await openTarget(process.env['SPACEGRID_DATA'] || DEFAULT_DATA, board);
  const bar = new ProgressBar(bytes);
  try {
    const { lines, before, bad, badCount, loaded } = await importScores(target, readFileBytes(file), digest, {
      stopped: () => stopped,
      begins: (counted) =>
        process.stderr.write(
          `into board "${board}" of ${target.name}${counted > 0 ? `, going on behind line ${counted}` : ''}\n`,
        ),
      progress: (read, counted) => bar.update(read, counted),
    });
    bar.end(lines, stopped);
    for (const { number, reason } of bad) process.stderr.write(`line ${number}: ${reason}\n`);
    if (badCount > bad.length) process.stderr.write(`… and ${badCount - bad.length} more bad lines\n`);
    const earlier = before > 0 ? ` (${before} lines of the file were counted before)` : '';
    process.stdout.write(`${loaded} lines loaded${earlier}, ${badCount} bad lines\n`);
    if (stopped) process.stderr.write(`Stopped behind line ${lines}: run it again to go on.\n`);
    return stopped ? INTERRUPTED : 0;
  } finally {
    await target.close();
  }
}
