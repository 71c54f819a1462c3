/**
 * Partition threads are ended under load, 50 times, without persistence. Everything acknowledged is there, once; what
 * ended in OutcomeUnknownError is there at most once, and that only happens to commands with steps.
 */
import { createGrid, type Grid } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bank, Counter } from '../fixtures/bank-actors.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

const ROUNDS = 50;
const WORKERS = 2;
const COUNTERS = 8;
const BANKS = 4;
const MEMBERS = 40;

let grid: Grid;

beforeAll(async () => {
  grid = await createGrid({
    actors: new URL('../fixtures/bank-actors.ts', import.meta.url),
    workers: WORKERS,
    partitions: 8,
    callTimeout: 15_000,
  });
});

afterAll(async () => {
  await grid.close();
});

describe('partition threads terminated under load', () => {
  it('lose nothing acknowledged, double nothing, and never show half a turn', { timeout: 60_000 }, async () => {
    let running = true;
    const failures: string[] = [];
    const acknowledged = new Array<number>(COUNTERS).fill(0);
    const stepsMin = new Array<number>(COUNTERS).fill(0);
    const stepsMax = new Array<number>(COUNTERS).fill(0);
    let audits = 0;
    let unknown = 0;
    const totals = new Array<number>(BANKS).fill(0);
    const seen = Array.from({ length: COUNTERS }, () => new Set<number>());

    const load = async (): Promise<void> => {
      while (running && failures.length === 0) {
        await Promise.all(
          Array.from({ length: 200 }, async (_, index) => {
            const at = index % COUNTERS;
            try {
              const value = await grid.actor(Counter, `counter-${at}`).add(1);
              acknowledged[at] = (acknowledged[at] as number) + 1;
              if (seen[at]?.has(value)) failures.push(`counter-${at} answered ${value} twice`);
              seen[at]?.add(value);
            } catch (error) {
              failures.push(`add: ${String(error)}`);
            }
          }),
        );
      }
    };
    const stepLoad = async (at: number): Promise<void> => {
      while (running && failures.length === 0) {
        try {
          await grid.actor(Counter, `steps-${at}`).twice();
          stepsMin[at] = (stepsMin[at] as number) + 2;
          stepsMax[at] = (stepsMax[at] as number) + 2;
        } catch (error) {
          if (!isGridError(error, 'OUTCOME_UNKNOWN')) {
            failures.push(`twice: ${String(error)}`);
            continue;
          }
          unknown++;
          const committed = (error.details as { stepsCommitted?: number }).stepsCommitted;
          if (committed === undefined) failures.push(`steps unknown: ${error.message}`);
          stepsMin[at] = (stepsMin[at] as number) + (committed ?? 0);
          stepsMax[at] = (stepsMax[at] as number) + (committed ?? 2);
        }
      }
    };
    const bankLoad = async (at: number): Promise<void> => {
      const bank = grid.actor(Bank, `bank-${at}`);
      for (let round = 0; running && failures.length === 0; round++) {
        try {
          const member = `m${round % MEMBERS}`;
          await Promise.all([
            bank.deposit(member, 3),
            bank.transfer(member, `m${(round * 7) % MEMBERS}`, 2),
            bank.deposit(`m${(round * 3) % MEMBERS}`, 1),
            bank.refuse(member).catch((error: unknown) => {
              if (!(error instanceof RangeError)) throw error;
            }),
          ]);
          totals[at] = (totals[at] as number) + 4;
          if (round % 11 === 0) totals[at] = totals[at] - (await bank.leave(member));
        } catch (error) {
          failures.push(`bank: ${String(error)}`);
        }
      }
    };
    const audit = async (at: number): Promise<void> => {
      const bank = grid.actor(Bank, `bank-${at}`);
      while (running && failures.length === 0) {
        const { total, ranked, mapped, members, entries } = await bank.audit();
        audits++;
        if (total !== ranked || total !== mapped || members !== entries)
          failures.push(`bank-${at}: ${JSON.stringify({ total, ranked, mapped, members, entries })}`);
        bank.peek.total();
      }
    };
    const watch = grid.actor(Bank, 'bank-0').watch.total();
    let watched = 0;
    const watching = (async () => {
      for await (const { value } of watch) {
        watched++;
        if (!Number.isFinite(value)) failures.push(`watched ${value}`);
      }
    })();

    const work = [
      load(),
      ...Array.from({ length: 3 }, (_, at) => stepLoad(at)),
      ...Array.from({ length: BANKS }, (_, at) => bankLoad(at)),
      ...Array.from({ length: BANKS }, (_, at) => audit(at)),
    ];
    for (let round = 0; round < ROUNDS && failures.length === 0; round++) {
      const before = acknowledged.reduce((sum, n) => sum + n, 0);
      const event = await grid.terminateWorker(round % WORKERS);
      if (event.recoveredAfterMs < 0) failures.push(`worker not recovered: ${event.cause}`);
      // Under load again before the next: some hundred commands were answered.
      await until(
        `load after round ${round}`,
        () => acknowledged.reduce((sum, n) => sum + n, 0),
        (sum) => sum > before + 100 || failures.length > 0,
      );
    }
    running = false;
    await within(`the load ends; failures: ${failures.slice(0, 5).join('; ')}`, Promise.all(work), 16_000);

    expect(failures.slice(0, 10)).toEqual([]);
    for (let at = 0; at < COUNTERS; at++) {
      expect(await grid.actor(Counter, `counter-${at}`).get()).toBe(acknowledged[at]);
      expect(grid.actor(Counter, `counter-${at}`).peek.get()).toBe(acknowledged[at]);
    }
    for (let at = 0; at < 3; at++) {
      const n = await grid.actor(Counter, `steps-${at}`).get();
      expect(n).toBeGreaterThanOrEqual(stepsMin[at] as number);
      expect(n).toBeLessThanOrEqual(stepsMax[at] as number);
    }
    for (let at = 0; at < BANKS; at++) {
      const { total, ranked, mapped, members, entries } = await grid.actor(Bank, `bank-${at}`).audit();
      expect({ ranked, mapped, entries }).toEqual({ ranked: total, mapped: total, entries: members });
      expect(total).toBe(totals[at]);
    }
    // Watch and peeks live on.
    const before = watched;
    await grid.actor(Bank, 'bank-0').deposit('late', 5);
    await until(
      'the watch answers',
      () => watched,
      (count) => count > before,
    );
    expect(grid.actor(Bank, 'bank-0').peek.total()).toBe((totals[0] as number) + 5);
    await watch.return?.();
    await watching;
    expect(audits).toBeGreaterThan(ROUNDS);
    const sums = acknowledged.reduce((sum, n) => sum + n, 0);
    process.stderr.write(`acknowledged ${sums}, audits ${audits}, unknown outcomes ${unknown}, watched ${watched}\n`);
  });
});
