/** `npm start`: the leaderboard, served until SIGINT or SIGTERM. */
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Grid } from '@spacegrid/actors';
import { Boards } from './grid/boards.ts';
import { openGrid } from './grid/open-grid.ts';
import { startProblem } from './grid/start-problem.ts';
import { Sampler } from './grid/sampler.ts';
import { type RunningServer, startServer } from './http/server.ts';
import { LoadController } from './load/load-controller.ts';
import { nodeProblem } from './node-version.ts';
import { ADDRESS_FILE } from './running-address.ts';
import { readSettings, type Settings } from './settings.ts';

const STOP_MS_MAX = 4800;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

async function open(settings: Settings): Promise<Grid> {
  try {
    return await openGrid(settings.dataDirectory);
  } catch (error) {
    if (settings.verbose) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return fail(startProblem(error, settings.dataDirectory));
  }
}

const problem = nodeProblem(process.versions.node);
if (problem !== undefined) fail(problem);

let settings: Settings;
try {
  settings = readSettings(process.env, process.argv.slice(2));
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
const { host, dataDirectory, verbose } = settings;

let stopping = false;
let stop: () => Promise<void> = () => Promise.resolve(process.exit(0));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Ctrl-C reaches the whole group, and is forwarded besides: the second one is the same.
    if (stopping) return;
    stopping = true;
    stopOrFail();
  });
}

function stopOrFail(): void {
  stop().catch((error: unknown) => fail(`The grid did not stop well: ${String(error)}`));
}

const grid = await open(settings);
const boards = new Boards(grid);
await boards.tidy();
const load = new LoadController(grid, boards);
const sampler = new Sampler(grid, load);
const report = (error: unknown): void => {
  process.stderr.write(`${error instanceof Error ? (verbose ? error.stack : error.message) : String(error)}\n`);
};

const run = randomUUID();
let server: RunningServer;
try {
  server = await startServer({ grid, boards, sampler, load, host, port: settings.port, run, report });
} catch (error) {
  await grid.close();
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'EADDRINUSE') fail(`Port ${settings.port} is taken: set PORT to another.`);
  if (code === 'EACCES') fail(`Port ${settings.port} may not be opened by this user: set PORT to one above 1023.`);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') fail(`HOST ${host} is no address of this machine.`);
  fail(`The server did not start: ${String(error)}`);
}

const address = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`;
const addressFile = join(dataDirectory, ADDRESS_FILE);
writeFileSync(addressFile, JSON.stringify({ address, run }), { mode: 0o600 });
process.stdout.write(`SpaceGrid leaderboard: ${address}\n`);
if (verbose) process.stdout.write(`data in ${dataDirectory}\n`);

stop = async () => {
  const late = setTimeout(
    () => fail('Stopping took too long: what was acknowledged as durable is on disk.'),
    STOP_MS_MAX,
  );
  rmSync(addressFile, { force: true });
  sampler.stop();
  await Promise.all([server.close(), load.stop()]);
  await grid.close();
  clearTimeout(late);
  process.exit(0);
};
if (stopping) stopOrFail();
