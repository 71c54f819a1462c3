/**
 * The process is killed at chosen writes and syncs, inside batches, between them, in folds and in checkpoints. What the next
 * one loads is the history up to some turn of each partition: everything acknowledged, and nothing half.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { applyTo } from '../fixtures/changes.ts';
import { ChildStore, type OpenedStore } from '../fixtures/child-store.ts';
import { type Fault, Faults } from '../../../../test/fixtures/faults.ts';
import { randomTurn, seededRandom } from '../fixtures/seeded-history.ts';
import { temporaryDirectory } from '../fixtures/temporary-directory.ts';

const PARTITIONS = 3;
/** Many more than it takes to come to each of the deaths below, also where folds get little of the processor. */
const TURNS = 80_000;

const faults = Faults.compile();
afterAll(() => faults?.remove());

/** What the history of a life leaves when it is cut at these sequences. */
function replay(start: OpenedStore, seed: number, reached: readonly number[]): Map<string, string>[] {
  const random = seededRandom(seed);
  const models = start.models.map((rows) => new Map(rows));
  const sequences = [...start.sequences];
  for (let turn = 0; turn < TURNS; turn++) {
    const partition = Math.floor(random() * PARTITIONS);
    const changes = randomTurn(random);
    sequences[partition] = (sequences[partition] as number) + 1;
    if (sequences[partition] <= (reached[partition] as number))
      applyTo(models[partition] as Map<string, string>, changes);
  }
  return models;
}

const deaths: readonly (readonly [string, Fault])[] = [
  ['before the first write of a batch', ['write', 'journal.db-wal', 30, 1, 'KILL']],
  ['in the middle of a write of a batch', ['write', 'journal.db-wal', 75, 1, 'TORN']],
  ['between writing a batch and its sync', ['sync', 'journal.db-wal', 12, 1, 'KILL']],
  ['between the sync of a batch and its acknowledgement', ['sync', 'journal.db-wal', 17, 1, 'AFTER']],
  ['in the middle of a fold', ['write', 'rows.db-wal', 3, 1, 'TORN']],
  ['between a fold and what the journal forgets by it', ['sync', 'rows.db-wal', 0, 1, 'AFTER']],
  ['while the log is copied into the journal', ['write', 'journal.db', 5, 1, 'TORN']],
];

describe.skipIf(faults === undefined)('a process that is killed', () => {
  it('leaves everything acknowledged and nothing half, wherever it was', { timeout: 120_000 }, async () => {
    const directory = temporaryDirectory();
    const options = { partitions: PARTITIONS, flushInterval: 1 };
    let before: OpenedStore = { models: Array.from({ length: PARTITIONS }, () => []), sequences: [0, 0, 0] };
    let acknowledged: readonly number[] = [0, 0, 0];
    let seed = 0;
    for (const [when, fault] of [...deaths, ['at the end', undefined] as const]) {
      faults?.set();
      const child = await ChildStore.start(faults?.environment);
      const found = await child.ask('open', directory, options);
      const expected = seed === 0 ? before.models.map((rows) => new Map(rows)) : replay(before, seed, found.sequences);
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const loaded = found.sequences[partition] as number;
        expect(loaded, `${when}: partition ${partition}`).toBeGreaterThanOrEqual(acknowledged[partition] as number);
        expect(new Map(found.models[partition]), `${when}: partition ${partition}`).toEqual(expected[partition]);
      }
      if (fault === undefined) {
        await child.ask('close');
        break;
      }
      before = found;
      seed++;
      faults?.set(fault);
      await expect(child.ask('run', seed, TURNS), when).rejects.toThrow('SIGKILL');
      acknowledged = child.acknowledged.length > 0 ? child.acknowledged : found.sequences;
    }
    expect(acknowledged.every((sequence) => sequence > 0)).toBe(true);
  });
});
