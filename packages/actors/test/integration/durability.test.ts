/** A whole grid and its store: a full disk, a backup under load. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGrid } from '@spacegrid/actors';
import { restoreBackup, sqlite } from '@spacegrid/persistence';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Faults } from '../../../../test/fixtures/faults.ts';
import { Bank } from '../fixtures/bank-actors.ts';
import type { FullDiskStory } from '../fixtures/full-disk-process.ts';
import { within } from '../../../../test/fixtures/until.ts';

const base = mkdtempSync(join(tmpdir(), 'spacegrid-'));
const faults = Faults.compile();

afterAll(() => {
  faults?.remove();
  rmSync(base, { recursive: true, force: true });
});

describe.skipIf(faults === undefined)('a grid whose disk is full', () => {
  it('takes no more commands at the limit of its backlog, answers queries, and goes on by itself', {
    timeout: 60_000,
  }, async () => {
    const child = fork(
      fileURLToPath(new URL('../fixtures/full-disk-process.ts', import.meta.url)),
      [join(base, 'full'), faults?.environment.SPACEGRID_FAULTS ?? ''],
      { env: { ...process.env, ...faults?.environment } },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const story = await within(
      'the story of the full disk',
      new Promise<FullDiskStory>((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (code, signal) => reject(new Error(`the process ended: ${signal ?? code}`)));
      }),
      50_000,
    );
    expect(story.healthWhileFull.status).toBe('degraded');
    // One megabyte of 50 kB each, a sixteenth above it, and one more.
    expect(story.answeredWhileFull).toBeGreaterThanOrEqual(20);
    expect(story.answeredWhileFull).toBeLessThan(30);
    expect(new Set(story.countsWhileFull)).toEqual(new Set([story.answeredWhileFull + 1]));
    expect(story.unpersistedBytesWhileFull).toBeGreaterThan(1_000_000);
    expect(story).toMatchObject({
      answeredInTheEnd: story.sent,
      countInTheEnd: story.sent + 1,
      healthInTheEnd: { status: 'ready', reasons: [] },
    });
  });
});

describe('a backup of a grid under load', () => {
  it('is restored to a grid in which every actor is whole, with all that was durable before', {
    timeout: 60_000,
  }, async () => {
    const options = { actors: new URL('../fixtures/bank-actors.ts', import.meta.url), workers: 1, partitions: 8 };
    const grid = await createGrid({ ...options, persistence: sqlite({ directory: join(base, 'live') }) });
    onTestFinished(() => grid.close());
    const banks = Array.from({ length: 6 }, (_, at) => `bank-${at}`);
    const deposit = (amount: number): Promise<unknown> =>
      Promise.all(
        banks.flatMap((bank) =>
          Array.from({ length: 10 }, (_, member) =>
            grid.actor(Bank, bank).with({ ack: 'durable' }).deposit(`member-${member}`, amount),
          ),
        ),
      );
    await deposit(5);
    let running = true;
    const load = (async () => {
      for (let round = 0; running; round++) {
        await Promise.all(
          banks.map((bank) => grid.actor(Bank, bank).transfer(`member-${round % 10}`, `member-${(round + 3) % 10}`, 1)),
        );
        await deposit(1);
      }
    })();
    await grid.backup(join(base, 'copy'));
    running = false;
    await load;
    restoreBackup({ from: join(base, 'copy'), to: join(base, 'restored') });
    const restored = await createGrid({ ...options, persistence: sqlite({ directory: join(base, 'restored') }) });
    onTestFinished(() => restored.close());
    for (const bank of banks) {
      const { total, ranked, mapped, members, entries } = await restored.actor(Bank, bank).audit();
      expect([ranked, mapped, members, entries], bank).toEqual([total, total, 10, 10]);
      expect(total, bank).toBeGreaterThanOrEqual(50);
      expect(total, bank).toBeLessThanOrEqual(await grid.actor(Bank, bank).total());
      await restored.actor(Bank, bank).with({ ack: 'durable' }).deposit('member-0', 1);
    }
  });
});
