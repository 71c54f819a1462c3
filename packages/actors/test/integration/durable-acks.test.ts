/** Acknowledgements that wait for the disk: receipts, gated queries, and the death of the thread that holds the gate. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGrid, type Grid, type Receipt } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desk } from '../fixtures/office-actors.ts';
import { rejection, within } from '../../../../test/fixtures/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'spacegrid-acks-'));
let grid: Grid;

/** Nothing is flushed within a test unless somebody waits for it. */
const open = (): Promise<Grid> =>
  createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 4,
    persistence: sqlite({ directory, flushInterval: '60s' }),
  });

const watermarkOf = async ({ partition }: Receipt): Promise<number> =>
  (await grid.stats()).partitions[partition]?.durableSequence ?? -1;

beforeAll(async () => {
  grid = await open();
});

afterAll(async () => {
  await grid.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('a receipt', () => {
  it('names the turn that answered, whose level can be awaited later', async () => {
    const desk = grid.actor(Desk, 'receipt');
    const { value, receipt } = await desk.with({ receipt: true }).add(2);
    expect(value).toBe(2);
    expect(await watermarkOf(receipt)).toBeLessThan(receipt.sequence);
    await grid.reached(receipt, 'memory');
    await within('the disk', grid.reached(receipt, 'durable'), 3000);
    expect(await watermarkOf(receipt)).toBeGreaterThanOrEqual(receipt.sequence);
    expect(structuredClone(receipt)).toEqual(receipt);
  });

  it('of a query names the last turn that it saw', async () => {
    const desk = grid.actor(Desk, 'receipt of a query');
    const command = await desk.with({ receipt: true }).add(1);
    const query = await desk.with({ receipt: true }).get();
    expect(query).toEqual({ value: 1, receipt: command.receipt });
  });

  it('can be given up, and what is none is refused', async () => {
    const { receipt } = await grid.actor(Desk, 'given up').with({ receipt: true }).add(1);
    const aborted = await rejection(grid.reached(receipt, 'durable', { signal: AbortSignal.abort() }));
    expect(isGridError(aborted, 'ABORTED')).toBe(true);
    const level = await rejection(grid.reached(receipt, 'replicated'));
    expect(isGridError(level, 'INVALID_OPTION')).toBe(true);
    const none = await rejection(grid.reached({ ...receipt, partition: 4 }, 'durable'));
    expect(isGridError(none, 'INVALID_ARGUMENT')).toBe(true);
    const future = await rejection(grid.reached({ ...receipt, sequence: receipt.sequence + 1000 }, 'durable'));
    expect(isGridError(future, 'OUTCOME_UNKNOWN')).toBe(true);
  });

  it('from before a restart of the grid is not believed', async () => {
    const { receipt } = await grid.actor(Desk, 'old').with({ receipt: true }).add(1);
    await grid.close();
    grid = await open();
    const error = await rejection(grid.reached(receipt, 'durable'));
    expect(isGridError(error, 'OUTCOME_UNKNOWN')).toBe(true);
    expect(grid.actor(Desk, 'old').peek.get()).toBe(1);
  });
});

describe('an answer that waits for the disk', () => {
  it('comes also when an asynchronous command ends while its thread sleeps', async () => {
    const desk = grid.actor(Desk, 'asleep');
    expect(await within('the answer', desk.with({ ack: 'durable' }).stepAfter(50), 3000)).toBe(1);
  });

  it('is given by a successor when its thread dies, commands, queries and retries alike', async () => {
    const desk = grid.actor(Desk, 'gated');
    const durable = desk.with({ ack: 'durable' });
    await desk.with({ once: 'first' }).add(1);
    for (let round = 0; round < 5; round++) {
      const answers = Promise.all([
        ...Array.from({ length: 40 }, () => desk.add(1)),
        ...Array.from({ length: 40 }, () => durable.add(1)),
        ...Array.from({ length: 40 }, () => durable.get()),
        ...Array.from({ length: 40 }, () => desk.with({ ack: 'durable', once: 'first' }).add(1)),
      ]);
      await grid.terminateWorker(0);
      const values = await within('all answers', answers, 10_000);
      expect(values.slice(120)).toEqual(Array.from({ length: 40 }, () => 1));
    }
    expect(await desk.get()).toBe(1 + 5 * 80);
  });
});
