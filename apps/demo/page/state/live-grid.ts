/** The grid's samples, one a second: the last one, and two minutes of what the charts draw. */
import { batch, signal } from '@preact/signals';
import type { Sample } from '../../src/http/answers.ts';

export const HISTORY_SECONDS = 120;

export interface History {
  readonly submits: readonly number[];
  readonly peeks: readonly number[];
  /** Null while nobody measured. */
  readonly p50Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

const none: readonly null[] = Array.from({ length: HISTORY_SECONDS }, () => null);
const zeros: readonly number[] = Array.from({ length: HISTORY_SECONDS }, () => 0);

export const sample = signal<Sample | undefined>(undefined);
/** Turns a second of each partition, from the last two samples. */
export const turnsPerSecond = signal<readonly number[]>([]);
export const history = signal<History>({ submits: zeros, peeks: zeros, p50Ms: none, p99Ms: none });

export function receiveSample(next: Sample): void {
  const before = sample.value;
  batch(() => {
    sample.value = next;
    const turns = next.partitions.map(({ sequence }, index) =>
      Math.max(0, sequence - (before?.partitions[index]?.sequence ?? sequence)),
    );
    if (turns.some((value, index) => value !== turnsPerSecond.value[index])) turnsPerSecond.value = turns;
    const { submitsPerSecond, peeksPerSecond } = next.throughput;
    const played = next.load.running && next.latency.p99Ms > 0;
    // An idle grid that has been idle for the whole window looks the same a second later: nothing is drawn.
    if (!played && submitsPerSecond === 0 && peeksPerSecond === 0 && isFlat(history.value)) return;
    history.value = {
      submits: shifted(history.value.submits, submitsPerSecond),
      peeks: shifted(history.value.peeks, peeksPerSecond),
      p50Ms: shifted(history.value.p50Ms, played ? next.latency.p50Ms : null),
      p99Ms: shifted(history.value.p99Ms, played ? next.latency.p99Ms : null),
    };
  });
}

function shifted<T>(values: readonly T[], value: T): readonly T[] {
  return [...values.slice(1), value];
}

function isFlat({ submits, peeks, p99Ms }: History): boolean {
  return submits.every((value) => value === 0) && peeks.every((value) => value === 0) && p99Ms.every((v) => v === null);
}
