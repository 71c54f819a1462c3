/**
 * How long calls of a thread take, from being made until their answer is taken: one in sixteen is timed, since reading a clock
 * costs as much as a third of a call. Kept in shared memory, written by the thread alone.
 */
import type { ControlBlock } from '../control/control-block.ts';

/** Upper bounds in microseconds: powers of two from 16 µs to 8.4 s, and what took longer. */
export const ASK_BOUNDS_MICROS: readonly number[] = Array.from({ length: 20 }, (_, power) => 16 * 2 ** power);
const SUM_MILLIS = 24;
const SUM_MICROS = 25;

export interface AskTimes {
  /** Calls that were timed, by bound; the last count is of those above all bounds. Not cumulative; wrap at 2³². */
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

export class AskTimer {
  private readonly words: Int32Array;
  private readonly base: number;

  constructor(control: ControlBlock, thread: number) {
    this.words = control.shared.words;
    this.base = control.askTimes(thread);
  }

  note(ms: number): void {
    const { words, base } = this;
    const micros = Math.max(1, ms * 1000);
    const bucket = Math.min(ASK_BOUNDS_MICROS.length, Math.max(0, Math.ceil(Math.log2(micros / 16))));
    words[base + bucket] = ((words[base + bucket] as number) + 1) | 0;
    const sum = (words[base + SUM_MICROS] as number) + Math.round(micros);
    words[base + SUM_MICROS] = sum % 1000;
    words[base + SUM_MILLIS] = ((words[base + SUM_MILLIS] as number) + Math.floor(sum / 1000)) | 0;
  }
}

export function readAskTimes(control: ControlBlock, thread: number): AskTimes {
  const base = control.askTimes(thread);
  const word = (at: number): number => control.shared.load(base + at) >>> 0;
  return {
    counts: Array.from({ length: ASK_BOUNDS_MICROS.length + 1 }, (_, bucket) => word(bucket)),
    sumSeconds: word(SUM_MILLIS) / 1000 + word(SUM_MICROS) / 1e6,
  };
}
