/** What handlers see of a state: writable in a turn, read-only in a query. Types only. */
import type { EntryOptions } from './map-policy.ts';
import type {
  DeepReadonly,
  EntryFields,
  MapField,
  RankingField,
  ScalarField,
  ScalarValue,
  StateFields,
} from './state-fields.ts';

export interface RankingEntry {
  /** From 1. */
  readonly rank: number;
  readonly member: string;
  readonly score: number;
}

export interface RankingView {
  readonly size: number;
  /** Undefined when the member is not there. */
  score(member: string): number | undefined;
  /** From 1, by the ranking's order and ties; undefined when the member is not there. */
  rank(member: string): number | undefined;
  top(count: number): RankingEntry[];
  /** Entries from position `offset` (0 is the best) on. */
  page(offset: number, limit: number): RankingEntry[];
  /** The member with up to `count` neighbours on each side; empty when it is not there. */
  around(member: string, count: number): RankingEntry[];
  rangeByScore(min: number, max: number, options?: { offset?: number; limit?: number }): RankingEntry[];
  countBetween(min: number, max: number): number;
}

export interface RankingTurn extends RankingView {
  /** Sets the member's score and returns it. */
  set(member: string, score: number): number;
  /** Adds to the member's score (0 when new) and returns the sum; a sum that is not finite is refused. */
  add(member: string, delta: number): number;
  remove(member: string): boolean;
  clear(): void;
}

export type EntryOf<F extends EntryFields> = { -readonly [K in keyof F]: ScalarValue<F[K]> };

export interface MapView<F extends EntryFields> {
  /** Entries that are there, those included that have expired and are not removed yet: for up to a second. */
  readonly size: number;
  get(key: string): DeepReadonly<EntryOf<F>> | undefined;
  has(key: string): boolean;
  /** The entries of many keys, in their order: of a large map faster than as many `get`s, since the cache misses overlap. */
  getMany(keys: readonly string[]): (DeepReadonly<EntryOf<F>> | undefined)[];
  /** One field of the entries of many keys, in their order. */
  fieldMany<K extends keyof F & string>(
    keys: readonly string[],
    name: K,
  ): (DeepReadonly<ScalarValue<F[K]>> | undefined)[];
  /** One field of an entry, without building the rest. */
  field<K extends keyof F & string>(key: string, name: K): DeepReadonly<ScalarValue<F[K]>> | undefined;
  /** At most `limit` entries; pass the returned cursor to go on, until it is undefined. */
  scan(cursor?: string, limit?: number): { entries: [string, DeepReadonly<EntryOf<F>>][]; cursor: string | undefined };
}

export interface MapTurn<F extends EntryFields> extends MapView<F> {
  /**
   * Puts an entry in the place of one that may be there; its time to live begins. Throws CapacityError (CAPACITY) when the map
   * is full and nothing may be evicted, and when memory is.
   */
  set(key: string, value: EntryOf<F>, options?: EntryOptions): void;
  /** Changes some fields of an entry, whose time to live goes on; creates it with the initial values of the others. Else as `set`. */
  patch(key: string, fields: Partial<EntryOf<F>>, options?: EntryOptions): void;
  delete(key: string): boolean;
  clear(): void;
}

type WritableField<F> = F extends RankingField
  ? RankingTurn
  : F extends MapField<infer E>
    ? MapTurn<E>
    : F extends ScalarField<infer T>
      ? T
      : DeepReadonly<F>;

type ReadableField<F> = F extends RankingField
  ? RankingView
  : F extends MapField<infer E>
    ? MapView<E>
    : DeepReadonly<F extends ScalarField<infer T> ? T : F>;

type LiteralOr<F, Other> = [F] extends [string | number | boolean] ? ScalarValue<F> : Other;

type StructureNames<S> = { [K in keyof S]: S[K] extends RankingField | MapField<EntryFields> ? K : never }[keyof S];

export type WritableState<S extends StateFields> = {
  -readonly [K in Exclude<keyof S, StructureNames<S>>]: LiteralOr<S[K], WritableField<S[K]>>;
} & { readonly [K in StructureNames<S>]: WritableField<S[K]> };

export type ReadableState<S extends StateFields> = { readonly [K in keyof S]: LiteralOr<S[K], ReadableField<S[K]>> };
