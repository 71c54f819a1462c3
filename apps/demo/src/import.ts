/** `npm run demo:import -- FILE.tsv --board NAME`: loads `player<TAB>points` lines, each counted once however often it is run. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { openTarget } from './import/import-target.ts';
import { ProgressBar } from './import/progress-bar.ts';
import { type BadLine, readChunks } from './import/score-lines.ts';
import { DEFAULT_DATA } from './settings.ts';

const BAD_SHOWN_MAX = 20;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const usage = 'npm run demo:import -- FILE.tsv --board NAME   (a .gz file is unpacked)';
const { values, positionals } = parse();
const [given] = positionals;
if (given === undefined || positionals.length !== 1 || values.board === undefined || values.board === '')
  fail(`Usage: ${usage}`);
const board = values.board;
const file = resolve(process.env['INIT_CWD'] ?? process.cwd(), given);
try {
  if (!statSync(file).isFile()) fail(`${file} is not a file.`);
} catch {
  fail(`${file} can't be read.`);
}

let unpacked: string | undefined;
process.exitCode = await run(file).catch((error: unknown) => {
  process.stderr.write(
    `\nThe import stopped: ${error instanceof Error ? error.message : String(error)}\nRun it again to go on where it stopped.\n`,
  );
  return 1;
});
if (unpacked !== undefined) rmSync(unpacked, { recursive: true, force: true });

function parse() {
  try {
    return parseArgs({ allowPositionals: true, options: { board: { type: 'string' } } });
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}`);
  }
}

async function run(source: string): Promise<number> {
  const tsv = source.endsWith('.gz') ? await unpack(source) : source;
  const digest = await digestOf(tsv);
  const dataDirectory = process.env['SPACEGRID_DATA'] || DEFAULT_DATA;
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const target = await openTarget(dataDirectory, board);
  let stopped = false;
  process.on('SIGINT', () => {
    stopped = true;
  });
  const counted = await target.counted(digest);
  process.stderr.write(
    `into board "${board}" of ${target.name}${counted > 0 ? `, going on behind line ${counted}` : ''}\n`,
  );
  const bad: BadLine[] = [];
  let badCount = 0;
  const bar = new ProgressBar(statSync(tsv).size);
  const underWay: Promise<number>[] = [];
  let lines = 0;
  let skipped = 0;
  const chunks = readChunks(tsv, target.linesMax, target.bytesMax, (line) => {
    badCount++;
    if (bad.length < BAD_SHOWN_MAX) bad.push(line);
  });
  for await (const { from, players, points, bytes } of chunks) {
    if (stopped) break;
    lines = from + players.length;
    if (lines <= counted) {
      skipped = lines;
      continue;
    }
    underWay.push(target.add(digest, from, players, points));
    // In order: each call waits in its ring behind the one before.
    if (underWay.length >= target.window) await underWay.shift();
    bar.update(bytes, lines);
  }
  await Promise.all(underWay);
  if (!stopped) bar.end(lines);
  await target.close();
  for (const { number, reason } of bad) process.stderr.write(`line ${number}: ${reason}\n`);
  if (badCount > bad.length) process.stderr.write(`… and ${badCount - bad.length} more bad lines\n`);
  if (stopped) {
    process.stderr.write(`stopped: run it again to go on\n`);
    return 130;
  }
  process.stdout.write(
    `${lines - badCount} lines loaded${skipped > 0 ? ` (${skipped} of the file were counted before)` : ''}, ${badCount} bad lines\n`,
  );
  return 0;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function unpack(source: string): Promise<string> {
  unpacked = mkdtempSync(join(tmpdir(), 'spacegrid-import-'));
  const target = join(unpacked, 'lines.tsv');
  await pipeline(createReadStream(source), createGunzip(), createWriteStream(target));
  return target;
}
