/**
 * Partition threads and the durability thread are ended while actors leave memory and come back under load: memory holds a third of
 * them, so that every other call loads one. What was acknowledged is there, once and in order; no actor is ever seen with half of
 * what it has. Then the process is killed instead, and a start finds what was acknowledged as durable.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGrid, type Grid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Box } from '../fixtures/archive-actors.ts';
import { BOXES, ENTRIES, fillAll, openArchive } from '../fixtures/archive-grid.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

const root = mkdtempSync(join(tmpdir(), 'spacegrid-unloading-killed-'));

afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Seen {
  readonly ticks: number[];
  readonly failures: string[];
}

/** Ticks boxes at random and looks whether each is whole, until `isOver`. */
async function load(grid: Grid, seen: Seen, isOver: () => boolean): Promise<void> {
  const one = async (at: number): Promise<void> => {
    const box = grid.actor(Box, `box-${at}`);
    const before = await box.tick();
    const expected = ENTRIES + (seen.ticks[at] as number);
    if (before !== expected) seen.failures.push(`box-${at} answered ${before}, expected ${expected}`);
    seen.ticks[at] = (seen.ticks[at] as number) + 1;
    const { members, size } = await box.all();
    if (members !== ENTRIES || size !== ENTRIES) seen.failures.push(`box-${at} had ${members} members, ${size} items`);
  };
  // One at a time for each box, so that answers come in order; several boxes side by side.
  const runner = async (lane: number, lanes: number): Promise<void> => {
    for (let round = 0; !isOver() && seen.failures.length === 0; round++) {
      const at = lane + lanes * Math.floor(Math.random() * Math.ceil((BOXES - lane) / lanes));
      await one(at).catch((error: unknown) => seen.failures.push(`box-${at}: ${String(error)}`));
    }
  };
  await Promise.all(Array.from({ length: 6 }, (_, lane) => runner(lane, 6)));
}

describe('threads ended while actors leave memory and come back', () => {
  it('lose nothing, double nothing, and leave no actor half', { timeout: 60_000 }, async () => {
    const grid = await openArchive(join(root, 'threads'));
    onTestFinished(() => grid.close());
    await fillAll(grid);
    const seen: Seen = { ticks: new Array<number>(BOXES).fill(0), failures: [] };
    let isOver = false;
    const loading = load(grid, seen, () => isOver);
    const done = (): number => seen.ticks.reduce((sum, count) => sum + count, 0);
    for (let death = 0; death < 8 && seen.failures.length === 0; death++) {
      const before = done();
      await until('calls are answered', done, (count) => count >= before + 15 || seen.failures.length > 0, 20_000);
      if (death % 4 === 3) await within('another durability thread', grid.terminateDurability(), 10_000);
      else await within('a successor', grid.terminateWorker(0), 10_000);
    }
    isOver = true;
    await within('the load has ended', loading, 30_000);
    expect(seen.failures).toEqual([]);
    const { workers } = await grid.stats();
    expect(workers[0]?.counters.loads).toBeGreaterThan(0);
    for (const [at, ticks] of seen.ticks.entries())
      expect(await grid.actor(Box, `box-${at}`).count()).toBe(ENTRIES + ticks);
  });
});

describe('a process killed while actors leave memory and come back', () => {
  it('has stored what it acknowledged as durable, and nothing half', { timeout: 60_000 }, async () => {
    const directory = join(root, 'process');
    const ticks = new Array<number>(BOXES).fill(0);
    for (let round = 0; round < 2; round++) {
      const child = fork(fileURLToPath(new URL('../fixtures/archive-process.ts', import.meta.url)), [directory]);
      onTestFinished(() => void child.kill('SIGKILL'));
      const start = ticks.reduce((sum, count) => sum + count, 0);
      await within(
        'acknowledged calls of the process',
        new Promise<void>((resolve, reject) => {
          let count = 0;
          child.on('message', (at: number) => {
            ticks[at] = (ticks[at] as number) + 1;
            if (++count === 50) resolve();
          });
          child.once('exit', (code, signal) => reject(new Error(`the process ended: ${signal ?? code}`)));
        }),
        30_000,
      );
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      expect(ticks.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(start);
    }
    const grid = await createGrid({
      actors: new URL('../fixtures/archive-actors.ts', import.meta.url),
      workers: 1,
      partitions: 1,
      persistence: sqlite({ directory }),
    });
    onTestFinished(() => grid.close());
    for (const [at, acknowledged] of ticks.entries()) {
      const { count, members, size } = await grid.actor(Box, `box-${at}`).all();
      expect({ members, size }).toEqual({ members: ENTRIES, size: ENTRIES });
      // What was under way when it was killed may be there as well: one call of each of 2 rounds.
      expect(count - ENTRIES).toBeGreaterThanOrEqual(acknowledged);
      expect(count - ENTRIES).toBeLessThanOrEqual(acknowledged + 2);
    }
  });
});
