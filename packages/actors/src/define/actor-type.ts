/**
 * A definition compiled for one thread: field and handler tables by number. Every thread of a node compiles the same module,
 * so the numbers agree; `fingerprint` lets them check that.
 */
import { encodeValue, InvalidDefinitionError } from '@spacegrid/core';
import { checkMigrations } from './check-migrations.ts';
import type { ActorOptions, AnyDefinition } from './define-actor.ts';
import {
  type EntryFields,
  fieldOf,
  type MapField,
  type RankingField,
  type ScalarField,
  type StateFields,
} from './state-fields.ts';

export interface CompiledField {
  readonly name: string;
  readonly index: number;
  readonly field: ScalarField<unknown> | RankingField | MapField<EntryFields>;
}

export type Handler = (first: unknown, ...args: readonly unknown[]) => unknown;

export interface CompiledHandler {
  readonly name: string;
  readonly index: number;
  readonly command: boolean;
  readonly run: Handler;
}

export interface ActorType {
  readonly name: string;
  /** Position among the grid's actor types, by name. */
  readonly index: number;
  readonly definition: AnyDefinition;
  readonly options: ActorOptions<StateFields>;
  readonly version: number;
  readonly fields: readonly CompiledField[];
  readonly handlers: readonly CompiledHandler[];
  readonly handlerByName: ReadonlyMap<string, CompiledHandler>;
  readonly idleMs: number;
  /** Its idle actors' state leaves memory. */
  readonly unloads: boolean;
}

/** Most actor types of a grid: each has a root in every partition heap. */
export const ACTOR_TYPES_MAX = 100;
const FIELDS_MAX = 64;
const HANDLERS_MAX = 255;

/** Compiles definitions in the order of their names. Throws InvalidDefinitionError. */
export function compileActorTypes(definitions: readonly AnyDefinition[]): readonly ActorType[] {
  const sorted = [...definitions].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (sorted.length > ACTOR_TYPES_MAX) {
    throw new InvalidDefinitionError(
      `the actors module defines ${sorted.length} actors: at most ${ACTOR_TYPES_MAX} are allowed`,
    );
  }
  return sorted.map((definition, index) => {
    if (sorted[index - 1]?.name === definition.name) {
      throw new InvalidDefinitionError(`two actors are named ${definition.name}: names are unique in a grid`);
    }
    return compile(definition, index);
  });
}

/** What must be the same in all threads and, with the version, in the store. */
export function fingerprint(types: readonly ActorType[]): string {
  return types
    .map(
      (type) =>
        `${type.name}@${type.version}${type.unloads ? '-unloads' : ''}(${type.fields.map(describe).join()})[${type.handlers.map((h) => h.name).join()}]`,
    )
    .join(';');
}

/** A field as text: its kind, and what decides how it lies in memory. */
export function describe({ name, field }: CompiledField): string {
  if (field.kind === 'map') {
    // Where an entry's fields lie depends on what is kept beside them.
    const policy = field.policy === undefined ? '' : JSON.stringify(field.policy);
    return `${name}:map{${compileFields(`map ${name}`, field.entry).map(describe).join()}}${policy}`;
  }
  if (field.kind === 'ranking') return `${name}:ranking(${field.order},${field.ties})`;
  return `${name}:${field.kind}`;
}

export function compileFields(owner: string, state: StateFields): readonly CompiledField[] {
  const entries = Object.entries(state);
  if (entries.length > FIELDS_MAX)
    throw new InvalidDefinitionError(`${owner} has ${entries.length} fields: at most ${FIELDS_MAX} are allowed`);
  return entries.map(([name, literal], index) => {
    const field = fieldOf(literal);
    if (field === undefined || name === '__proto__' || name.length > 64) {
      throw new InvalidDefinitionError(
        `field ${name} of ${owner} is ${typeof literal}: a state holds numbers, texts, booleans, plain values, ranking() and map()`,
      );
    }
    if (field.kind === 'packed') checkInitial(`${name} of ${owner}`, field.initial);
    return { name, index, field };
  });
}

function checkInitial(what: string, initial: unknown): void {
  try {
    encodeValue(initial, what);
  } catch (cause) {
    throw new InvalidDefinitionError(
      `the initial value of ${what} can't be stored: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function compile(definition: AnyDefinition, index: number): ActorType {
  const { name, spec } = definition;
  const handlers: CompiledHandler[] = [];
  for (const [group, command] of [
    [spec.commands, true],
    [spec.queries, false],
  ] as const) {
    for (const [handler, run] of Object.entries((group ?? {}) as Record<string, Handler>)) {
      handlers.push({ name: handler, index: handlers.length, command, run });
    }
  }
  if (handlers.length > HANDLERS_MAX)
    throw new InvalidDefinitionError(
      `actor ${name} has ${handlers.length} handlers: at most ${HANDLERS_MAX} are allowed`,
    );
  const version = spec.version ?? 1;
  if (!Number.isInteger(version) || version < 1)
    throw new InvalidDefinitionError(`version of actor ${name} is ${version}: allowed are whole numbers from 1`);
  checkMigrations(name, spec, version);
  return {
    name,
    index,
    definition,
    options: spec,
    version,
    fields: compileFields(`actor ${name}`, spec.state),
    handlers,
    handlerByName: new Map(handlers.map((handler) => [handler.name, handler])),
    idleMs: spec.idleMs ?? 60_000,
    unloads: spec.whenIdle === 'unload',
  };
}
