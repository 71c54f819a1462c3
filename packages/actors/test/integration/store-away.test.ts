/** What holds while the durability thread can't be started again, since another process has the store. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGrid, type Grid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, expect, it } from 'vitest';
import { Desk } from '../fixtures/office-actors.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'spacegrid-away-'));
let holder: ChildProcess | undefined;

/** Another process takes the store as soon as this one's thread lets go of it. Resolves with what gives it back. */
async function takeStoreAway(grid: Grid, store: string): Promise<{ giveBack(): Promise<void> }> {
  const script = fileURLToPath(new URL('../fixtures/store-holder.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, join(store, 'journal.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  holder = child;
  let said = '';
  child.stdout.on('data', (text) => {
    said += String(text);
  });
  const says = (word: string): Promise<string> =>
    until(
      `the other process to say ${word}`,
      () => said,
      (text) => text.includes(word),
    );
  await says('waits');
  const back = grid.terminateDurability();
  await says('held');
  return {
    async giveBack() {
      child.stdin.end();
      await within('the store', back, 10_000);
    },
  };
}

afterAll(() => {
  holder?.kill();
  rmSync(directory, { recursive: true, force: true });
});

it('a worker that dies while the store is away serves again when it is back', async () => {
  const store = join(directory, 'serves');
  await using grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    // Some of them have no turn yet: their successor asks the store for them.
    partitions: 8,
    persistence: sqlite({ directory: store }),
  });
  const desk = grid.actor(Desk, 'kept');
  await desk.with({ ack: 'durable' }).add(1);
  const { giveBack } = await takeStoreAway(grid, store);
  const replaced = grid.terminateWorker(0);
  const unanswered = desk.with({ ack: 'durable' }).add(1);
  await until(
    'the worker to be started',
    async () => (await grid.stats()).workers[0]?.incarnation,
    (incarnation) => incarnation === 2,
  );
  await giveBack();
  expect(await within('the answer', unanswered, 10_000)).toBe(2);
  expect((await within('the worker', replaced, 10_000)).recoveredAfterMs).toBeGreaterThan(0);
  expect((await grid.health()).status).toBe('ready');
});

it('a message of a turn that is not durable yet does not leave because its thread died', async () => {
  const store = join(directory, 'leaves');
  await using grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 1,
    persistence: sqlite({ directory: store }),
  });
  const desk = grid.actor(Desk, 'sends');
  await desk.with({ ack: 'durable' }).add(10);
  const { giveBack } = await takeStoreAway(grid, store);
  const sent = desk.with({ ack: 'durable' }).notify('told', 4);
  await until(
    'the turn',
    () => desk.get(),
    (n) => n === 6,
  );
  await within('the worker', grid.terminateWorker(0), 10_000);
  // Each call is answered in a later round than what the successor sends at once.
  for (let round = 0; round < 20; round++) expect(await grid.actor(Desk, 'told').get()).toBe(0);
  await giveBack();
  await within('the answer', sent, 10_000);
  expect(
    await until(
      'the message',
      () => grid.actor(Desk, 'told').get(),
      (n) => n > 0,
    ),
  ).toBe(4);
});

it('a durability thread that can not start, and lives on, does not keep the store from the next', async () => {
  const { options, ...persistence } = sqlite({ directory: join(directory, 'reluctant') });
  const refusals = new SharedArrayBuffer(4);
  await using grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 1,
    persistence: {
      ...persistence,
      threadUrl: new URL('../../../persistence/test/fixtures/reluctant-thread.ts', import.meta.url),
      options: { ...(options as object), refusals },
    },
  });
  const desk = grid.actor(Desk, 'reluctant').with({ ack: 'durable' });
  expect(await desk.add(1)).toBe(1);
  Atomics.store(new Int32Array(refusals), 0, 2);
  await within('a successor that starts', grid.terminateDurability());
  expect(await within('the answer', desk.add(1))).toBe(2);
});
