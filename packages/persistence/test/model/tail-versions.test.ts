/** No false alarms: whatever turns do while memory is read, what a row really was is among what the store's side allows. */
import { ChangeSetWriter, PackWriter, RowPairs, rowKeyHash, rowValueHash } from '@spacegrid/core';
import { expect, it } from 'vitest';
import { latin1, TailVersions, valuesAt } from '../../src/verify/tail-versions.ts';
import { seededRandom } from '../fixtures/seeded-history.ts';

const HISTORIES = 300;
const KEYS = ['a', 'a1', 'a2', 'b', 'b1', 'bb', 'c'];

type Rows = ReadonlyMap<string, string>;
type Below = (limit: number) => number;

interface History {
  readonly held: Rows;
  readonly tail: TailVersions;
  /** By sequence. */
  readonly states: readonly Rows[];
  /** Sequences at which a run of the journal ends. */
  readonly lasts: ReadonlySet<number>;
}

function randomHistory(below: Below): History {
  const held = new Map(KEYS.filter(() => below(2) === 0).map((key) => [key, `held ${key}`]));
  const tail = new TailVersions((prefix) =>
    [...held.keys()].filter((key) => key.startsWith(latin1(prefix))).map((key) => Buffer.from(key)),
  );
  const states: Rows[] = [held];
  const lasts = new Set<number>();
  for (let run = 1 + below(6); run > 0; run--) {
    const first = states.length;
    const changes = new ChangeSetWriter(PackWriter.growing());
    for (let turn = 1 + below(3); turn > 0; turn--) {
      const rows = new Map(states.at(-1));
      for (let change = below(3); change > 0; change--) changeOne(below, rows, changes);
      states.push(rows);
    }
    const last = states.length - 1;
    lasts.add(last);
    tail.add({ partition: 0, epoch: 1, first, last, changes: changes.writer.written().slice() });
  }
  return { held, tail, states, lasts };
}

function changeOne(below: Below, rows: Map<string, string>, changes: ChangeSetWriter): void {
  const key = KEYS[below(KEYS.length)] as string;
  const kind = below(4);
  if (kind < 2) {
    const value = `${key} ${below(3)}`;
    rows.set(key, value);
    changes.put(Buffer.from(key), Buffer.from(value));
  } else if (kind === 2) {
    rows.delete(key);
    changes.delete(Buffer.from(key));
  } else {
    for (const other of [...rows.keys()]) if (other.startsWith(key)) rows.delete(other);
    changes.clearPrefix(Buffer.from(key));
  }
}

function hashesOf(key: string, value: string): [number, number] {
  const keyHash = rowKeyHash(Buffer.from(key), 0, key.length);
  return [keyHash, rowValueHash(Buffer.from(value), 0, value.length, keyHash)];
}

function pairsOf(rows: Rows): RowPairs {
  const pairs = new RowPairs();
  for (const [key, value] of rows) pairs.add(...hashesOf(key, value));
  pairs.sort();
  return pairs;
}

it('every row may be what it was at every sequence, over random histories', () => {
  const seed = Number(process.env['SPACEGRID_SEED'] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let number = 0; number < HISTORIES; number++) {
    const { held, tail, states, lasts } = randomHistory(below);
    const from = below(states.length);
    const changed = new Set(tail.changed());
    const { pairs, absent } = tail.allowed(from, pairsOf(held));
    const versions = tail.versionsOf(KEYS.map((key) => Buffer.from(key)));
    for (const [sequence, rows] of states.entries()) {
      for (const key of KEYS) {
        const value = rows.get(key);
        const [keyHash, valueHash] = hashesOf(key, value ?? '');
        const where = `SPACEGRID_SEED=${seed}, history ${number}: ${key} at ${sequence}, read from ${from}`;
        if (!changed.has(keyHash)) expect(value, where).toBe(held.get(key));
        else if (sequence >= from)
          expect(value === undefined ? absent.includes(keyHash) : pairs.has(keyHash, valueHash), where).toBe(true);
        const before = held.get(key);
        const values = valuesAt(
          [before === undefined ? undefined : Buffer.from(before)],
          versions.get(key) ?? [],
          sequence,
        );
        const texts = values.map((bytes) => (bytes === undefined ? undefined : latin1(bytes)));
        expect(texts, where).toContain(value);
        if (lasts.has(sequence)) expect(texts, where).toEqual([value]);
      }
    }
  }
});
