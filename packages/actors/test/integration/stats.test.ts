/** What a grid tells about itself while it runs: how much waits, and what of it is not on disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGrid, type Grid, type PartitionStats } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Desk } from '../fixtures/office-actors.ts';
import { until } from '../../../../test/fixtures/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'spacegrid-stats-'));
let grid: Grid;

beforeAll(async () => {
  grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 1,
    // Nothing is flushed within a test unless it asks for it.
    persistence: sqlite({ directory, flushInterval: '60s' }),
  });
});

afterAll(async () => {
  await grid.close();
  rmSync(directory, { recursive: true, force: true });
});

const partition = async (): Promise<PartitionStats> => (await grid.stats()).partitions[0] as PartitionStats;

it('counts the requests that a worker has not answered', async () => {
  const depth = async (): Promise<number> => (await grid.stats()).workers[0]?.depth ?? -1;
  expect(await depth()).toBe(0);
  const waiting = grid.actor(Desk, 'room:1').waitOnly('door');
  const behind = grid.actor(Desk, 'room:1').add(1);
  await until('two requests wait', depth, (value) => value === 2);
  expect((await grid.stats()).workers[0]?.depthBytes).toBeGreaterThan(0);
  await grid.actor(Desk, 'room:2').open('door');
  await Promise.all([waiting, behind]);
  await until('none waits', depth, (value) => value === 0);
});

it('counts the bytes that are not on disk, also those that a dead thread has left', async () => {
  const desk = grid.actor(Desk, 'stored');
  // So that what was written ever differs from what is not on disk.
  for (let round = 0; round < 100; round++) await desk.label('x'.repeat(100));
  await grid.flush();
  expect((await partition()).unpersistedBytes).toBe(0);
  // Up to 64 KiB more is counted until the worker has seen the watermark: then it is tried again.
  const one = await until(
    'one label is not on disk',
    async () => {
      await grid.flush();
      await desk.label('y'.repeat(100));
      return partition();
    },
    ({ unpersistedBytes }) => unpersistedBytes > 0 && unpersistedBytes < 1000,
  );
  expect(one.sequence - one.durableSequence).toBe(1);
  expect((await grid.stats()).durability?.unpersistedBytes).toBe(one.unpersistedBytes);
  await grid.terminateWorker(0);
  await desk.label('z'.repeat(100));
  const two = await until(
    'twice as much is not on disk',
    partition,
    ({ unpersistedBytes }) => unpersistedBytes > one.unpersistedBytes,
  );
  expect(two.unpersistedBytes).toBe(2 * one.unpersistedBytes);
  await grid.flush();
  expect((await partition()).unpersistedBytes).toBe(0);
});
