/** Shapes as they are stored beside the rows that were written in them. */
import { defineActor, map, packed, ranking, text, u32 } from '@spacegrid/actors';
import { encodeValue, isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { compileActorTypes } from '../../../src/define/actor-type.ts';
import { layoutOf, type StateLayout } from '../../../src/state/state-layout.ts';
import { decodeShape, encodeShape, shapeOf, shapeText } from '../../../src/state/stored-shape.ts';

const define = defineActor as unknown as (name: string, spec: unknown) => ReturnType<typeof defineActor>;

const layoutFor = (spec: object): StateLayout =>
  compileActorTypes([define('player', spec)]).map(layoutOf)[0] as StateLayout;

const state = {
  coins: 7,
  name: text(20, 'Ada'),
  small: u32(3),
  live: true,
  tags: packed(['new']),
  notes: map({ body: text(), stars: 0 }),
  scores: ranking(),
};

describe('a stored shape', () => {
  it('comes back from its bytes with kinds, initial values, maps and rankings', () => {
    const shape = shapeOf(layoutFor({ state }));
    expect(decodeShape(encodeShape(shape))).toEqual(shape);
    expect(shape.fields.map(({ name, initial }) => [name, initial])).toEqual([
      ['coins', 7],
      ['name', 'Ada'],
      ['small', 3],
      ['live', true],
      ['tags', ['new']],
    ]);
  });

  it('is told in words, in the order of its rows', () => {
    expect(shapeText(shapeOf(layoutFor({ state })))).toBe(
      'version 1 { coins: f64, name: text, small: u32, live: bool, tags: packed, notes: map { body: text, stars: f64 }, scores: ranking }',
    );
  });

  it('is another one when fields are renamed, moved or of another kind, and when the version is raised', () => {
    const texts = [
      { state: { a: 0, b: 0 } },
      { state: { b: 0, a: 0 } },
      { state: { a: 0, c: 0 } },
      { state: { a: 0, b: '' } },
      { state: { a: 0, b: map({ c: 0 }) } },
      { state: { a: 0, b: map({ d: 0 }) } },
      { state: { a: 0, b: ranking() } },
      { state: { a: 0, b: 0 }, version: 2, migrations: { 2: (old: object) => old } },
    ].map((spec) => shapeText(shapeOf(layoutFor(spec))));
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('is the same one with other initial values', () => {
    const one = shapeText(shapeOf(layoutFor({ state: { a: 0 } })));
    expect(shapeText(shapeOf(layoutFor({ state: { a: 1 } })))).toBe(one);
  });

  it.each([
    ['no bytes', new Uint8Array(0)],
    ['another value', encodeValue('a shape')],
    ['a byte too few', encodeShape(shapeOf(layoutFor({ state }))).slice(0, -1)],
  ])('is an error when the bytes are none: %s', (_what, bytes) => {
    let error: unknown;
    try {
      decodeShape(bytes);
    } catch (thrown) {
      error = thrown;
    }
    expect(isGridError(error, 'SCHEMA_VERSION'), String(error)).toBe(true);
  });
});
