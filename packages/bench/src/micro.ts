/**
 * Synchronous cases, timed by tinybench. A case does a batch of operations, since a timer costs as much as one of them; cases
 * alternate in rounds as in rounds.ts.
 */
import { Bench } from 'tinybench';
import type { RoundOptions, Sample } from './rounds.ts';

export interface MicroCase {
  readonly name: string;
  /** Operations of one call of `run`. */
  readonly operations: number;
  readonly run: () => void;
}

/** Samples by case, one for each round. Processor time is that of all threads. */
export async function measureMicro(
  cases: readonly MicroCase[],
  { rounds, sliceMs }: RoundOptions,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map(cases.map(({ name }) => [name, [] as Sample[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const one of cases) {
      const bench = new Bench({ time: sliceMs, iterations: 1, warmup: round === 0, warmupTime: sliceMs });
      bench.add(one.name, one.run);
      const cpu = process.cpuUsage();
      const [task] = await bench.run();
      const { user, system } = process.cpuUsage(cpu);
      const result = task?.result;
      if (result?.state !== 'completed') {
        const cause = result?.state === 'errored' ? result.error : undefined;
        throw new Error(`${one.name} was not measured`, { cause });
      }
      const calls = result.latency.samplesCount;
      if (round === 0) continue;
      samples.get(one.name)?.push({
        operations: calls * one.operations,
        seconds: result.totalTime / 1000,
        cpuSeconds: (user + system) / 1e6,
      });
    }
  }
  return samples;
}
