import { type Fallback, customOption, type OptionKind, REFUSED } from './option-kind.ts';

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number. */
export function integerOption(range: Range & Fallback<number> = {}): OptionKind<number> {
  return customOption(
    `a whole number${rangeText(range)}`,
    (given) => (Number.isSafeInteger(given) ? inRange(given as number, range) : REFUSED),
    range,
  );
}

/** The value when it lies between `min` and `max`, both included. */
export function inRange(value: number, { min = -Infinity, max = Infinity }: Range): number | typeof REFUSED {
  return value >= min && value <= max ? value : REFUSED;
}

/** " from 1 to 64", " of at least 1", " of at most 64" or nothing. */
export function rangeText({ min, max }: Range, show: (bound: number) => string = String): string {
  if (min !== undefined && max !== undefined) return ` from ${show(min)} to ${show(max)}`;
  if (min !== undefined) return ` of at least ${show(min)}`;
  return max === undefined ? '' : ` of at most ${show(max)}`;
}
