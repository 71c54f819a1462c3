/** Every checksum of a store that no grid has open, and what is taken out of the way so that it starts. */
import { join } from 'node:path';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { type CheckedStore, checkStore } from '../../src/verify/check-store.ts';
import { rejection, until } from '../../../../test/fixtures/until.ts';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { tamper } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';

/** Rows one to three are folded; of them `two` is put again by the last batch, which is not. */
async function store(): Promise<string> {
  const directory = temporaryDirectory();
  const partitions = await DurablePartitions.open(directory);
  for (const key of ['one', 'two', 'three']) partitions.turn(0, [['put', key, 'before']]);
  await partitions.control.flush();
  await until(
    'the first batches are folded',
    () => partitions.control.status(),
    ({ foldLagBytes }) => foldLagBytes === 0,
  );
  partitions.turn(0, [['put', 'two', 'after']]);
  await partitions.control.flush();
  await partitions.abandon();
  return directory;
}

const summary = ({ problems }: CheckedStore): unknown[] =>
  problems.map(({ kind, key, isRepaired }) => [kind, key, isRepaired]);

const flipValue = (directory: string, key: string): void =>
  tamper(join(directory, 'rows.db'), `UPDATE rows SET value = X'00' WHERE key = CAST('${key}' AS BLOB)`);

describe('a stopped store', () => {
  it('that is whole is said to be, and is left as it is', async () => {
    const directory = await store();
    const checked = await checkStore({ directory });
    expect(checked).toMatchObject({ rows: 3, problems: [], repaired: 0 });
    expect(checked.positions.map(({ sequence }) => sequence)).toEqual([4, 0, 0]);
  });

  it('is mended where a start does not need what is damaged, and nowhere else', async () => {
    const directory = await store();
    flipValue(directory, 'one');
    flipValue(directory, 'two');
    expect(summary(await checkStore({ directory }))).toEqual([
      ['row', 'one', false],
      ['row', 'two', false],
    ]);
    expect(summary(await checkStore({ directory, repair: true }))).toEqual([
      ['row', 'one', false],
      ['row', 'two', true],
    ]);
    expect(isGridError(await rejection(DurablePartitions.open(directory)), 'STORE_CORRUPT')).toBe(true);
    expect(summary(await checkStore({ directory, repair: true, trust: 'store' }))).toEqual([['row', 'one', true]]);
    const partitions = await DurablePartitions.open(directory);
    expect(Object.fromEntries(partitions.models[0] as Map<string, string>)).toEqual({ two: 'after', three: 'before' });
    await partitions.close();
  });

  it('with a damaged batch starts without it when it is to be trusted', async () => {
    const directory = await store();
    tamper(
      join(directory, 'journal.db'),
      "UPDATE batches SET data = X'00' || substr(data, 2) WHERE id = (SELECT MAX(id) FROM batches)",
    );
    const checked = await checkStore({ directory, repair: true });
    expect(summary(checked)).toEqual([
      ['batch', undefined, false],
      ['gap', undefined, false],
    ]);
    expect(checked.problems[0]?.message).toMatch(/partition 0, sequences 4 to 4/);
    expect(summary(await checkStore({ directory, repair: true, trust: 'store' }))).toEqual([
      ['batch', undefined, true],
    ]);
    const partitions = await DurablePartitions.open(directory);
    expect(partitions.models[0]?.get('two')).toBe('before');
    await partitions.close();
  });

  it('is refused while a grid has it open, and where there is none', async () => {
    const directory = temporaryDirectory();
    const partitions = await DurablePartitions.open(directory);
    expect(isGridError(await rejection(checkStore({ directory })), 'STORE_LOCKED')).toBe(true);
    await partitions.close();
    expect(isGridError(await rejection(checkStore({ directory: join(directory, 'none') })), 'INVALID_OPTION')).toBe(
      true,
    );
  });
});
