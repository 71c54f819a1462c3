/** What the status says of what is not stored, and how soon it is stored. One store for all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { until } from '../../../../test/fixtures/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'spacegrid-'));
let store: DurablePartitions;

beforeAll(async () => {
  store = await DurablePartitions.open(directory, {
    flushInterval: '4s',
    backlogBytesMax: 10_000,
    backlogAgeMaxMs: 1000,
  });
});

afterAll(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('what is committed and not stored', () => {
  it('is counted in bytes and age until it is durable', async () => {
    store.turn(0, [['put', 'a', 'x'.repeat(1000)]]);
    store.turn(1, [['put', 'a', 'x'.repeat(2000)]]);
    const before = await store.control.status();
    expect(before.unpersistedBytes).toBeGreaterThan(3000);
    expect(before.unpersistedBytes).toBeLessThan(3300);
    expect(before.health).toBe('healthy');
    await until(
      'it ages',
      () => store.control.status(),
      ({ unpersistedAgeMs }) => unpersistedAgeMs > 100,
    );
    await store.control.flush();
    expect(await store.control.status()).toMatchObject({ unpersistedBytes: 0, unpersistedAgeMs: 0 });
  });

  it('makes the store behind when a partition has more than its bytes, or for longer than its time', async () => {
    // What comes right behind a flush may be written at once: then it is tried again.
    const heavy = await until(
      'it is behind',
      () => {
        store.turn(1, [['put', 'a', 'x'.repeat(6000)]]);
        return store.control.status();
      },
      ({ health }) => health === 'behind',
    );
    expect(heavy.reason).toContain('`backlog`');
    expect(heavy.unpersistedBytes).toBeGreaterThan(10_000);
    await store.control.flush();
    expect((await store.control.status()).health).toBe('healthy');
    const late = await until(
      'it is late',
      async () => {
        const status = await store.control.status();
        if (status.unpersistedBytes === 0) store.turn(0, [['put', 'a', '1']]);
        return status;
      },
      ({ health }) => health === 'behind',
    );
    expect(late.reason).toContain('`backlogAge`');
    expect(late.unpersistedAgeMs).toBeGreaterThanOrEqual(1000);
    await store.control.flush();
  });

  it('waits for company when nobody waits for it, and for nothing when somebody does', async () => {
    store.turn(2, [['put', 'a', '1']]);
    store.waitForDurable(2, true);
    const from = performance.now();
    await until(
      'it is durable',
      () => store.durable(2),
      (sequence) => sequence === 1,
    );
    const tookMs = performance.now() - from;
    store.waitForDurable(2, false);
    // The flush interval is 4 s.
    expect(tookMs).toBeLessThan(2000);
  });

  it('is drained by a successor from where its predecessor stopped, and its bytes are counted right', async () => {
    store.turn(0, [['put', 'b', 'x'.repeat(500)]]);
    await store.control.flush();
    store.turn(0, [['put', 'c', 'x'.repeat(700)]]);
    const before = (await store.control.status()).unpersistedBytes;
    expect(before).toBeGreaterThan(700);
    expect(before).toBeLessThan(900);
    await store.replaceThread();
    await store.control.flush();
    expect(await store.control.status()).toMatchObject({ unpersistedBytes: 0, unpersistedAgeMs: 0 });
    store.turn(0, [['put', 'd', 'x'.repeat(700)]]);
    expect((await store.control.status()).unpersistedBytes).toBeLessThan(900);
    await store.control.flush();
  });
});
