/** What people meet when they start a grid in a way that can't work, and one that looks so and can. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createGrid } from '@spacegrid/actors';
import { expect, it } from 'vitest';
import { Desk } from '../fixtures/office-actors.ts';

const run = promisify(execFile);
const program = (file: URL): string[] => [process.execPath, '--conditions=@spacegrid/source', fileURLToPath(file)];

it('a program that defines its actors beside createGrid is told so', async () => {
  const [node, ...rest] = program(new URL('../fixtures/one-file-program.ts', import.meta.url));
  const { stdout } = await run(node as string, rest, { timeout: 15_000 });
  expect(stdout.trim()).toBe('CREATE_IN_WORKER');
});

it.runIf(process.platform === 'linux')('a process without address space for the partitions is told so', async () => {
  const script = 'ulimit -v 60000000; exec "$@"';
  const start = program(new URL('../fixtures/start-program.ts', import.meta.url));
  const { stdout } = await run('sh', ['-c', script, 'sh', ...start], { timeout: 15_000 });
  expect(stdout.trim()).toBe('START_FAILED');
});

it('two grids start in one thread at the same time', async () => {
  const actors = new URL('../fixtures/office-actors.ts', import.meta.url);
  const grids = await Promise.all([1, 2].map(() => createGrid({ actors, workers: 1, partitions: 1 })));
  const sums = await Promise.all(grids.map((grid, index) => grid.actor(Desk, 'one').add(index + 1)));
  expect(sums).toEqual([1, 2]);
  await Promise.all(grids.map((grid) => grid.close()));
});
