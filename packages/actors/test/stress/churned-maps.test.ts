/**
 * Two threads peek at full speed while a third lets entries expire, evicts, replaces and deletes them, and is ended now and then.
 * Each peek notes an access in an entry's record, whose block may be another's by then.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createGrid } from '@spacegrid/actors';
import { expect, it } from 'vitest';
import { Churn } from '../fixtures/churn-actors.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

const BATCHES = 200;
const KEYS = ['a', 'b'];

interface Seen {
  readonly reads: number;
  readonly whole: number;
  readonly torn: number;
}

it('shows whole entries only, and never more than fit, whatever readers note meanwhile', async () => {
  await using grid = await createGrid({
    actors: new URL('../fixtures/churn-actors.ts', import.meta.url),
    workers: 1,
    partitions: 2,
  });
  const readers = [0, 1].map(() => {
    const handle = grid.handle();
    return new Worker(new URL('../fixtures/churn-reader-thread.ts', import.meta.url), {
      workerData: { handle, keys: KEYS },
      transferList: [...handle.transferList],
    });
  });
  await within('both readers attach', Promise.all(readers.map((reader) => once(reader, 'message'))), 20_000);
  for (let batch = 0; batch < BATCHES; batch++) {
    await Promise.all(
      KEYS.map((key) =>
        grid.actor(Churn, key).write(Array.from({ length: 200 }, () => Math.floor(Math.random() * 1e6))),
      ),
    );
    for (const key of KEYS) expect(grid.actor(Churn, key).peek.size()).toBeLessThanOrEqual(300);
    if (batch % 60 === 59) await grid.terminateWorker(0);
  }
  const seen = await within(
    'both readers tell what they saw',
    Promise.all(
      readers.map(async (reader) => {
        const told = once(reader, 'message') as Promise<[Seen]>;
        reader.postMessage('stop');
        return (await told)[0];
      }),
    ),
    20_000,
  );
  await Promise.all(readers.map((reader) => reader.terminate()));
  for (const { whole, torn } of seen) {
    expect(torn).toBe(0);
    expect(whole).toBeGreaterThan(100);
  }
  for (const key of KEYS) {
    await until(
      'all have ended',
      () => grid.actor(Churn, key).peek.size(),
      (size) => size === 0,
      20_000,
    );
  }
  const [{ evictionsLru, expirations } = { evictionsLru: 0, expirations: 0 }] = (await grid.stats()).workers.map(
    ({ counters }) => counters,
  );
  expect(evictionsLru).toBeGreaterThan(100);
  expect(expirations).toBeGreaterThan(100);
}, 60_000);
