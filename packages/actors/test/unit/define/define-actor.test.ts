import { defineActor, i32, map, packed, ranking, text, u32 } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { compileActorTypes, fingerprint } from '../../../src/define/actor-type.ts';

const asyncFunction: unknown = async () => undefined;

/** What a program without types may write. */
const define = defineActor as unknown as (name: unknown, spec: unknown) => ReturnType<typeof defineActor>;

function refusal(name: unknown, spec: unknown): string {
  try {
    compileActorTypes([define(name, spec)]);
  } catch (error) {
    expect(isGridError(error, 'INVALID_DEFINITION')).toBe(true);
    return (error as Error).message;
  }
  return 'not refused';
}

describe('defineActor', () => {
  it('gives a frozen definition that keeps its handlers', () => {
    const Counter = defineActor('counter', {
      state: { n: 0, name: '', small: u32(7), note: text(10), tags: packed<string[]>([]), board: ranking() },
      commands: { add: (turn, by: number) => (turn.state.n += by) },
      queries: { get: (view) => view.state.n },
    });
    expect(Counter.name).toBe('counter');
    expect(Object.isFrozen(Counter) && Object.isFrozen(Counter.spec)).toBe(true);
    const [type] = compileActorTypes([Counter]);
    expect(type?.handlers.map(({ name, command }) => [name, command])).toEqual([
      ['add', true],
      ['get', false],
    ]);
    expect(type?.fields.map(({ name, field }) => [name, field.kind])).toEqual([
      ['n', 'f64'],
      ['name', 'text'],
      ['small', 'u32'],
      ['note', 'text'],
      ['tags', 'packed'],
      ['board', 'ranking'],
    ]);
  });

  it.each([
    ['Counter', { state: {} }, /actor name "Counter".*lower-case/],
    ['', { state: {} }, /actor name ""/],
    [7, { state: {} }, /actor name 7/],
    ['a'.repeat(64), { state: {} }, /at most 63/],
    ['a', undefined, /no state/],
    ['a', { state: null }, /no state/],
    ['a', { state: {}, comands: {} }, /option comands: there are state, commands/],
    ['a', { state: {}, constructor: 1 }, /option constructor/],
    ['a', { state: {}, commands: { run: 7 } }, /commands\.run of actor a is not a function/],
    ['a', { state: {}, commands: { catch: () => 1 } }, /commands\.catch.*reserved/],
    ['a', { state: {}, commands: { 'a-b': () => 1 } }, /not an identifier/],
    ['a', { state: {}, commands: { x: () => 1 }, queries: { x: () => 1 } }, /x of actor a is both/],
    ['a', { state: {}, queries: { x: asyncFunction } }, /query x of actor a is asynchronous/],
    ['a', { state: { f: () => 1 } }, /field f of actor a is function/],
    ['a', { state: { s: Symbol('s') } }, /field s of actor a is symbol/],
    ['a', { state: {}, version: 0 }, /version of actor a is 0: a whole number from 1/],
    ['a', { state: {}, version: 2 }, /version 2 and no migration to 2/],
    ['a', { state: {}, idleMs: -1 }, /idleMs of actor a is -1/],
    ['a', { state: {}, whenIdle: 'drop' }, /whenIdle of actor a is drop: 'keep' or 'unload' is needed/],
    ['a', { state: {}, partitionBy: 'x' }, /partitionBy of actor a/],
    ['a', { state: {}, ack: 'disk' }, /ack of actor a is disk: 'memory'/],
  ])('refuses %o, %o with a message that says why', (name, spec, message) => {
    expect(refusal(name, spec)).toMatch(message);
  });

  it.each([
    [() => ranking({ order: 'up' as 'asc' }), /ranking\(\{ order: 'up' \}\): allowed are asc, desc/],
    [() => ranking({ ties: 'shared' as 'dense' }), /ties: 'shared'.*competition, dense/],
    [() => ranking({ odrer: 'asc' } as object), /ranking\(\{ odrer \}\): there are order and ties/],
    [() => map({ board: ranking() }), /map\(\{ board: ranking\(\) \}\): an entry can't hold a ranking/],
    [() => map({ files: map({ n: 0 }) }), /an entry can't hold a map/],
    [() => map(undefined as unknown as { n: 0 }), /map\(undefined\): the fields of an entry/],
    [() => u32(-1), /u32\(-1\): a whole number from 0/],
    [() => i32(2 ** 31), /i32\(2147483648\)/],
    [() => text('note' as unknown as number), /text\('note'\): the most bytes come first/],
    [() => text(2, 'äö'), /text\(2, 'äö'\): the initial text is none of at most 2 bytes/],
  ])('refuses a field that it could not keep: %s', (field, message) => {
    expect(field).toThrow(message);
    expect(field).toThrow(expect.objectContaining({ code: 'INVALID_DEFINITION' }));
  });

  it('refuses an initial value that could not be stored', () => {
    class Point {
      readonly x = 0;
    }
    expect(refusal('a', { state: { at: new Point() } })).toMatch(/initial value of at of actor a .* class Point/);
    const layout = () => compileActorTypes([define('a', { state: { all: map({ at: packed(new Point()) }) } })]);
    expect(() => fingerprint(layout())).toThrow(/initial value of at of map all/);
  });

  it('takes up to 64 fields and refuses more', () => {
    const fields = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 0]));
    expect(refusal('a', { state: fields(64) })).toBe('not refused');
    expect(refusal('a', { state: fields(65) })).toMatch(/65 fields: at most 64/);
  });

  it('refuses two actors of one name, and more than a hundred', () => {
    const one = defineActor('one', { state: {} });
    expect(() => compileActorTypes([one, defineActor('one', { state: {} })])).toThrow(/two actors are named one/);
    const many = Array.from({ length: 101 }, (_, index) => defineActor(`a${index}`, { state: {} }));
    expect(() => compileActorTypes(many)).toThrow(/101 actors: at most 100/);
  });
});

