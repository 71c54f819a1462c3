/**
 * The shape that rows of an actor type were written in, as it is stored beside them: what a later version of the code needs
 * to read them. Values stand in a row in the order of the fields here.
 */
import { PackReader, PackWriter, readValue, SchemaVersionError, writeValue } from '@spacegrid/core';
import type { EntryLayout, ScalarSlot, StateLayout } from './state-layout.ts';

export interface StoredField {
  readonly name: string;
  readonly kind: ScalarSlot['field']['kind'];
  /** What the field was where a row says nothing. */
  readonly initial: unknown;
}

export interface StoredShape {
  readonly version: number;
  readonly fields: readonly StoredField[];
  /** By name of the map: the fields of its entries. */
  readonly maps: ReadonlyMap<string, readonly StoredField[]>;
  readonly rankings: readonly string[];
}

export function shapeOf(layout: StateLayout): StoredShape {
  const maps = layout.structures.filter(({ entry }) => entry !== undefined);
  return {
    version: layout.type.version,
    fields: layout.scalars.map(storedField),
    maps: new Map(maps.map(({ name, entry }) => [name, (entry as EntryLayout).scalars.map(storedField)])),
    rankings: layout.structures.filter(({ entry }) => entry === undefined).map(({ name }) => name),
  };
}

/** The shape in words: two with the same text have rows of the same form. Initial values do not count. */
export function shapeText({ version, fields, maps, rankings }: StoredShape): string {
  const list = (of: readonly StoredField[]): string => of.map(({ name, kind }) => `${name}: ${kind}`).join(', ');
  const parts = [
    ...(fields.length > 0 ? [list(fields)] : []),
    ...[...maps].map(([name, entry]) => `${name}: map { ${list(entry)} }`),
    ...rankings.map((name) => `${name}: ranking`),
  ];
  return `version ${version} { ${parts.join(', ')} }`;
}

export function encodeShape({ version, fields, maps, rankings }: StoredShape): Uint8Array {
  const list = (of: readonly StoredField[]): unknown => of.map(({ name, kind, initial }) => [name, kind, initial]);
  const writer = PackWriter.growing();
  writeValue(writer, [version, list(fields), [...maps].map(([name, entry]) => [name, list(entry)]), rankings]);
  return writer.written().slice();
}

/** Throws SchemaVersionError for bytes that are no shape. */
export function decodeShape(bytes: Uint8Array): StoredShape {
  try {
    const [version, fields, maps, rankings] = readValue(new PackReader(bytes)) as [
      number,
      readonly FieldTuple[],
      readonly (readonly [string, readonly FieldTuple[]])[],
      readonly string[],
    ];
    const list = (of: readonly FieldTuple[]): readonly StoredField[] =>
      of.map(([name, kind, initial]) => ({ name, kind, initial }));
    return {
      version,
      fields: list(fields),
      maps: new Map(maps.map(([name, entry]) => [name, list(entry)])),
      rankings,
    };
  } catch (cause) {
    throw new SchemaVersionError('the store holds the shape of an actor in a form that this version does not know', {
      cause,
    });
  }
}

type FieldTuple = readonly [name: string, kind: StoredField['kind'], initial: unknown];

function storedField({ name, field }: ScalarSlot): StoredField {
  return { name, kind: field.kind, initial: field.initial };
}
