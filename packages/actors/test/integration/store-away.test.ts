/** What holds while the durability thread can't be started again, since another process has the store. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGrid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, expect, it } from 'vitest';
import { Desk } from '../fixtures/office-actors.ts';
import { until, within } from '../fixtures/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'spacegrid-away-'));
let holder: ChildProcess | undefined;

afterAll(() => {
  holder?.kill();
  rmSync(directory, { recursive: true, force: true });
});

it('a worker that dies while the store is away serves again when it is back', async () => {
  await using grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    // Some of them have no turn yet: their successor asks the store for them.
    partitions: 8,
    persistence: sqlite({ directory }),
  });
  const desk = grid.actor(Desk, 'kept');
  await desk.with({ ack: 'durable' }).add(1);
  const script = fileURLToPath(new URL('../fixtures/store-holder.ts', import.meta.url));
  holder = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, join(directory, 'journal.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  holder.stdout?.on('data', (text) => {
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
  const replaced = grid.terminateWorker(0);
  const unanswered = desk.with({ ack: 'durable' }).add(1);
  await until(
    'the worker to be started',
    async () => (await grid.stats()).workers[0]?.incarnation,
    (incarnation) => incarnation === 2,
  );
  holder.stdin?.end();
  await within('the store', back, 10_000);
  expect(await within('the answer', unanswered, 10_000)).toBe(2);
  expect((await within('the worker', replaced, 10_000)).recoveredAfterMs).toBeGreaterThan(0);
  expect((await grid.health()).status).toBe('ready');
});
