import { InvalidDefinitionError } from '@spacegrid/core';
import { type MapOptions, type MapPolicy, resolveMapOptions } from './map-policy.ts';

/**
 * What a state literal may hold. A literal gives a typed field (`0` is f64, `''` text, `true` bool); the functions here say
 * more. Objects and arrays are packed values, handed out deeply read-only and changed by assignment.
 */
export interface ScalarField<T> {
  readonly kind: 'f64' | 'u32' | 'i32' | 'bool' | 'text' | 'packed';
  readonly initial: T;
  /** Most bytes of a text or packed value. */
  readonly maxBytes: number;
}

export type RankingOrder = 'asc' | 'desc';
export type RankingTies = 'competition' | 'dense' | 'first-to-reach' | 'ordinal';

export interface RankingField {
  readonly kind: 'ranking';
  readonly order: RankingOrder;
  readonly ties: RankingTies;
}

export interface MapField<F extends EntryFields> {
  readonly kind: 'map';
  readonly entry: F;
  /** How long entries stay, and how many; undefined for a map without such options. */
  readonly policy: MapPolicy | undefined;
}

/** Fields of a map's entries: scalars and packed values. */
export interface EntryFields {
  readonly [name: string]: ScalarField<unknown> | number | string | boolean | object;
}

export interface StateFields {
  readonly [name: string]: unknown;
}

type Literal = string | number | boolean;

type IsUnion<F, Whole = F> = F extends unknown ? ([Whole] extends [F] ? false : true) : never;

/** A literal widened to its kind; a union of literals (`'open' as 'open' | 'sold'`) stays what the program says it is. */
type Widened<F> = [F] extends [boolean] ? boolean : true extends IsUnion<F> ? F : F extends number ? number : string;

/** The plain value that a scalar field or literal stands for. */
export type ScalarValue<F> = [F] extends [Literal] ? Widened<F> : F extends ScalarField<infer T> ? T : F;

/** `unknown` stays what it is: mapped it were `{}`, to which no definition with a field that may be null is assignable. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends number | string | boolean | bigint | null | undefined | Date | Uint8Array
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
      : T extends ReadonlySet<infer V>
        ? ReadonlySet<DeepReadonly<V>>
        : { readonly [K in keyof T]: DeepReadonly<T[K]> };

const VALUE_BYTES_MAX = 16 * 1024 * 1024;

/** A whole number from 0 to 4,294,967,295. Default 0. Throws InvalidDefinitionError for another initial value. */
export function u32(initial = 0): ScalarField<number> {
  return whole('u32', initial, 0, 2 ** 32 - 1);
}

/** A whole number from −2,147,483,648 to 2,147,483,647. Default 0. Throws InvalidDefinitionError for another initial value. */
export function i32(initial = 0): ScalarField<number> {
  return whole('i32', initial, -(2 ** 31), 2 ** 31 - 1);
}

function whole(kind: 'u32' | 'i32', initial: number, min: number, max: number): ScalarField<number> {
  if (!Number.isInteger(initial) || initial < min || initial > max)
    throw new InvalidDefinitionError(`${kind}(${shown(initial)}): a whole number from ${min} to ${max} is needed`);
  return { kind, initial, maxBytes: 4 };
}

/**
 * A text of at most `maxBytes` bytes of UTF-8. Default `''`, 16 MiB. Throws InvalidDefinitionError for a limit that is none, and
 * for an initial text that does not fit.
 */
export function text(maxBytes: number = VALUE_BYTES_MAX, initial = ''): ScalarField<string> {
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > VALUE_BYTES_MAX)
    throw new InvalidDefinitionError(
      `text(${shown(maxBytes)}): the most bytes come first, a whole number from 1 to ${VALUE_BYTES_MAX}, then the initial text`,
    );
  if (typeof initial !== 'string' || Buffer.byteLength(initial) > maxBytes)
    throw new InvalidDefinitionError(
      `text(${maxBytes}, ${shown(initial)}): the initial text is none of at most ${maxBytes} bytes`,
    );
  return { kind: 'text', initial, maxBytes };
}

