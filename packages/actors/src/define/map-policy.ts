/** What a map's options say of how long entries stay, and how many: resolved once, where the map is defined. */
import {
  customOption,
  durationOption,
  integerOption,
  InvalidArgumentError,
  InvalidDefinitionError,
  isGridError,
  oneOfOption,
  optional,
  type OptionKind,
  REFUSED,
  resolveOptions,
  sizeOption,
} from '@spacegrid/core';

export interface MapOptions {
  /**
   * How long an entry stays after it was set: milliseconds or a text such as `'30m'`, up to 100 years; `'never'`: for ever, unless
   * a write says otherwise (`set(key, value, { ttl })`). Default: entries stay, and writes can't say otherwise.
   */
  readonly ttl?: number | string;
  /**
   * How long an entry stays when nobody reads or writes it: from a second to 1,000 days (with `'lfu'` from ten seconds to
   * 90 days), less than `ttl`. Reading is `get`, `has` and `field` in a command, a query or a peek; `scan` and `size` are not.
   */
  readonly maxIdle?: number | string;
  /** Makes room for new entries by removing others, instead of growing on. */
  readonly evict?: EvictOptions;
}

export interface EvictOptions {
  /** Which entries go first: those not accessed for longest (`'lru'`), or those accessed least often (`'lfu'`). By sampling. */
  readonly policy: 'lfu' | 'lru';
  /** Most entries. At least one of `maxEntries` and `maxBytes` is needed. */
  readonly maxEntries?: number;
  /** Most bytes of shared memory, index and keys included: a number or a text such as `'256mb'`, from 4 KiB. */
  readonly maxBytes?: number | string;
}

export interface EntryOptions {
  /** How long this entry stays from now on, in place of the map's `ttl`; `'never'`: for ever. Only in maps with `ttl` or `maxIdle`. */
  readonly ttl?: number | string;
}

export type EvictionPolicy = EvictOptions['policy'];

/** A map's options, resolved. */
export interface MapPolicy {
  /** Entries can end by themselves. */
  readonly timed: boolean;
  /** Infinity for entries that stay. */
  readonly ttlMs: number;
  /** Infinity for entries that may be idle. */
  readonly maxIdleMs: number;
  readonly evict: ResolvedEviction | undefined;
}

export interface ResolvedEviction {
  readonly policy: EvictionPolicy;
  readonly entriesMax: number;
  readonly bytesMax: number;
}

const DAY_MS = 86_400_000;
const TTL_MS_MAX = 36_500 * DAY_MS;
/** Stamps tell idle times apart up to four years, those that count as well up to 97 days (access-stamps.ts). */
const IDLE_MS_MAX = 1000 * DAY_MS;
const IDLE_MS_MAX_LFU = 90 * DAY_MS;
/** Those tell whole seconds apart. */
const IDLE_MS_MIN_LFU = 10_000;

const duration = durationOption({ min: 1, max: TTL_MS_MAX });
const ttl: OptionKind<number> = customOption(`'never', or ${duration.allowed}`, (given, path) =>
  given === 'never' ? Number.POSITIVE_INFINITY : duration.accept(given, path),
);
const evictShape = {
  policy: oneOfOption(['lru', 'lfu']),
  maxEntries: optional(integerOption({ min: 1, max: 500_000_000 })),
  maxBytes: optional(sizeOption({ min: 4096, max: 8 * 1024 ** 3 })),
};
const shape = {
  ttl: optional(ttl),
  maxIdle: optional(durationOption({ min: 1000, max: IDLE_MS_MAX })),
  evict: optional(
    customOption('a record of policy, maxEntries and maxBytes', (given, path) =>
      typeof given === 'object' && given !== null ? resolveOptions(path, given, evictShape) : REFUSED,
    ),
  ),
};

/** Undefined for a map without options. Throws InvalidDefinitionError naming option, value and what is allowed. */
export function resolveMapOptions(options: MapOptions | undefined): MapPolicy | undefined {
  if (options === undefined) return undefined;
  try {
    const given = resolveOptions('map', options, shape, [
      {
        between: ['maxIdle', 'ttl'],
        when: ({ maxIdle, ttl: ttlMs }) => maxIdle !== undefined && ttlMs !== undefined && maxIdle >= ttlMs,
        allowed: 'maxIdle is less than ttl',
      },
      {
        between: ['maxIdle', 'evict'],
        when: ({ maxIdle, evict }) =>
          evict?.policy === 'lfu' && maxIdle !== undefined && (maxIdle < IDLE_MS_MIN_LFU || maxIdle > IDLE_MS_MAX_LFU),
        allowed: "maxIdle is from 10s to 90d with policy 'lfu'",
      },
    ]);
    const { evict, maxIdle, ttl: ttlMs } = given;
    if (evict !== undefined && evict.maxEntries === undefined && evict.maxBytes === undefined)
      throw new InvalidDefinitionError('map.evict names no limit: allowed is maxEntries, maxBytes, or both');
    const timed = ttlMs !== undefined || maxIdle !== undefined;
    if (!timed && evict === undefined) return undefined;
    return Object.freeze({
      timed,
      ttlMs: ttlMs ?? Number.POSITIVE_INFINITY,
      maxIdleMs: maxIdle ?? Number.POSITIVE_INFINITY,
      evict:
        evict === undefined
          ? undefined
          : Object.freeze({
              policy: evict.policy,
              entriesMax: evict.maxEntries ?? Number.POSITIVE_INFINITY,
              bytesMax: evict.maxBytes ?? Number.POSITIVE_INFINITY,
            }),
    });
  } catch (error) {
    if (!isGridError(error, 'INVALID_OPTION')) throw error;
    throw new InvalidDefinitionError(error.message, { details: error.details, cause: error });
  }
}

const entryShape = { ttl: optional(ttl) };

/** The milliseconds that a write gives its entry; undefined when it says nothing. Throws InvalidArgumentError. */
export function resolveEntryTtl(options: EntryOptions | undefined, map: string, timed: boolean): number | undefined {
  if (options === undefined) return undefined;
  let given: number | undefined;
  try {
    given = resolveOptions('entry', options, entryShape).ttl;
  } catch (error) {
    if (!isGridError(error, 'INVALID_OPTION')) throw error;
    throw new InvalidArgumentError(error.message, { details: error.details, cause: error });
  }
  if (given !== undefined && !timed) {
    throw new InvalidArgumentError(
      `an entry of ${map} is given a ttl, which its map does not provide for: define it with map({ … }, { ttl: 'never' })`,
    );
  }
  return given;
}