describe('migrations of a definition', () => {
  const keep = (old: object): object => old;
  const state = { n: 0, notes: map({ body: '' }) };

  it.each([
    [{ version: 3, migrations: { 2: keep } }, /version 3 and no migration to 3/],
    [{ version: 2, migrations: { 2: keep, 3: keep } }, /lead to 3: the actor has version 2/],
    [{ version: 2, migrations: { 2: 7 } }, /to 2 are 7: a function/],
    [{ version: 2, migrations: { 2: keep }, entryMigrations: { note: { 2: keep } } }, /name note, which is no map/],
    [{ version: 2, migrations: { 2: keep }, entryMigrations: { n: { 2: keep } } }, /name n, which is no map/],
    [{ version: 2, migrations: { 2: keep }, entryMigrations: { notes: keep(state) } }, /notes of actor a lead to n/],
    [{ version: 2, migrations: { 2: keep }, entryMigrations: { notes: 7 } }, /entryMigrations\.notes of actor a are 7/],
    [{ version: 2, migrations: { 2: keep }, entryMigrations: { notes: { 2: keep } } }, /not refused/],
  ])('that could never run are refused: %o', (spec, message) => {
    expect(refusal('a', { state, ...spec })).toMatch(message);
  });
});

describe('the fingerprint of definitions', () => {
  const of = (spec: object): string => fingerprint(compileActorTypes([define('a', spec)]));

  it('tells threads with other fields, handlers or versions apart', () => {
    const prints = [
      { state: { n: 0 } },
      { state: { n: '' } },
      { state: { m: 0 } },
      { state: { n: map({ x: 0 }) } },
      { state: { n: map({ x: '' }) } },
      { state: { n: ranking({ order: 'asc' }) } },
      { state: { n: ranking({ order: 'desc' }) } },
      { state: { n: 0 }, commands: { run: () => 1 } },
      { state: { n: 0 }, version: 2, migrations: { 2: (old: object) => old } },
    ].map(of);
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('does not depend on the order of exports', () => {
    const one = defineActor('one', { state: {} });
    const two = defineActor('two', { state: {} });
    expect(fingerprint(compileActorTypes([one, two]))).toBe(fingerprint(compileActorTypes([two, one])));
  });
});
