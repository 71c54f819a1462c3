/** Which stored rows the code can bring to its own shape, and how it refuses the others. */
import { defineActor, map, ranking, text } from '@spacegrid/actors';
import { isGridError, PackReader, PackWriter, RecordDraft } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { compileActorTypes } from '../../../src/define/actor-type.ts';
import { RowMigration } from '../../../src/state/row-migration.ts';
import { type EntryLayout, layoutOf, type StateLayout } from '../../../src/state/state-layout.ts';
import { shapeOf } from '../../../src/state/stored-shape.ts';

const define = defineActor as unknown as (name: string, spec: unknown) => ReturnType<typeof defineActor>;
const keep = (old: object): object => old;
const key = new TextEncoder().encode('ada');

const layoutFor = (spec: object): StateLayout =>
  compileActorTypes([define('player', spec)]).map(layoutOf)[0] as StateLayout;

const inV2 = (state: object, migrate: unknown = keep, entryMigrations = {}): StateLayout =>
  layoutFor({ state, version: 2, migrations: { 2: migrate }, entryMigrations });

function refusal(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    expect(isGridError(error, 'SCHEMA_VERSION'), String(error)).toBe(true);
    return error as Error;
  }
  throw new Error('it was not refused');
}

function rowOf(number: number): PackReader {
  const writer = PackWriter.growing();
  writer.f64(number);
  return new PackReader(writer.written());
}

const v1 = layoutFor({ state: { coins: 0, notes: map({ stars: 0 }) } });

describe('the way from a stored shape to the defined one', () => {
  it('is none when they are the same, and leads through migrations when the version is higher', () => {
    expect(new RowMigration(shapeOf(v1), v1).isCurrent).toBe(true);
    expect(new RowMigration(shapeOf(v1), inV2({ coins: 0, notes: map({ stars: 0 }) })).isCurrent).toBe(false);
  });

  it.each([
    ['the data is newer', inV2({ a: 0 }), layoutFor({ state: { a: 0 } }), /version 2 \{ a: f64 \}.*version 1.*newer/],
    [
      'the version was not raised',
      layoutFor({ state: { b: 0 } }),
      v1,
      /\{ b: f64 \}.*\{ coins: f64.*raise the version/,
    ],
    ['a map became a ranking', v1, inV2({ notes: ranking() }), /notes was a map, and can't become a ranking/],
    ['a ranking became a map', layoutFor({ state: { r: ranking() } }), inV2({ r: map({ n: 0 }) }), /r was a ranking/],
  ])('is refused when %s', (_when, stored, defined, message) => {
    expect(refusal(() => new RowMigration(shapeOf(stored), defined)).message).toMatch(message);
  });
});

describe('a migration', () => {
  const run = (defined: StateLayout) => (): void =>
    new RowMigration(shapeOf(v1), defined).state(rowOf(5), new RecordDraft(defined.shape), key);

  const cause = new RangeError('no idea');

  it.each([
    [
      'throws',
      inV2({ coins: 0 }, thrower(cause)),
      /player "ada" can't be brought from version 1 to 2:.*2 failed: no idea/,
    ],
    ['returns nothing', inV2({ coins: 0 }, thrower()), /the migration to 2 returned undefined/],
    ['changes what it is given', inV2({ coins: 0 }, raise), /the migration to 2 failed: .*read only/],
    ['returns what the state does not have', inV2({ gold: 0 }), /a field coins, which the state does not have/],
    ['returns another kind', inV2({ coins: 0 }, () => ({ coins: '5' })), /coins is f64: a text of 1 characters/],
    ['returns more than fits', inV2({ coins: text(2) }, () => ({ coins: '500' })), /coins/],
  ])('is refused with the key when it %s', (_what, defined, message) => {
    expect(refusal(run(defined)).message).toMatch(message);
  });

  it('that throws is the cause of the refusal', () => {
    expect(refusal(run(inV2({ coins: 0 }, thrower(cause)))).cause).toBe(cause);
  });

  function thrower(error?: Error): () => void {
    return () => {
      if (error !== undefined) throw error;
    };
  }

  function raise(old: { coins: number }): object {
    old.coins += 1;
    return old;
  }
});

describe("an entry's row", () => {
  const run = (defined: StateLayout) => (): void => {
    const { entry } = defined.structureByName.get('notes') as { entry: EntryLayout };
    new RowMigration(shapeOf(v1), defined).entry('notes', rowOf(5), new RecordDraft(entry.shape), key, entry.scalars);
  };

  it('is carried over by name, and what has no name any more is dropped', () => {
    expect(run(inV2({ coins: 0, notes: map({ colour: 'red' }) }))).not.toThrow();
  });

  it('is refused with map and key when a field of the same name has another kind', () => {
    const { message } = refusal(run(inV2({ coins: 0, notes: map({ stars: '' }) })));
    expect(message).toMatch(/player, notes "ada" can't be brought.*stars is text: 5 does not fit/);
  });

  it('goes through entryMigrations where the map has some', () => {
    const seen: unknown[] = [];
    const migrate = (old: object): object => {
      seen.push({ ...old });
      return { stars: '*****' };
    };
    expect(run(inV2({ coins: 0, notes: map({ stars: '' }) }, keep, { notes: { 2: migrate } }))).not.toThrow();
    expect(seen).toEqual([{ stars: 5 }]);
  });
});
