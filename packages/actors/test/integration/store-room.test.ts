/** What goes on in a partition that is full, and in one whose backlog was at its limit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGrid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { isGridError } from '@spacegrid/core';
import { afterAll, expect, it } from 'vitest';
import { Shelf } from '../fixtures/store-room-actors.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'spacegrid-room-'));
const actors = new URL('../fixtures/store-room-actors.ts', import.meta.url);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('a backlog that is stored while the thread is busy holds no command back for ever', async () => {
  await using grid = await createGrid({
    actors,
    workers: 1,
    partitions: 1,
    backlog: '1mb',
    persistence: sqlite({ directory: join(directory, 'backlog') }),
  });
  const shelf = grid.actor(Shelf, 'a');
  const writes = Array.from({ length: 4 }, (_, index) => shelf.put(`${index}`, 400_000));
  // As many requests as are taken in one round: the slow one is in the next, which begins while the backlog is over its limit.
  const queries = Array.from({ length: 252 }, () => shelf.get());
  await Promise.all([...queries, shelf.slowly(700)]);
  expect(await within('the command', shelf.add())).toBe(1);
  await within('the writes', Promise.all(writes));
});

it('what the outbox took comes back when the store has it, though nobody calls any more', async () => {
  await using grid = await createGrid({
    actors,
    workers: 1,
    partitions: 1,
    persistence: sqlite({ directory: join(directory, 'outbox') }),
  });
  const shelf = grid.actor(Shelf, 'a');
  await shelf.add();
  const usedBytes = async (): Promise<number> => (await grid.stats()).partitions[0]?.usedBytes ?? 0;
  const before = await usedBytes();
  await Promise.all(Array.from({ length: 200 }, () => shelf.echo(20_000)));
  const kept = await until('the memory', usedBytes, (bytes) => bytes < before + 1_000_000);
  expect(kept).toBeLessThan(before + 1_000_000);
});

it('a message whose receiver finds no room for what it writes is sent again, and arrives when there is some', async () => {
  await using grid = await createGrid({ actors, workers: 1, partitions: 1, partitionBytes: '16mb' });
  const shelf = grid.actor(Shelf, 'a');
  for (let index = 0, error: unknown; error === undefined; index++)
    error = await shelf.put(`${index}`, 1_000_000).catch((refused: unknown) => refused);
  const refused = (await grid.stats()).workers[0]?.counters.errors ?? 0;
  await shelf.sendPut('b', 'late', 1_000_000);
  await until(
    'the message is refused',
    async () => (await grid.stats()).workers[0]?.counters.errors ?? 0,
    (errors) => errors > refused,
  );
  await shelf.take('0');
  await until(
    'the message',
    () => grid.actor(Shelf, 'b').has('late'),
    (has) => has,
    2000,
  );
});

it('a full partition goes on in its thread, forgets messages that have arrived, and refuses what has no room', async () => {
  await using grid = await createGrid({
    actors,
    workers: 1,
    partitions: 1,
    partitionBytes: '16mb',
    persistence: sqlite({ directory: join(directory, 'full') }),
  });
  const shelf = grid.actor(Shelf, 'a');
  // While there is room: later they only change.
  for (const key of ['a', 'receiver']) await grid.actor(Shelf, key).add();
  for (let size = 1_000_000; size > 50; size = Math.floor(size / 4)) {
    for (let index = 0; ; index++) {
      const error: unknown = await shelf.put(`${size}/${index}`, size).catch((refused: unknown) => refused);
      if (error === undefined) continue;
      expect(isGridError(error, 'CAPACITY')).toBe(true);
      break;
    }
  }
  // Room for some messages, which what the bursts add to the outbox takes again.
  await until(
    'room for what takes away',
    () => shelf.take('1000000/0').catch((error: unknown) => error),
    (error) => error === undefined,
  );
  let sent = 0;
  for (let round = 0; round < 3; round++) {
    const calls: Promise<unknown>[] = [];
    for (let index = 0; index < 40; index++) {
      const sending = grid.actor(Shelf, 'sender').send('receiver');
      calls.push(shelf.steps(400), shelf.echo(20_000), sending);
      calls.push(sending.then(() => sent++));
    }
    for (const outcome of await Promise.allSettled(calls))
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'CAPACITY' });
  }
  expect(sent).toBeGreaterThan(0);
  // Messages that had no room are sent again, ever more seldom, until the store has taken what the outbox keeps.
  const received = await until(
    'the messages',
    () => grid.actor(Shelf, 'receiver').get(),
    (n) => n > sent,
    15_000,
  );
  expect(received).toBe(1 + sent);
  // More than the whole partition holds, in one go: neither fails an assertion, which would end the thread.
  await expect(shelf.steps(400_000)).rejects.toMatchObject({ code: 'CAPACITY' });
  await Promise.allSettled([shelf.stepsInVain(400_000)]);
  expect((await grid.stats()).recoveries).toEqual([]);
});
