/** What is loaded after a stop is what was committed, to exactly the watermark; what is damaged is said and not guessed. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { DurablePartitions } from '../fixtures/durable-partitions.ts';
import { randomTurn, seededRandom } from '../fixtures/seeded-history.ts';
import { ask, tamper } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';
import { rejection, until } from '../../../../test/fixtures/until.ts';

/** A store whose first batches are folded, with a tail behind them in the journal; closed. */
async function storeWithTail(directory: string): Promise<void> {
  const store = await DurablePartitions.open(directory);
  store.turn(0, [['put', 'folded', '1']]);
  store.turn(1, [['put', 'folded', '1']]);
  await store.control.flush();
  await until(
    'the first batches are folded',
    () => store.control.status(),
    ({ foldLagBytes }) => foldLagBytes === 0,
  );
  store.turn(0, [['put', 'tail', '1']]);
  store.turn(0, [['put', 'tail', '2']]);
  store.turn(1, [['delete', 'folded']]);
  await store.control.flush();
  await store.abandon();
}

describe('recovery', () => {
  it('gives back rows and tail after a close', async () => {
    const directory = temporaryDirectory();
    await storeWithTail(directory);
    const store = await DurablePartitions.open(directory);
    expect(store.models.map((rows) => Object.fromEntries(rows))).toEqual([{ folded: '1', tail: '2' }, {}, {}]);
    expect(store.partitions.map(({ heap }) => [heap.committed, heap.epoch])).toEqual([
      [3, 2],
      [2, 2],
      [0, 1],
    ]);
    await store.close();
  });

  it('gives a new epoch at each start, and goes on with the sequence', async () => {
    const directory = temporaryDirectory();
    for (let start = 1; start <= 2; start++) {
      const store = await DurablePartitions.open(directory);
      const { heap } = store.partitions[0] as (typeof store.partitions)[0];
      expect([heap.committed, heap.epoch]).toEqual([start - 1, start]);
      store.turn(0, [['put', `start ${start}`, 'x']]);
      await store.close();
    }
  });

  it('stores each turn once, also when it was told to start twice', async () => {
    const directory = temporaryDirectory();
    const store = await DurablePartitions.open(directory);
    // A successor that was started in the middle of a grid's start is started once more at its end.
    await store.control.start();
    for (let turn = 0; turn < 80; turn++) {
      store.turn(turn % 2, [['put', `turn ${turn}`, 'x']]);
      if (turn % 20 === 0) await store.control.flush();
    }
    await store.control.flush();
    await store.close();
    const again = await DurablePartitions.open(directory);
    expect(again.partitions.map(({ heap, rows }) => [heap.committed, rows.size])).toEqual([
      [40, 40],
      [40, 40],
      [0, 0],
    ]);
    await again.close();
  });

  it('equals a model after random histories, with the thread ended at random between them', {
    timeout: 60_000,
  }, async () => {
    for (const seed of [1, 2]) {
      const directory = temporaryDirectory();
      const random = seededRandom(seed);
      const expected = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()];
      for (let life = 0; life < 3; life++) {
        const store = await DurablePartitions.open(directory, { batch: 8192, flushInterval: 1 });
        expect(store.models, `seed ${seed}, life ${life}`).toEqual(expected);
        for (let turn = 0; turn < 400; turn++) {
          store.turn(Math.floor(random() * 3), randomTurn(random));
          if (random() < 0.003) await store.replaceThread();
          else if (random() < 0.03) await store.control.status();
        }
        await store.control.flush();
        store.models.forEach((rows, partition) => {
          expected[partition] = new Map(rows);
        });
        if (life + seed === 2) await store.close();
        else await store.abandon();
      }
    }
  });

  it('refuses a batch whose bytes changed, and says whose changes it holds', async () => {
    const directory = temporaryDirectory();
    await storeWithTail(directory);
    tamper(
      join(directory, 'journal.db'),
      "UPDATE batches SET data = CAST(substr(data, 1, 8) || 'X' || substr(data, 10) AS BLOB) WHERE id = (SELECT MAX(id) FROM batches)",
    );
    const error = await rejection(DurablePartitions.open(directory));
    expect(isGridError(error, 'STORE_CORRUPT')).toBe(true);
    expect(error.message).toMatch(/batch \d+ of .*journal\.db .* fails its checksum.*partition \d, sequences \d to \d/);
  });

  it('refuses a store from which a batch of the tail is missing, and says which sequences', async () => {
    const directory = temporaryDirectory();
    await storeWithTail(directory);
    const file = join(directory, 'journal.db');
    tamper(file, 'DELETE FROM batches WHERE id = (SELECT MAX(id) FROM batches)');
    const error = await rejection(DurablePartitions.open(directory));
    expect(isGridError(error, 'STORE_CORRUPT')).toBe(true);
    expect(error.message).toMatch(/sequences \d to \d are missing/);
  });

  it('refuses a watermark that was changed', async () => {
    const directory = temporaryDirectory();
    await storeWithTail(directory);
    tamper(join(directory, 'journal.db'), 'UPDATE watermarks SET sequence = sequence - 1 WHERE partition = 0');
    expect(await rejection(DurablePartitions.open(directory))).toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('names the row that fails its checksum', async () => {
    const directory = temporaryDirectory();
    await storeWithTail(directory);
    tamper(join(directory, 'rows.db'), "UPDATE rows SET value = CAST('9' AS BLOB) WHERE partition = 1");
    const error = await rejection(DurablePartitions.open(directory));
    expect(isGridError(error, 'STORE_CORRUPT')).toBe(true);
    expect(error.message).toContain(
      `1 rows of partition 1 fail their checksum, the first has the key ${Buffer.from('folded').toString('hex')}`,
    );
  });

  it('refuses when the rows are gone that the journal has given away', async () => {
    const directory = temporaryDirectory();
    await storeWithTail(directory);
    // The next batch drops those that are folded.
    const store = await DurablePartitions.open(directory);
    store.turn(0, [['put', 'more', '1']]);
    await store.control.flush();
    await until(
      'it is folded',
      () => store.control.status(),
      ({ foldLagBytes }) => foldLagBytes === 0,
    );
    store.turn(0, [['put', 'more', '2']]);
    await store.close();
    rmSync(join(directory, 'rows.db'));
    const error = await rejection(DurablePartitions.open(directory));
    expect(error).toMatchObject({ code: 'STORE_CORRUPT', details: { partition: 0, first: 1 } });
  });

  it('loads from the journal alone while it still has everything', async () => {
    const directory = temporaryDirectory();
    const store = await DurablePartitions.open(directory);
    store.turn(0, [['put', 'a', '1']]);
    await store.control.flush();
    await store.abandon();
    rmSync(join(directory, 'rows.db'));
    const again = await DurablePartitions.open(directory);
    expect(Object.fromEntries(again.models[0] ?? [])).toEqual({ a: '1' });
    await again.close();
  });

  it('refuses rows beside a journal that is not theirs', async () => {
    const [one, other] = [temporaryDirectory(), temporaryDirectory()];
    await storeWithTail(one);
    await storeWithTail(other);
    copyFileSync(join(other, 'rows.db'), join(one, 'rows.db'));
    const error = await rejection(DurablePartitions.open(one));
    expect(isGridError(error, 'STORE_IDENTITY')).toBe(true);
    expect(error.message).toContain('another store than the journal');
  });

  it('drops from the journal what is folded, with the batch that comes next', async () => {
    const directory = temporaryDirectory();
    const store = await DurablePartitions.open(directory);
    for (let turn = 0; turn < 10; turn++) {
      store.turn(0, [['put', 'a', String(turn)]]);
      await store.control.flush();
    }
    await until(
      'all is folded',
      () => store.control.status(),
      ({ foldLagBytes }) => foldLagBytes === 0,
    );
    store.turn(0, [['put', 'a', 'last']]);
    await store.close();
    expect(ask(join(directory, 'journal.db'), 'SELECT COUNT(*) AS count FROM batches')).toEqual([{ count: 2 }]);
    expect(ask(join(directory, 'rows.db'), 'SELECT COUNT(*) AS count FROM rows')).toEqual([{ count: 1 }]);
  });
});
