import { join } from 'node:path';
import { loadDigest64 } from '@spacegrid/core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BatchWriter, type StoredBatch } from '../../src/batch.ts';
import { foldBatches, type FoldTables } from '../../src/fold-batches.ts';
import { RowsFile } from '../../src/rows-file.ts';
import { newStoreIdentity } from '../../src/store-identity.ts';
import { type Change, changeSet } from '../fixtures/changes.ts';
import { tamper } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';

beforeAll(() => loadDigest64());

interface RunGiven {
  readonly partition?: number;
  readonly epoch?: number;
  readonly last: number;
  readonly changes: readonly Change[];
}

class Folding {
  readonly file: RowsFile;
  tables: FoldTables;
  private nextId = 1;

  constructor(directory: string) {
    this.file = RowsFile.open(directory, newStoreIdentity({ partitions: 4, hashSeed: 1 }));
    onTestFinished(() => this.file.close());
    this.tables = { positions: this.file.positions(), marks: new Map() };
  }

  fold(...runs: readonly RunGiven[]): void {
    this.foldAll([this.batch(runs)]);
  }

  batch(runs: readonly RunGiven[]): StoredBatch {
    const batch = new BatchWriter();
    for (const { partition = 0, epoch = 1, last, changes } of runs) {
      const bytes = changeSet(changes);
      batch.addChanges(bytes, 0, bytes.length);
      batch.endRun(partition, epoch, last, last);
    }
    return { id: this.nextId++, runs: batch.runs().slice(), data: batch.data().slice() };
  }

  foldAll(batches: readonly StoredBatch[]): void {
    this.tables = foldBatches(this.file, this.tables, batches, 1000);
  }

  rows(partition = 0): Record<string, string> {
    const { rows, damaged } = this.file.read(partition, { from: new Uint8Array(0) }, 1000);
    expect(damaged).toEqual([]);
    return Object.fromEntries(rows.map(({ key, value }) => [key.toString('latin1'), value.toString('latin1')]));
  }
}

function folding(): Folding {
  return new Folding(temporaryDirectory());
}

