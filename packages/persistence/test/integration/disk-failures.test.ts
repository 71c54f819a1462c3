/** A disk that is full, and one that fails: real SQLite on real files, whose writes and syncs are made to fail. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { ChildStore } from '../fixtures/child-store.ts';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { Faults } from '../../../../test/fixtures/faults.ts';
import { ask } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';
import { rejection, until } from '../../../../test/fixtures/until.ts';

const faults = Faults.compile();
afterAll(() => faults?.remove());

const options = { partitions: 2, flushInterval: 1 };

async function openedIn(directory: string): Promise<ChildStore> {
  const child = await ChildStore.start(faults?.environment);
  onTestFinished(() => faults?.set());
  await child.ask('open', directory, options);
  await child.ask('turn', 0, [['put', 'before', '1']]);
  await child.ask('flush');
  return child;
}

async function reopened(directory: string): Promise<{ sequences: number[]; rows: Record<string, string>[] }> {
  const store = await DurablePartitions.open(directory, options);
  const found = {
    sequences: store.partitions.map(({ heap }) => heap.committed),
    rows: store.models.map((rows) => Object.fromEntries(rows)),
  };
  await store.abandon();
  return found;
}

const folded = (child: ChildStore): Promise<unknown> =>
  until(
    'all is folded',
    () => child.ask('status'),
    ({ foldLagBytes }) => foldLagBytes === 0,
  );

describe.skipIf(faults === undefined)('a full disk', () => {
  it('loses nothing, is reported, and is over when there is room again', async () => {
    const directory = temporaryDirectory();
    const child = await openedIn(directory);
    faults?.set(['write', 'journal.db*', 0, 0, 'ENOSPC']);
    await child.ask('turn', 0, [['put', 'while full', '1']]);
    const flushed = child.ask('flush');
    const full = await until(
      'the store says that it is full',
      () => child.ask('status'),
      ({ health }) => health === 'full',
    );
    expect(full.reason).toContain('the disk is full');
    expect(full.unpersistedBytes).toBeGreaterThan(0);
    expect(full.errors.at(-1)?.code).toBe('SQLITE_FULL');
    await until(
      'it has waited for a while',
      () => child.ask('status'),
      ({ unpersistedAgeMs }) => unpersistedAgeMs > 50,
    );
    await child.ask('turn', 0, [['put', 'while full', '2']]);
    expect(await child.ask('durable', 0)).toBe(1);
    faults?.set();
    await flushed;
    await child.ask('flush');
    expect(await child.ask('status')).toMatchObject({
      health: 'healthy',
      unpersistedBytes: 0,
      unpersistedAgeMs: 0,
      filesSetAside: 0,
    });
    await child.kill();
    const found = await reopened(directory);
    expect(found.rows[0]).toEqual({ before: '1', 'while full': '2' });
  });

  it('of which only the rows have no room keeps batches in the journal, and acknowledges on', async () => {
    const directory = temporaryDirectory();
    const child = await openedIn(directory);
    faults?.set(['write', 'rows.db*', 0, 0, 'ENOSPC']);
    await child.ask('turn', 0, [['put', 'while full', '1']]);
    await until(
      'the store says that it is full',
      () => child.ask('status'),
      ({ health }) => health === 'full',
    );
    await child.ask('turn', 1, [['put', 'and on', '1']]);
    await child.ask('flush');
    const full = await child.ask('status');
    expect(full.reason).toContain('stay in the journal');
    expect(full.foldLagBytes).toBeGreaterThan(0);
    faults?.set();
    await folded(child);
    expect(await child.ask('status')).toMatchObject({ health: 'healthy', filesSetAside: 0 });
    await child.ask('close');
    expect(ask(join(directory, 'rows.db'), 'SELECT COUNT(*) AS count FROM rows')).toEqual([{ count: 3 }]);
  });

  it('makes a close say what it could not store', async () => {
    const directory = temporaryDirectory();
    const child = await openedIn(directory);
    faults?.set(['write', 'journal.db*', 0, 0, 'ENOSPC']);
    await child.ask('turn', 0, [['put', 'never stored', '1']]);
    const error = await rejection(child.ask('close'));
    expect(error).toMatchObject({
      code: 'STORAGE_FULL',
      message: expect.stringMatching(/\d+ bytes that were committed/),
    });
  });
});

describe.skipIf(faults === undefined)('a disk that fails', () => {
  it.each(['sync', 'write'] as const)(
    'in a %s of the journal is not written there again: a fresh file takes over',
    async (operation) => {
      const directory = temporaryDirectory();
      const child = await openedIn(directory);
      faults?.set([operation, 'journal.db-wal', 0, 1, 'EIO']);
      await child.ask('turn', 0, [['put', 'during', '1']]);
      await child.ask('flush');
      const status = await child.ask('status');
      expect(status).toMatchObject({ health: 'healthy', filesSetAside: 1 });
      expect(status.errors.map(({ code }) => code)).toEqual([
        operation === 'sync' ? 'SQLITE_IOERR_FSYNC' : 'SQLITE_IOERR_WRITE',
        'STORAGE_FAILED',
      ]);
      expect(['journal.db', 'journal.aside', 'journal-2.db'].map((name) => existsSync(join(directory, name)))).toEqual([
        false,
        true,
        true,
      ]);
      await child.ask('turn', 1, [['put', 'after', '1']]);
      await child.ask('flush');
      await child.kill();
      const found = await reopened(directory);
      expect(found.sequences).toEqual([2, 1]);
      expect(found.rows).toEqual([{ before: '1', during: '1' }, { after: '1' }]);
    },
  );

  it('in every file acknowledges nothing, and goes on from a fresh file when one can be made', async () => {
    const directory = temporaryDirectory();
    const child = await openedIn(directory);
    faults?.set(['sync', 'journal*', 0, 0, 'EIO']);
    await child.ask('turn', 0, [['put', 'during', '1']]);
    const flushed = child.ask('flush');
    const failed = await until(
      'several fresh files were tried',
      () => child.ask('status'),
      ({ errors }) => errors.length > 1,
    );
    expect(failed).toMatchObject({ health: 'failed', filesSetAside: 0 });
    expect(failed.unpersistedBytes).toBeGreaterThan(0);
    expect(await child.ask('durable', 0)).toBe(1);
    faults?.set();
    await flushed;
    expect(await child.ask('durable', 0)).toBe(2);
    expect(await child.ask('status')).toMatchObject({ health: 'healthy', filesSetAside: 1 });
    await child.kill();
    expect((await reopened(directory)).rows[0]).toEqual({ before: '1', during: '1' });
  });

  it('and then the process too leaves the old file as the store, with all that was acknowledged', async () => {
    const directory = temporaryDirectory();
    const child = await openedIn(directory);
    faults?.set(['sync', 'journal*', 0, 0, 'EIO']);
    await child.ask('turn', 0, [['put', 'not acknowledged', '1']]);
    await until(
      'a fresh file was tried',
      () => child.ask('status'),
      ({ errors }) => errors.length > 1,
    );
    await child.kill();
    const found = await reopened(directory);
    expect(found.rows[0]?.before).toBe('1');
  });

  it('while the log is copied into the journal is noticed, and nothing is lost', async () => {
    const directory = temporaryDirectory();
    const child = await openedIn(directory);
    faults?.set(['sync', 'journal.db', 0, 1, 'EIO']);
    const large = 'x'.repeat(900_000);
    for (let turn = 0; turn < 6; turn++) await child.ask('turn', 0, [['put', `large ${turn}`, large]]);
    await child.ask('flush');
    await until(
      'the journal was replaced',
      () => child.ask('status'),
      ({ filesSetAside }) => filesSetAside === 1,
    );
    await child.kill();
    const found = await reopened(directory);
    expect(found.sequences).toEqual([7, 0]);
    expect(Object.keys(found.rows[0] ?? {}).length).toBe(7);
  });

  it('in a fold copies the rows to a fresh file, and folds on there', async () => {
    const directory = temporaryDirectory();
    const child = await openedIn(directory);
    await folded(child);
    faults?.set(['sync', 'rows.db-wal', 0, 1, 'EIO']);
    await child.ask('turn', 0, [
      ['put', 'during', '1'],
      ['delete', 'before'],
    ]);
    await child.ask('flush');
    await until(
      'the rows were replaced',
      () => child.ask('status'),
      ({ filesSetAside }) => filesSetAside === 1,
    );
    await folded(child);
    expect(await child.ask('status')).toMatchObject({ health: 'healthy' });
    expect(['rows.db', 'rows.aside', 'rows-2.db'].map((name) => existsSync(join(directory, name)))).toEqual([
      false,
      true,
      true,
    ]);
    await child.kill();
    expect((await reopened(directory)).rows[0]).toEqual({ during: '1' });
  });
});
