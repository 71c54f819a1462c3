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
}

/** Fields of a map's entries: scalars and packed values. */
export interface EntryFields {
  readonly [name: string]: ScalarField<unknown> | number | string | boolean | object;
}

export interface StateFields {
  readonly [name: string]: unknown;
}

/** The plain value that a scalar field or literal stands for. */
export type ScalarValue<F> =
  F extends ScalarField<infer T>
    ? T
    : F extends number
      ? number
      : F extends string
        ? string
        : F extends boolean
          ? boolean
          : F;

export type DeepReadonly<T> = T extends number | string | boolean | bigint | null | undefined | Date | Uint8Array
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
    : T extends ReadonlySet<infer V>
      ? ReadonlySet<DeepReadonly<V>>
      : { readonly [K in keyof T]: DeepReadonly<T[K]> };

const VALUE_BYTES_MAX = 16 * 1024 * 1024;

/** A whole number from 0 to 4,294,967,295. Default 0. */
export function u32(initial = 0): ScalarField<number> {
  return { kind: 'u32', initial, maxBytes: 4 };
}

/** A whole number from −2,147,483,648 to 2,147,483,647. Default 0. */
export function i32(initial = 0): ScalarField<number> {
  return { kind: 'i32', initial, maxBytes: 4 };
}

/** A text of at most `maxBytes` bytes of UTF-8. Default `''`, 16 MiB. */
export function text(maxBytes: number = VALUE_BYTES_MAX, initial = ''): ScalarField<string> {
  return { kind: 'text', initial, maxBytes };
}

/** Any plain value (objects, arrays, Map, Set, Date, bytes), typed by `T`. */
export function packed<T>(initial: T): ScalarField<DeepReadonly<T>> {
  return { kind: 'packed', initial: initial as DeepReadonly<T>, maxBytes: VALUE_BYTES_MAX };
}

/**
 * Members with scores, ordered. `order` defaults to `'desc'`; `ties` to `'first-to-reach'` (who had the score first is
 * before), or `'ordinal'` (by name), `'competition'` (1, 2, 2, 4), `'dense'` (1, 2, 2, 3).
 */
export function ranking(options: { order?: RankingOrder; ties?: RankingTies } = {}): RankingField {
  return { kind: 'ranking', order: options.order ?? 'desc', ties: options.ties ?? 'first-to-reach' };
}

/** Entries by string key, each a record of the given fields: `map({ name: text(), points: 0 })`. */
export function map<const F extends EntryFields>(entry: F): MapField<F> {
  return { kind: 'map', entry };
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
