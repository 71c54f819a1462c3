/** A store belongs to one grid, and a directory to one process at a time. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { tamper } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';
import { rejection } from '../../../../test/fixtures/until.ts';

async function storeIn(directory: string): Promise<void> {
  const store = await DurablePartitions.open(directory);
  store.turn(0, [['put', 'a', '1']]);
  await store.close();
}

async function refusal(directory: string, partitions = 3): Promise<{ code: unknown; message: string }> {
  const error = await rejection(DurablePartitions.open(directory, { partitions }));
  return { code: isGridError(error) ? error.code : error.name, message: error.message };
}

describe('the identity of a store', () => {
  it('is compared: another number of partitions is refused, and both are named', async () => {
    const directory = temporaryDirectory();
    await storeIn(directory);
    expect(await refusal(directory, 4)).toMatchObject({
      code: 'STORE_IDENTITY',
      message: expect.stringContaining('a grid of 3 partitions; this one has 4'),
    });
    await storeIn(directory);
  });

  it('refuses a format and a version of change sets that this version does not read', async () => {
    const directory = temporaryDirectory();
    await storeIn(directory);
    tamper(join(directory, 'journal.db'), "UPDATE meta SET value = '99' WHERE name = 'changeSetVersion'");
    expect(await refusal(directory)).toMatchObject({
      code: 'STORE_IDENTITY',
      message: expect.stringContaining('change sets of version 99'),
    });
    tamper(join(directory, 'journal.db'), 'PRAGMA user_version = 77');
    expect(await refusal(directory)).toMatchObject({
      code: 'STORE_IDENTITY',
      message: expect.stringContaining('has format 77'),
    });
  });

  it.each(['journal.db', 'rows.db'])('refuses a database of another program in the place of %s', async (name) => {
    const directory = temporaryDirectory();
    if (name === 'rows.db') await storeIn(directory);
    tamper(
      join(directory, name),
      ...(name === 'rows.db' ? ['DROP TABLE meta', 'PRAGMA application_id = 5'] : []),
      'CREATE TABLE songs (title TEXT)',
    );
    expect(await refusal(directory)).toMatchObject({
      code: 'STORE_IDENTITY',
      message: expect.stringContaining('another program'),
    });
  });

  it('refuses a file that is no database', async () => {
    const directory = temporaryDirectory();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'journal.db'), 'not a database, but long enough to look at. '.repeat(100));
    expect(await refusal(directory)).toMatchObject({
      code: 'STORE_IDENTITY',
      message: expect.stringContaining('not an SQLite database'),
    });
  });
});

describe('the lock of a directory', () => {
  it('refuses a second owner until the first has closed', async () => {
    const directory = temporaryDirectory();
    const first = await DurablePartitions.open(directory);
    expect(await refusal(directory)).toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining(directory),
    });
    first.turn(0, [['put', 'a', '1']]);
    await first.close();
    await storeIn(directory);
  });
});
