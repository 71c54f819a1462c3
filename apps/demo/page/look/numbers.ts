/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const some = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export function count(value: number): string {
  return whole.format(value);
}

/** 12,345.5; beyond fifteen digits 1.23e+20. */
export function points(value: number): string {
  return Math.abs(value) >= 1e15 ? value.toExponential(2) : some.format(value);
}

/** 999, 12.3K, 4.5M: for figures that change all the time. */
export function rate(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value);
}

const UNITS = ['B', 'KB', 'MB', 'GB'] as const;

export function bytes(value: number): string {
  let unit = 0;
  let left = value;
  for (; left >= 1000 && unit < UNITS.length - 1; unit++) left /= 1000;
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${UNITS[unit] ?? 'B'}`;
}

/** 0.12 ms, 4.5 ms, 120 ms, 1.20 s. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value >= 100 ? Math.round(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}