describe('folding batches into rows', () => {
  it('keeps the last of several changes of a key, within a batch and across batches', () => {
    const fold = folding();
    fold.foldAll([
      fold.batch([
        {
          last: 1,
          changes: [
            ['put', 'a', '1'],
            ['put', 'a', '2'],
            ['put', 'b', '1'],
            ['delete', 'b'],
          ],
        },
      ]),
      fold.batch([
        {
          last: 2,
          changes: [
            ['put', 'a', '3'],
            ['put', 'c', '1'],
          ],
        },
      ]),
    ]);
    expect(fold.rows()).toEqual({ a: '3', c: '1' });
    fold.fold({
      last: 3,
      changes: [
        ['delete', 'a'],
        ['put', 'c', '2'],
      ],
    });
    expect(fold.rows()).toEqual({ c: '2' });
  });

  it('keeps partitions apart', () => {
    const fold = folding();
    fold.fold(
      { partition: 0, last: 1, changes: [['put', 'k', 'zero']] },
      { partition: 1, last: 1, changes: [['put', 'k', 'one']] },
    );
    fold.fold({ partition: 1, last: 2, changes: [['clear', '']] });
    expect([fold.rows(0), fold.rows(1)]).toEqual([{ k: 'zero' }, {}]);
  });

  it('clears what begins with a prefix, in the order of the changes', () => {
    const fold = folding();
    fold.fold({
      last: 1,
      changes: [
        ['put', 'x1', 'before'],
        ['put', 'y', 'stays'],
        ['put', 'x\xff', 'edge'],
        ['put', 'w\xff', 'stays'],
      ],
    });
    fold.fold({
      last: 2,
      changes: [
        ['put', 'x2', 'lost'],
        ['clear', 'x'],
        ['put', 'x1', 'after'],
      ],
    });
    expect(fold.rows()).toEqual({ 'w\xff': 'stays', x1: 'after', y: 'stays' });
  });

  it('clears prefixes that end in the highest byte, and the empty one', () => {
    const fold = folding();
    fold.fold({
      last: 1,
      changes: [
        ['put', '\xff\xff1', 'a'],
        ['put', '\xff\xfe', 'b'],
        ['put', 'q\xff', 'c'],
        ['put', 'r', 'd'],
      ],
    });
    fold.fold({
      last: 2,
      changes: [
        ['clear', '\xff\xff'],
        ['clear', 'q\xff'],
      ],
    });
    expect(fold.rows()).toEqual({ '\xff\xfe': 'b', r: 'd' });
    fold.fold({ last: 3, changes: [['clear', '']] });
    expect(fold.rows()).toEqual({});
  });

  it('lets a lower epoch change nothing, whatever its sequence: no put, no delete, no clear', () => {
    const fold = folding();
    fold.fold({
      epoch: 3,
      last: 10,
      changes: [
        ['put', 'a', 'newer'],
        ['put', 'b', 'newer'],
      ],
    });
    fold.fold({
      epoch: 2,
      last: 99,
      changes: [
        ['put', 'a', 'older'],
        ['delete', 'b'],
        ['clear', ''],
        ['put', 'c', 'older'],
      ],
    });
    expect(fold.rows()).toEqual({ a: 'newer', b: 'newer' });
  });

  it('lets a lower epoch not bring back what was deleted, in the same batch or later', () => {
    const fold = folding();
    fold.fold({ epoch: 1, last: 5, changes: [['put', 'a', '1']] });
    fold.fold(
      { epoch: 2, last: 6, changes: [['delete', 'a']] },
      { epoch: 1, last: 7, changes: [['put', 'a', 'back']] },
    );
    fold.fold({ epoch: 1, last: 8, changes: [['put', 'a', 'back again']] });
    expect(fold.rows()).toEqual({});
  });

  it('lets a higher epoch overwrite, also with a lower sequence', () => {
    const fold = folding();
    fold.fold({
      epoch: 1,
      last: 100,
      changes: [
        ['put', 'a', 'unconfirmed'],
        ['put', 'b', 'unconfirmed'],
      ],
    });
    fold.fold({
      epoch: 2,
      last: 90,
      changes: [
        ['put', 'a', 'owner'],
        ['delete', 'b'],
      ],
    });
    expect(fold.rows()).toEqual({ a: 'owner' });
    expect(fold.file.positions().get(0)).toEqual({ epoch: 2, sequence: 90 });
  });

  it('changes nothing when batches are folded again', () => {
    const fold = folding();
    const batches = [
      fold.batch([{ last: 1, changes: [['put', 'a', '1']] }]),
      fold.batch([
        {
          last: 2,
          changes: [
            ['delete', 'a'],
            ['put', 'b', '1'],
          ],
        },
      ]),
    ];
    fold.foldAll(batches);
    fold.foldAll([batches[0] as StoredBatch]);
    expect(fold.rows()).toEqual({ b: '1' });
  });

  it('stores the number of the batch and the positions in the transaction of the rows', () => {
    const directory = temporaryDirectory();
    const fold = new Folding(directory);
    fold.fold({ partition: 2, epoch: 4, last: 17, changes: [['put', 'a', '1']] });
    expect(fold.file.foldedBatch()).toBe(1);
    expect([...fold.file.positions()]).toEqual([[2, { epoch: 4, sequence: 17 }]]);
    expect(() =>
      fold.file.fold(2, () => {
        throw new RangeError('cut short');
      }),
    ).toThrow('cut short');
    expect(fold.file.foldedBatch()).toBe(1);
  });

  it('finds a row of which anything was changed', () => {
    const directory = temporaryDirectory();
    const identity = newStoreIdentity({ partitions: 4, hashSeed: 1 });
    for (const change of [
      "value = CAST('2' AS BLOB)",
      "key = CAST('b' AS BLOB)",
      'sequence = sequence + 1',
      'epoch = epoch + 1',
      'partition = 1',
    ]) {
      const before = RowsFile.open(directory, identity);
      before.put(0, Buffer.from('a'), Buffer.from('1'), { epoch: 1, sequence: 5 });
      expect(before.read(0, { from: new Uint8Array(0) }, 10).damaged).toEqual([]);
      before.close();
      tamper(join(directory, 'rows.db'), `UPDATE rows SET ${change}`);
      const after = RowsFile.open(directory, identity);
      const damaged = [0, 1].flatMap((partition) => after.read(partition, { from: new Uint8Array(0) }, 10).damaged);
      expect(damaged.length, change).toBe(1);
      after.close();
      tamper(join(directory, 'rows.db'), 'DELETE FROM rows');
    }
  });

  it('marks a partition whose changes can’t be read, and folds the rest', () => {
    const fold = folding();
    const batch = new BatchWriter();
    batch.addChanges(new Uint8Array([9, 1, 65]), 0, 3);
    batch.endRun(1, 1, 1, 1);
    const good = changeSet([['put', 'a', '1']]);
    batch.addChanges(good, 0, good.length);
    batch.endRun(2, 1, 1, 1);
    fold.foldAll([{ id: 1, runs: batch.runs().slice(), data: batch.data().slice() }]);
    expect(fold.rows(2)).toEqual({ a: '1' });
    expect(fold.file.quarantine()).toMatchObject([{ partition: 1, batch: 1, quarantinedAt: 1000 }]);
  });
});
