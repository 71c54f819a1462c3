import { existsSync, linkSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDigest64 } from '@spacegrid/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BatchWriter } from '../../src/batch.ts';
import { Journal } from '../../src/journal.ts';
import { keepLog, restoreLog } from '../../src/store-files.ts';
import { changeSet } from '../fixtures/changes.ts';
import { tamper } from '../fixtures/tamper.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';

beforeAll(() => loadDigest64());

const identity = { partitions: 1, hashSeed: 3 };

function append(journal: Journal, sequence: number): void {
  const batch = new BatchWriter();
  const changes = changeSet([['put', 'key', String(sequence)]]);
  batch.addChanges(changes, 0, changes.length);
  batch.endRun(0, 1, sequence, sequence);
  journal.append(batch);
}

describe('the journal’s files', () => {
  it('are one again after a replacement: batches that are not folded, watermarks and identity go along', () => {
    const directory = temporaryDirectory();
    const journal = new Journal(directory, identity);
    for (let sequence = 1; sequence <= 5; sequence++) append(journal, sequence);
    journal.noteFolded({ upTo: 4, kept: [2] });
    journal.replace();
    expect([...journal.batches(0)].map(({ id }) => id)).toEqual([2, 5]);
    expect(journal.watermarks().get(0)).toEqual({ epoch: 1, sequence: 5 });
    append(journal, 6);
    journal.close();
    expect(readdirSync(directory).toSorted()).toEqual(['journal-2.db', 'journal.aside']);
    const again = new Journal(directory, identity);
    expect([again.newestBatch, again.fresh]).toEqual([6, false]);
    again.close();
  });

  it('are the old one while the new one is not finished, and the new one while the old one is still there', () => {
    const directory = temporaryDirectory();
    const journal = new Journal(directory, identity);
    append(journal, 1);
    journal.close();
    writeFileSync(join(directory, 'journal-7.db.part'), '');
    // A process that died while it made the next file, and one that died before it set the old one aside.
    tamper(join(directory, 'journal-2.db'), 'PRAGMA journal_mode = WAL');
    const old = new Journal(directory, identity);
    expect([old.newestBatch, existsSync(join(directory, 'journal-2.db'))]).toEqual([1, false]);
    old.replace();
    old.close();
    writeFileSync(join(directory, 'journal.db'), 'left over');
    const fresh = new Journal(directory, identity);
    expect(fresh.newestBatch).toBe(1);
    fresh.close();
    expect(readdirSync(directory).toSorted()).toEqual(['journal-2.db', 'journal.aside']);
  });

  it('keep the numbers of batches that were dropped', () => {
    const directory = temporaryDirectory();
    const journal = new Journal(directory, identity);
    append(journal, 1);
    append(journal, 2);
    journal.noteFolded({ upTo: 2, kept: [] });
    append(journal, 3);
    journal.noteFolded({ upTo: 3, kept: [] });
    journal.close();
    const again = new Journal(directory, identity);
    append(again, 4);
    expect([...again.batches(0)].map(({ id }) => id)).toEqual([2, 3, 4]);
    again.close();
  });
});

describe('the log of a file that failed', () => {
  it('is put back when closing the file has removed it, and let go when it is still there', () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'journal.db');
    writeFileSync(`${file}-wal`, 'frames');
    keepLog(file);
    keepLog(file);
    expect(readdirSync(directory).toSorted()).toEqual(['journal.db-wal', 'journal.db-wal.kept']);
    restoreLog(file);
    expect(readdirSync(directory)).toEqual(['journal.db-wal']);
    linkSync(`${file}-wal`, `${file}-wal.kept`);
    writeFileSync(file, '');
    restoreLog(file);
    expect(readdirSync(directory).toSorted()).toEqual(['journal.db', 'journal.db-wal']);
  });

  it('holds what was acknowledged after a failed copy: SQLite takes it from there', () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'journal.db');
    const journal = new Journal(directory, identity);
    for (let sequence = 1; sequence <= 3; sequence++) append(journal, sequence);
    keepLog(file);
    // Closing copies the log and removes it.
    journal.close();
    expect([existsSync(`${file}-wal`), existsSync(`${file}-wal.kept`)]).toEqual([false, true]);
    const again = new Journal(directory, identity);
    expect([...again.batches(0)].map(({ id }) => id)).toEqual([1, 2, 3]);
    again.close();
  });
});
