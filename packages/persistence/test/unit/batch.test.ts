import { loadDigest64 } from '@spacegrid/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BatchWriter, checkBatch, checksumsOf, forEachRun, type StoredBatch } from '../../src/batch.ts';
import { changeSet, decodeChanges } from '../fixtures/changes.ts';

beforeAll(() => loadDigest64());

function batchOf(id: number): StoredBatch {
  const batch = new BatchWriter();
  const first = changeSet([['put', 'a', '1']]);
  const second = changeSet([['delete', 'b']]);
  batch.addChanges(first, 0, first.length);
  batch.addChanges(second, 0, second.length);
  batch.endRun(3, 2, 10, 11);
  const third = changeSet([['put', 'long', 'x'.repeat(1000)]]);
  batch.addChanges(third, 0, third.length);
  batch.endRun(5, 1, 2 ** 33, 2 ** 33);
  return { id, runs: batch.runs().slice(), data: batch.data().slice() };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] as number) ^ 4;
  return copy;
}

describe('a journal batch', () => {
  it('gives back its runs in order, with all changes of their turns', () => {
    const { runs, data } = batchOf(1);
    const found: unknown[] = [];
    forEachRun(runs, data, ({ partition, epoch, first, last, changes }) =>
      found.push([partition, epoch, first, last, decodeChanges(changes)]),
    );
    expect(found).toEqual([
      [
        3,
        2,
        10,
        11,
        [
          ['put', 'a', '1'],
          ['delete', 'b'],
        ],
      ],
      [5, 1, 2 ** 33, 2 ** 33, [['put', 'long', 'x'.repeat(1000)]]],
    ]);
  });

  it('knows the position that each partition reached', () => {
    const batch = new BatchWriter();
    batch.endRun(4, 1, 7, 9);
    expect([...batch.reached]).toEqual([[4, { epoch: 1, sequence: 9 }]]);
    batch.clear();
    expect([batch.reached.size, batch.bytes, batch.runs().length]).toEqual([0, 0, 0]);
  });

  it('names partitions and sequences when a bit of its changes is damaged', () => {
    const whole = batchOf(12);
    const checksums = checksumsOf(12, whole.runs, whole.data);
    expect(() => checkBatch('journal.db', whole, checksums)).not.toThrow();
    for (const at of [0, 5, whole.data.length - 1]) {
      const check = (): void => checkBatch('journal.db', { ...whole, data: flipped(whole.data, at) }, checksums);
      expect(check).toThrow(
        'batch 12 of journal.db (1016 bytes) fails its checksum: nothing of it was taken; it holds partition 3, sequences 10 to 11; partition 5, sequences 8589934592 to 8589934592',
      );
    }
  });

  it('fails its check when the list of its runs is damaged, and when it stands under another number', () => {
    const whole = batchOf(12);
    const checksums = checksumsOf(12, whole.runs, whole.data);
    const damaged = { ...whole, runs: flipped(whole.runs, 0) };
    expect(() => checkBatch('journal.db', damaged, checksums)).toThrow('and so does the list of what it holds');
    expect(() => checkBatch('journal.db', { ...whole, id: 13 }, checksums)).toThrow('batch 13');
  });
});
