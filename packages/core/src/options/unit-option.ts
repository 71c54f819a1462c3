/** Durations and sizes: plain numbers of milliseconds and bytes, or texts with a unit. */
import { inRange, type Range, rangeText } from './number-option.ts';
import { type Fallback, customOption, type OptionKind, REFUSED } from './option-kind.ts';

const durationUnits: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ['kb', 1024],
  ['mb', 1024 ** 2],
  ['gb', 1024 ** 3],
  ['tb', 1024 ** 4],
]);

/** A duration in milliseconds, from a number of them or a text: `500`, `'500ms'`, `'30s'`, `'1.5h'`. */
export function durationOption(range: Range & Fallback<number> = {}): OptionKind<number> {
  const limits: Range = { ...range, min: range.min ?? 0 };
  const allowed = `milliseconds as a number, or a text such as '500ms', '30s', '10m', '2h' or '7d',${rangeText(limits, showDuration)}`;
  return customOption(allowed, (given) => fromUnits(given, durationUnits, limits), range);
}

/** A size in bytes, from a number of them or a text with a unit of 1,024: `4096`, `'64kb'`, `'256mb'`, `'4gb'`. */
export function sizeOption(range: Range & Fallback<number> = {}): OptionKind<number> {
  const limits: Range = { ...range, min: range.min ?? 0 };
  const allowed = `bytes as a number, or a text such as '64kb', '256mb' or '4gb',${rangeText(limits, showSize)}`;
  return customOption(allowed, (given) => wholeOrRefused(fromUnits(given, sizeUnits, limits)), range);
}

function fromUnits(given: unknown, units: ReadonlyMap<string, number>, limits: Range): number | typeof REFUSED {
  if (typeof given === 'number') return inRange(given, limits);
  if (typeof given !== 'string') return REFUSED;
  const parts = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]{1,2})\s*$/i.exec(given);
  const unit = parts === null ? undefined : units.get((parts[2] as string).toLowerCase());
  return unit === undefined ? REFUSED : inRange(Math.round(Number((parts as RegExpExecArray)[1]) * unit), limits);
}

function wholeOrRefused(value: number | typeof REFUSED): number | typeof REFUSED {
  return Number.isSafeInteger(value) ? value : REFUSED;
}

function showDuration(ms: number): string {
  return show(ms, durationUnits);
}

function showSize(bytes: number): string {
  return show(bytes, sizeUnits);
}

/** In the largest unit that leaves a whole number. */
function show(value: number, units: ReadonlyMap<string, number>): string {
  let shown = String(value);
  for (const [unit, factor] of units) if (value >= factor && value % factor === 0) shown = `${value / factor}${unit}`;
  return value === 0 ? '0' : shown;
}
