/** What `accept` answers for a value that is not allowed. */
export const REFUSED: unique symbol = Symbol('refused');

/** One option: what it accepts, what that becomes, and what it is when it is not given. */
export interface OptionKind<T> {
  /** Follows "allowed is": "a whole number from 1 to 1024". */
  readonly allowed: string;
  /** What the option is when it is not given. Without it the option is required. */
  readonly fallback?: () => T;
  /** The value as the code uses it, or REFUSED. May throw InvalidOptionError for a path further in. */
  readonly accept: (given: unknown, path: string) => T | typeof REFUSED;
}

export interface Fallback<T> {
  /** What the option is when it is not given. Without it the option is required. */
  readonly default?: T;
}

/** A kind made of a check; the ones in this folder are made so, and others can be. */
export function customOption<T>(
  allowed: string,
  accept: (given: unknown, path: string) => T | typeof REFUSED,
  { default: value }: Fallback<T> = {},
): OptionKind<T> {
  return value === undefined ? { allowed, accept } : { allowed, accept, fallback: () => value };
}

/** The same, but it may be left out and is then undefined. */
export function optional<T>(kind: OptionKind<T>): OptionKind<T | undefined> {
  return { allowed: kind.allowed, accept: kind.accept, fallback: () => undefined };
}

/** The same, with a default that is computed when it is needed, as from the machine's cores. */
export function defaultTo<T>(kind: OptionKind<T>, fallback: () => T): OptionKind<T> {
  return { allowed: kind.allowed, accept: kind.accept, fallback };
}
