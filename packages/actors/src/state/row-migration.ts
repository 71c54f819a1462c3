/**
 * Brings rows of an older version of an actor type to the one that the code defines: decoded by the shape that they were
 * written in, handed through the migrations, checked, and drafted. The rows in the store stay as they are until their actor
 * or entry is next written.
 */
import { PackReader, type RecordDraft, readValue, SchemaVersionError } from '@spacegrid/core';
import { checkScalar, draftScalar } from './scalar-values.ts';
import type { ScalarSlot, StateLayout } from './state-layout.ts';
import { shapeOf, shapeText, type StoredField, type StoredShape } from './stored-shape.ts';

type Values = Record<string, unknown>;

// Without the option a text that begins with U+FEFF loses it.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export class RowMigration {
  /** True when nothing is to be done: rows are of the form that the code defines. */
  readonly isCurrent: boolean;
  private readonly stored: StoredShape;
  private readonly layout: StateLayout;

  /** Throws SchemaVersionError, naming both shapes, when there is no way from the stored one to the code's. */
  constructor(stored: StoredShape, layout: StateLayout) {
    const { name, version } = layout.type;
    const defined = shapeOf(layout);
    const both = `stored ${name} has ${shapeText(stored)}, the code defines ${shapeText(defined)}`;
    this.isCurrent = shapeText(stored) === shapeText(defined);
    this.stored = stored;
    this.layout = layout;
    if (stored.version > version)
      throw new SchemaVersionError(`${both}: the data is of a newer program, which alone can open it`);
    if (stored.version === version && !this.isCurrent)
      throw new SchemaVersionError(`${both}: raise the version and give a migration`);
    for (const slot of layout.structures) {
      const was = stored.maps.has(slot.name)
        ? 'map'
        : stored.rankings.includes(slot.name)
          ? 'ranking'
          : slot.field.kind;
      if (was !== slot.field.kind)
        throw new SchemaVersionError(`${both}: ${slot.name} was a ${was}, and can't become a ${slot.field.kind}`);
    }
  }

  /** A row of an actor's own fields. */
  state(row: PackReader, draft: RecordDraft, key: Uint8Array): void {
    const { type } = this.layout;
    const migrations = type.options.migrations;
    const where = (): string => `${type.name} "${utf8.decode(key)}"`;
    const values = this.run(readFields(row, this.stored.fields), (step) => migrations?.[step], where);
    for (const name of Object.keys(values)) {
      if (this.layout.scalars.every((slot) => slot.name !== name))
        throw this.failure(where(), `the migrations return a field ${name}, which the state does not have`);
    }
    this.fill(draft, this.layout.scalars, values, where);
  }

  /** A row of a map's entry: fields are carried over by name, and through `entryMigrations` where there are some. */
  entry(map: string, row: PackReader, draft: RecordDraft, key: Uint8Array, slots: readonly ScalarSlot[]): void {
    const { type } = this.layout;
    const migrations = type.options.entryMigrations?.[map];
    const where = (): string => `${type.name}, ${map} "${utf8.decode(key)}"`;
    const fields = this.stored.maps.get(map);
    if (fields === undefined) throw this.failure(where(), 'its stored shape has no such map');
    this.fill(
      draft,
      slots,
      this.run(readFields(row, fields), (step) => migrations?.[step], where),
      where,
    );
  }

  private run(
    stored: Values,
    migrationTo: (version: number) => ((old: Values) => Values) | undefined,
    where: () => string,
  ): Values {
    let values = stored;
    for (let step = this.stored.version + 1; step <= this.layout.type.version; step++) {
      const migrate = migrationTo(step);
      if (migrate === undefined) continue;
      try {
        values = migrate(Object.freeze(values));
      } catch (cause) {
        throw this.failure(where(), `the migration to ${step} failed: ${messageOf(cause)}`, cause);
      }
      if (typeof values !== 'object' || values === null)
        throw this.failure(where(), `the migration to ${step} returned ${String(values)}: an object is needed`);
    }
    return values;
  }

  private fill(draft: RecordDraft, slots: readonly ScalarSlot[], values: Values, where: () => string): void {
    for (const slot of slots) {
      const value = Object.hasOwn(values, slot.name) ? values[slot.name] : undefined;
      try {
        draftScalar(draft, slot, checkScalar(slot, value === undefined ? slot.field.initial : value));
      } catch (cause) {
        throw this.failure(where(), messageOf(cause), cause);
      }
    }
  }

  private failure(where: string, why: string, cause?: unknown): SchemaVersionError {
    const { version } = this.layout.type;
    return new SchemaVersionError(
      `${where} can't be brought from version ${this.stored.version} to ${version}: ${why}`,
      {
        cause,
      },
    );
  }
}

function readFields(row: PackReader, fields: readonly StoredField[]): Values {
  const values: Values = {};
  for (const { name, kind, initial } of fields) values[name] = readField(row, kind, initial);
  return values;
}

function readField(row: PackReader, kind: StoredField['kind'], initial: unknown): unknown {
  if (kind === 'f64') return row.f64();
  if (kind === 'bool') return row.u8() !== 0;
  if (kind === 'i32') return row.i32();
  if (kind === 'u32') return row.i32() >>> 0;
  const length = row.varint();
  if (length === 0) return initial;
  const bytes = row.raw(length - 1);
  return kind === 'text' ? utf8.decode(bytes) : readValue(new PackReader(bytes), true);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
