/** Random numbers from a seed that a failing run prints: `SPACEGRID_SEED=… vitest run …` repeats it. */
export class SeededRandom {
  readonly seed: number;
  private state: number;

  constructor(seed: number = Number(process.env.SPACEGRID_SEED ?? Math.floor(Math.random() * 2 ** 31))) {
    this.seed = seed;
    this.state = seed | 0;
  }

  /** From 0 to 2³² − 1. After mulberry32 (Tommy Ettinger). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return (value ^ (value >>> 14)) >>> 0;
  }

  /** A whole number from 0 to `end` − 1. */
  below(end: number): number {
    return Math.floor((this.next() / 4_294_967_296) * end);
  }

  /** True `percent` times of a hundred. */
  chance(percent: number): boolean {
    return this.next() / 4_294_967_296 < percent / 100;
  }
}
