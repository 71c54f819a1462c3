/** Online backup and restore: one point of each partition, while everything runs. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isGridError } from '@spacegrid/core';
import { restoreBackup } from '@spacegrid/persistence';
import { describe, expect, it, onTestFinished } from 'vitest';
import { applyTo, type Change } from '../fixtures/changes.ts';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { randomTurn, seededRandom } from '../fixtures/seeded-history.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';
import { rejection, until } from '../../../../test/fixtures/until.ts';

async function backupOf(directory: string, target: string): Promise<void> {
  const store = await DurablePartitions.open(directory);
  store.turn(0, [['put', 'a', '1']]);
  await store.control.backup(target);
  await store.close();
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it was expected to throw');
}

describe('a backup', () => {
  it('under load holds of each partition everything up to its position and nothing behind', {
    timeout: 60_000,
  }, async () => {
    const base = temporaryDirectory();
    const store = await DurablePartitions.open(join(base, 'data'), { flushInterval: 1, batch: 4096 });
    onTestFinished(() => store.abandon());
    const random = seededRandom(5);
    const history: Change[][][] = [[], [], []];
    const run = (turns: number): void => {
      for (let turn = 0; turn < turns; turn++) {
        const partition = Math.floor(random() * 3);
        const changes = randomTurn(random);
        store.turn(partition, changes);
        history[partition]?.push(changes);
      }
    };
    run(1000);
    await until(
      'some of it is folded',
      () => store.control.status(),
      ({ rowBytes }) => rowBytes > 50_000,
    );
    let copying = true;
    const copied = store.control.backup(join(base, 'copy')).finally(() => {
      copying = false;
    });
    while (copying) {
      run(20);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { positions, bytes } = await copied;
    run(200);
    await store.control.flush();
    expect(positions.map(({ sequence }) => sequence)).not.toEqual(history.map((turns) => turns.length));
    const restored = restoreBackup({ from: join(base, 'copy'), to: join(base, 'restored') });
    expect(restored).toMatchObject({ positions, bytes, directory: join(base, 'restored') });
    const again = await DurablePartitions.open(join(base, 'restored'));
    onTestFinished(() => again.abandon());
    for (const [partition, turns] of history.entries()) {
      const { sequence } = positions[partition] as (typeof positions)[0];
      expect(again.partitions[partition]?.heap.committed).toBe(sequence);
      const expected = new Map<string, string>();
      for (const changes of turns.slice(0, sequence)) applyTo(expected, changes);
      expect(again.models[partition]).toEqual(expected);
    }
    // It goes on as a store of its own.
    again.turn(0, [['put', 'after', '1']]);
    await again.control.flush();
  });

  it('goes to a new or empty directory only', async () => {
    const base = temporaryDirectory();
    const store = await DurablePartitions.open(join(base, 'data'));
    onTestFinished(() => store.close());
    mkdirSync(join(base, 'full'));
    writeFileSync(join(base, 'full', 'something'), '');
    const error = await rejection(store.control.backup(join(base, 'full')));
    expect(isGridError(error, 'BACKUP_FAILED')).toBe(true);
    writeFileSync(join(base, 'file'), '');
    expect(await rejection(store.control.backup(join(base, 'file')))).toMatchObject({ code: 'BACKUP_FAILED' });
  });
});

describe('restoring a backup', () => {
  it('refuses what is not empty, and what is no whole backup', async () => {
    const base = temporaryDirectory();
    const copy = join(base, 'copy');
    await backupOf(join(base, 'data'), copy);
    const refused = (code: string, options: { from: string; to: string }): void => {
      const error = thrownBy(() => restoreBackup(options));
      expect(isGridError(error) ? error.code : error).toBe(code);
    };
    refused('INVALID_OPTION', { from: copy, to: join(base, 'data') });
    refused('STORE_CORRUPT', { from: join(base, 'data'), to: join(base, 'new') });
    refused('STORE_CORRUPT', { from: join(base, 'nothing'), to: join(base, 'new') });
    const file = join(copy, 'rows.db');
    const whole = readFileSync(file);
    for (const at of [0, whole.length >>> 1, whole.length - 1]) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 1;
      writeFileSync(file, damaged);
      refused('STORE_CORRUPT', { from: copy, to: join(base, 'new') });
    }
    writeFileSync(file, whole.subarray(0, whole.length - 4096));
    refused('STORE_CORRUPT', { from: copy, to: join(base, 'new') });
    rmSync(file);
    refused('STORE_CORRUPT', { from: copy, to: join(base, 'new') });
    writeFileSync(file, whole);
    restoreBackup({ from: copy, to: join(base, 'new') });
    expect(readdirSync(join(base, 'new')).toSorted()).toEqual(['journal.db', 'rows.db']);
  });
});
