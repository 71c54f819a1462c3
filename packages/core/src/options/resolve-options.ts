/**
 * Options: given → resolved once, at the boundary → frozen. Whatever is unknown, of a wrong type, unit or range, missing, or
 * contradictory ends in an InvalidOptionError that names path, value and what is allowed.
 */
import { inspect } from 'node:util';
import { InvalidOptionError } from '../errors/grid-errors.ts';
import { nearMatch } from './near-match.ts';
import { type OptionKind, REFUSED } from './option-kind.ts';

/** Options by name. */
export type OptionShape = Readonly<Record<string, OptionKind<unknown>>>;

export type Resolved<S extends OptionShape> = {
  readonly [K in keyof S]: S[K] extends OptionKind<infer T> ? T : never;
};

/** Options that can't stand together. */
export interface Contradiction<S extends OptionShape> {
  readonly between: readonly (keyof S & string)[];
  readonly when: (resolved: Resolved<S>) => boolean;
  /** What is allowed: "memory is at least partitionBytes". */
  readonly allowed: string;
}

/**
 * The options of `shape`, from those given, frozen. `path` stands before each name in messages: `createGrid`. An option given
 * as undefined counts as not given. Throws InvalidOptionError.
 */
export function resolveOptions<S extends OptionShape>(
  path: string,
  given: unknown,
  shape: S,
  contradictions: readonly Contradiction<S>[] = [],
): Resolved<S> {
  const source = given ?? {};
  if (typeof source !== 'object' || Array.isArray(source)) throw invalid(path, given, 'a record of options');
  for (const name of Object.keys(source)) if (!Object.hasOwn(shape, name)) throw unknownOption(path, name, shape);
  const resolved: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(shape)) {
    const value = (source as Record<string, unknown>)[name];
    resolved[name] = value === undefined ? fallbackOf(path, name, kind) : accepted(`${path}.${name}`, value, kind);
  }
  const result = Object.freeze(resolved) as Resolved<S>;
  for (const contradiction of contradictions) {
    if (contradiction.when(result)) throw contradictory(path, result, contradiction);
  }
  return result;
}

function accepted(path: string, value: unknown, kind: OptionKind<unknown>): unknown {
  const result = kind.accept(value, path);
  if (result === REFUSED) throw invalid(path, value, kind.allowed);
  return result;
}

function fallbackOf(path: string, name: string, kind: OptionKind<unknown>): unknown {
  if (kind.fallback !== undefined) return kind.fallback();
  throw new InvalidOptionError(`${path}.${name} is required: allowed is ${kind.allowed}`, {
    details: { path: `${path}.${name}`, allowed: kind.allowed },
  });
}

function invalid(path: string, value: unknown, allowed: string): InvalidOptionError {
  const shown = show(value);
  return new InvalidOptionError(`${path} is ${shown}: allowed is ${allowed}`, {
    details: { path, value: shown, allowed },
  });
}

function unknownOption(path: string, name: string, shape: OptionShape): InvalidOptionError {
  const names = Object.keys(shape).sort();
  const meant = nearMatch(name, names);
  const hint = meant === undefined ? `allowed are ${names.join(', ')}` : `did you mean ${meant}?`;
  return new InvalidOptionError(`${path}.${name} is not an option: ${hint}`, {
    details: { path: `${path}.${name}`, allowed: names, ...(meant === undefined ? {} : { meant }) },
  });
}

function contradictory<S extends OptionShape>(
  path: string,
  resolved: Resolved<S>,
  contradiction: Contradiction<S>,
): InvalidOptionError {
  const { between, allowed } = contradiction;
  const values = between.map((name) => `${path}.${name} is ${show(resolved[name])}`);
  return new InvalidOptionError(`${values.join(' and ')}, which contradict each other: ${allowed}`, {
    details: { path: between.map((name) => `${path}.${name}`).join(', '), allowed },
  });
}

function show(value: unknown): string {
  const shown = inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 5, maxStringLength: 100 });
  return shown.length > 200 ? `${shown.slice(0, 199)}…` : shown;
}
