/**
 * Measures cases that alternate: in each round every case runs once for a slice of time, A B C A B C …, so that what the
 * machine does beside meets all of them. A round before the first one warms up and is not counted.
 */
import { pause } from './pause.ts';

/** Does some operations and returns how many. */
export type Burst = () => number | Promise<number>;

export interface Case {
  readonly name: string;
  readonly burst: Burst;
  /** What must follow the measured time, as taking back what was written. */
  readonly after?: () => void | Promise<void>;
}

export interface Sample {
  readonly operations: number;
  readonly seconds: number;
  /** Processor time of all threads of the process. */
  readonly cpuSeconds: number;
}

export interface RoundOptions {
  readonly rounds: number;
  readonly sliceMs: number;
}

/** Samples by case, one for each round. */
export async function measureRounds(
  cases: readonly Case[],
  { rounds, sliceMs }: RoundOptions,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map(cases.map(({ name }) => [name, [] as Sample[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const one of cases) {
      const sample = await measureSlice(one.burst, sliceMs);
      await one.after?.();
      if (round > 0) samples.get(one.name)?.push(sample);
    }
  }
  return samples;
}

async function measureSlice(burst: Burst, sliceMs: number): Promise<Sample> {
  // What an earlier case left to do, on whatever thread, is mostly done then, and its threads sleep.
  await pause();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let operations = 0;
  let now = startedAt;
  // Bound: one slice.
  while (now - startedAt < sliceMs) {
    operations += await burst();
    now = performance.now();
  }
  const { user, system } = process.cpuUsage(cpu);
  return { operations, seconds: (now - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 };
}
