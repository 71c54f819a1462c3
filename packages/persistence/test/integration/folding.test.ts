/** The fold beside the journal: its thread dies, keys that can't be folded, and what waits for what. */
import { join } from 'node:path';
import { loadDigest64 } from '@spacegrid/core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BatchWriter } from '../../src/batch.ts';
import { FoldHost } from '../../src/fold-host.ts';
import { Folder } from '../../src/folder.ts';
import { Incidents } from '../../src/incidents.ts';
import { Journal } from '../../src/journal.ts';
import { changeSet } from '../fixtures/changes.ts';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { ask, tamper } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';
import { until } from '../../../../test/fixtures/until.ts';

beforeAll(() => loadDigest64());

const settled = (store: DurablePartitions): Promise<unknown> =>
  until(
    'all is folded',
    () => store.control.status(),
    ({ foldLagBytes }) => foldLagBytes === 0,
  );

/** A store that was made, and whose rows refuse the key "poison" by a trigger of their own. */
async function poisonedStore(directory: string): Promise<void> {
  const store = await DurablePartitions.open(directory);
  store.turn(0, [
    ['put', 'poison', 'old'],
    ['put', 'other', '1'],
  ]);
  await store.control.flush();
  await settled(store);
  await store.close();
  tamper(
    join(directory, 'rows.db'),
    "CREATE TRIGGER refuse BEFORE UPDATE ON rows WHEN new.key = CAST('poison' AS BLOB) BEGIN SELECT RAISE(ABORT, 'poison'); END",
    "CREATE TRIGGER refuseNew BEFORE INSERT ON rows WHEN new.key = CAST('poison' AS BLOB) BEGIN SELECT RAISE(ABORT, 'poison'); END",
  );
}

describe('a key that can’t be folded', () => {
  it('is marked and keeps its batch, while the rest goes on; its value is loaded, and a later change that folds lifts the mark', async () => {
    const directory = temporaryDirectory();
    await poisonedStore(directory);
    const store = await DurablePartitions.open(directory);
    store.turn(0, [
      ['put', 'poison', 'new'],
      ['put', 'other', '2'],
    ]);
    await store.control.flush();
    await settled(store);
    for (const value of ['3', '4']) {
      store.turn(0, [['put', 'other', value]]);
      await store.control.flush();
      await settled(store);
    }
    const status = await store.control.status();
    expect(status.quarantinedCount).toBe(1);
    expect(status.quarantined).toMatchObject([
      { partition: 0, key: Buffer.from('poison').toString('hex'), reason: 'SQLITE_CONSTRAINT_TRIGGER: poison' },
    ]);
    await store.abandon();
    expect(ask(join(directory, 'journal.db'), 'SELECT COUNT(*) AS count FROM batches')).toEqual([{ count: 3 }]);

    const again = await DurablePartitions.open(directory);
    expect(Object.fromEntries(again.models[0] ?? [])).toEqual({ poison: 'new', other: '4' });
    again.turn(0, [['delete', 'poison']]);
    await again.control.flush();
    await settled(again);
    expect(await again.control.status()).toMatchObject({ quarantinedCount: 0, quarantined: [] });
    again.turn(0, [['put', 'other', '5']]);
    await again.close();
    const last = await DurablePartitions.open(directory);
    expect(Object.fromEntries(last.models[0] ?? [])).toEqual({ other: '5' });
    await last.close();
  });
});

describe('the fold thread', () => {
  it('is replaced when it dies, in mid-fold too: what was not folded is folded, once', async () => {
    const directory = temporaryDirectory();
    const journal = new Journal(directory, { partitions: 1, hashSeed: 1 });
    const incidents = new Incidents();
    const host = new FoldHost(directory, journal.identity);
    const folder = await Folder.open(journal, host, incidents);
    onTestFinished(async () => {
      await folder.close();
      journal.close();
    });
    let sequence = 0;
    const journalOne = (bytes: number): void => {
      const batch = new BatchWriter();
      const changes = changeSet([['put', `key ${sequence}`, 'x'.repeat(bytes)]]);
      batch.addChanges(changes, 0, changes.length);
      sequence++;
      batch.endRun(0, 1, sequence, sequence);
      journal.append(batch);
      folder.journalled(changes.length);
    };
    for (let round = 0; round < 3; round++) {
      // So much that a fold begins at once.
      for (let count = 0; count < 5; count++) journalOne(1_000_000);
      await host.terminate();
      await until(
        'it has caught up',
        () => folder.lagBytes,
        (bytes) => bytes === 0,
      );
    }
    expect(folder.problem).toBeUndefined();
    expect(folder.positions.get(0)).toEqual({ epoch: 1, sequence: 15 });
    expect(incidents.all().some(({ message }) => message.includes('the fold thread died'))).toBe(true);
    expect((await folder.read(0, { from: new Uint8Array(0) })).rows).toBe(15);
    await host.terminate();
    // What is read back for a running grid waits for the next thread.
    expect((await folder.readSome(0, { from: new Uint8Array(0) })).rows).toBe(1);
  });
});
