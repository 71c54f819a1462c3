/**
 * How an actor type's state lies in a partition heap: one record for each actor in the type's HotMap. Scalars are fields of
 * the record; a ranking or map is a structure of its own, whose header the record refers to (0 while it was never written).
 */
import {
  EntryLife,
  type FieldDescription,
  frequencyStamps,
  recencyStamps,
  type RecordExtras,
  type RecordField,
  RecordShape,
} from '@spacegrid/core';
import { type ActorType, type CompiledField, compileFields } from '../define/actor-type.ts';
import type { MapPolicy } from '../define/map-policy.ts';
import type { EntryFields, MapField, RankingField, ScalarField } from '../define/state-fields.ts';
import { fieldTag } from './row-keys.ts';

export interface ScalarSlot {
  readonly name: string;
  readonly index: number;
  readonly record: RecordField;
  readonly field: ScalarField<unknown>;
}

export interface StructureSlot {
  readonly name: string;
  readonly index: number;
  /** Holds the header's reference. */
  readonly record: RecordField;
  readonly field: RankingField | MapField<EntryFields>;
  readonly tag: Uint8Array;
  /** Of a map's entries. */
  readonly entry: EntryLayout | undefined;
}

export interface EntryLayout {
  readonly shape: RecordShape;
  readonly scalars: readonly ScalarSlot[];
  readonly byName: ReadonlyMap<string, ScalarSlot>;
  /** Of a map whose entries expire or are evicted. */
  readonly kept: KeptEntries | undefined;
}

export interface KeptEntries {
  readonly policy: MapPolicy;
  readonly life: EntryLife;
}

export interface StateLayout {
  readonly type: ActorType;
  readonly shape: RecordShape;
  readonly scalars: readonly ScalarSlot[];
  readonly structures: readonly StructureSlot[];
  readonly structureByName: ReadonlyMap<string, StructureSlot>;
  /** Set in the record of an actor whose state is in the store alone (stubs.ts). Undefined where the type keeps its state. */
  readonly unloaded: RecordField | undefined;
}

/** Root slots below are the partition's own. */
export const FIRST_TYPE_ROOT = 16;

/** Longer than the name of any field that a definition can have. */
const UNLOADED = 'unloaded'.padEnd(65, ' ');

export function layoutOf(type: ActorType): StateLayout {
  const structures: StructureSlot[] = [];
  const { shape, scalars } = layFields(type.fields, {}, type.unloads);
  for (const { name, field } of type.fields) {
    if (field.kind !== 'ranking' && field.kind !== 'map') continue;
    structures.push({
      name,
      index: structures.length,
      record: shape.fieldOrThrow(name),
      field,
      tag: fieldTag(name),
      entry: field.kind === 'map' ? entryLayout(name, field) : undefined,
    });
  }
  return {
    type,
    shape,
    scalars,
    structures,
    structureByName: new Map(structures.map((slot) => [slot.name, slot])),
    unloaded: type.unloads ? shape.fieldOrThrow(UNLOADED) : undefined,
  };
}

function entryLayout(name: string, field: MapField<EntryFields>): EntryLayout {
  const { policy } = field;
  const extras = { timed: policy?.timed === true, versioned: policy?.evict !== undefined };
  const { shape, scalars } = layFields(compileFields(`map ${name}`, field.entry), extras);
  return {
    shape,
    scalars,
    byName: new Map(scalars.map((slot) => [slot.name, slot])),
    kept: policy === undefined ? undefined : { policy, life: lifeOf(policy, shape) },
  };
}

function lifeOf(policy: MapPolicy, shape: RecordShape): EntryLife {
  return new EntryLife(shape, policy.evict?.policy === 'lfu' ? frequencyStamps : recencyStamps, policy.maxIdleMs);
}

function layFields(
  fields: readonly CompiledField[],
  extras: RecordExtras = {},
  unloads: boolean = false,
): { shape: RecordShape; scalars: ScalarSlot[] } {
  const described: FieldDescription[] = fields.map(({ name, field }) =>
    field.kind === 'ranking' || field.kind === 'map'
      ? { name, kind: 'u32' }
      : { name, kind: field.kind, initial: field.initial, maxBytes: field.maxBytes },
  );
  if (unloads) described.push({ name: UNLOADED, kind: 'bool' });
  const shape = new RecordShape(described, extras);
  const scalars: ScalarSlot[] = [];
  for (const { name, field } of fields) {
    if (field.kind === 'ranking' || field.kind === 'map') continue;
    scalars.push({ name, index: scalars.length, record: shape.fieldOrThrow(name), field });
  }
  return { shape, scalars };
}