/** Any plain value (objects, arrays, Map, Set, Date, bytes), typed by `T`. */
export function packed<T>(initial: T): ScalarField<DeepReadonly<T>> {
  return { kind: 'packed', initial: initial as DeepReadonly<T>, maxBytes: VALUE_BYTES_MAX };
}

const ORDERS: readonly unknown[] = ['asc', 'desc'];
const TIES: readonly unknown[] = ['competition', 'dense', 'first-to-reach', 'ordinal'];

/**
 * Members with scores, ordered. `order` defaults to `'desc'`; `ties` to `'first-to-reach'` (who had the score first is
 * before), or `'ordinal'` (by name), `'competition'` (1, 2, 2, 4), `'dense'` (1, 2, 2, 3). Throws InvalidDefinitionError for
 * other options and values.
 */
export function ranking(options: { order?: RankingOrder; ties?: RankingTies } = {}): RankingField {
  const { order = 'desc', ties = 'first-to-reach', ...others } = options;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new InvalidDefinitionError(`ranking({ ${other} }): there are order and ties`);
  if (!ORDERS.includes(order))
    throw new InvalidDefinitionError(`ranking({ order: ${shown(order)} }): allowed are ${ORDERS.join(', ')}`);
  if (!TIES.includes(ties))
    throw new InvalidDefinitionError(`ranking({ ties: ${shown(ties)} }): allowed are ${TIES.join(', ')}`);
  return { kind: 'ranking', order, ties };
}

/**
 * Entries by string key, each a record of the given fields: `map({ name: text(), points: 0 })`. An entry holds scalars and plain
 * values; a ranking or map within one is an InvalidDefinitionError.
 *
 * `options` let entries expire (`ttl`, `maxIdle`) and make room by evicting (`evict`). An expired entry is absent at once for
 * commands, queries, scans and peeks, and is removed within a second; both removals are changes like any
 * other, stored and undone with their turn. Throws InvalidDefinitionError for options that are none, or contradict each other.
 */
export function map<const F extends EntryFields>(entry: F, options?: MapOptions): MapField<F> {
  if (typeof entry !== 'object' || entry === null)
    throw new InvalidDefinitionError(
      `map(${shown(entry)}): the fields of an entry are needed, e.g. map({ points: 0 })`,
    );
  for (const [name, literal] of Object.entries(entry)) {
    const kind = fieldOf(literal)?.kind;
    if (kind === 'ranking' || kind === 'map')
      throw new InvalidDefinitionError(
        `map({ ${name}: ${kind}() }): an entry can't hold a ${kind}; give each its own actor, or make ${name} a field of the state`,
      );
  }
  return { kind: 'map', entry, policy: resolveMapOptions(options) };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** The field that a literal or descriptor stands for; undefined for what a state can't hold. */
export function fieldOf(literal: unknown): ScalarField<unknown> | RankingField | MapField<EntryFields> | undefined {
  switch (typeof literal) {
    case 'number':
      return { kind: 'f64', initial: literal, maxBytes: 8 };
    case 'string':
      return { kind: 'text', initial: literal, maxBytes: VALUE_BYTES_MAX };
    case 'boolean':
      return { kind: 'bool', initial: literal, maxBytes: 1 };
    case 'object':
      return literal !== null && isDescriptor(literal)
        ? literal
        : { kind: 'packed', initial: literal, maxBytes: VALUE_BYTES_MAX };
    default:
      return undefined;
  }
}

const DESCRIPTOR_KINDS = new Set(['f64', 'u32', 'i32', 'bool', 'text', 'packed', 'ranking', 'map']);

function isDescriptor(value: object): value is ScalarField<unknown> | RankingField | MapField<EntryFields> {
  if (!('kind' in value) || typeof value.kind !== 'string' || !DESCRIPTOR_KINDS.has(value.kind)) return false;
  return 'initial' in value || 'ties' in value || 'entry' in value;
}
