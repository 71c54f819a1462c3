// A million members with names. Long form: SPACEGRID_MEMBERS=10000000.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { MillionReport } from '../hot-ranking/million-thread.ts';

const MEMBERS = Number(process.env.SPACEGRID_MEMBERS ?? 1_000_000);

it('holds a million named members in less than 150 bytes each, also after they have moved, and clears them at once', {
  timeout: 120_000,
}, async () => {
  const thread = new Worker(new URL('../hot-ranking/million-thread.ts', import.meta.url), {
    workerData: { members: MEMBERS },
  });
  const [report] = (await once(thread, 'message')) as [MillionReport];
  const text = JSON.stringify(report);
  if (process.env.SPACEGRID_MEMBERS !== undefined) process.stdout.write(`${text}\n`);
  expect(report.count).toBe(MEMBERS);
  expect(report.builtBytes, text).toBeLessThan(150 * MEMBERS);
  expect(report.usedBytes, text).toBeLessThan(150 * MEMBERS);
  // What the ranking says it takes is what the heap has given out, but for room in pages.
  expect(report.rankingBytes, text).toBeGreaterThan(report.usedBytes * 0.8);
  expect(report.rankingBytes, text).toBeLessThanOrEqual(report.usedBytes);
  expect(report.clearMs, text).toBeLessThan(5);
  expect(report.countAfterClear).toBe(0);
});
