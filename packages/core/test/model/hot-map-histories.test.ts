// Half a million operations. Long form: SPACEGRID_LONG=10 runs ten times as many turns. SPACEGRID_SEED repeats a run.
import { afterAll, describe, expect, it } from 'vitest';
import type { Census } from '../hot-map/census.ts';
import { History, type HistoryOptions } from '../hot-map/history.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';

const factor = Number(process.env.SPACEGRID_LONG ?? 1);

const histories: readonly [string, HistoryOptions, Partial<Census>][] = [
  [
    'a handful of keys',
    { keys: 20, hashMask: -1, turns: 6000 * factor, clears: 5000, checkEvery: 100 },
    { entries: 12, tables: 1 },
  ],
  [
    'ten thousand keys',
    { keys: 10_000, hashMask: -1, turns: 30_000 * factor, clears: 20, checkEvery: 3000 },
    { entries: 2000, tables: 5, depth: 2 },
  ],
  [
    'keys that share hashes',
    { keys: 3000, hashMask: 0x1e0f, turns: 8000 * factor, clears: 100, checkEvery: 1000 },
    { entries: 900, tables: 2, overflowNodes: 1 },
  ],
  [
    'keys of two hashes',
    { keys: 700, hashMask: 0x1000, turns: 4000 * factor, clears: 100, checkEvery: 500 },
    { entries: 300, overflowNodes: 20 },
  ],
];

describe('HotMap against a plain Map', () => {
  const { seed } = new SeededRandom();
  let operations = 0;

  afterAll(() => void process.stdout.write(`HotMap histories: ${operations} operations, SPACEGRID_SEED=${seed}\n`));

  for (const [name, options, reached] of histories) {
    it(`agrees after random histories of ${name}`, { timeout: 60_000 * factor }, () => {
      const random = new SeededRandom(seed);
      const history = new History(random, options);
      try {
        history.run();
        operations += history.operations;
        expect(history.operations).toBeGreaterThan(options.turns);
        for (const [what, count] of Object.entries(reached)) {
          expect(history.most[what as keyof Census], what).toBeGreaterThanOrEqual(count);
        }
        expect(history.drain()).toBeLessThan(200_000);
      } catch (error) {
        throw new Error(`SPACEGRID_SEED=${seed}, after ${history.operations} operations`, { cause: error });
      }
    });
  }

  it('is tried half a million times', () => {
    expect(operations).toBeGreaterThan(500_000 * factor);
  });
});
