import { milliseconds, rate } from '../look/numbers.ts';
import { history, sample } from '../state/live-grid.ts';
import { Chart } from './chart.tsx';

export function ThroughputChart() {
  const { submits, peeks } = history.value;
  const now = sample.value?.throughput;
  return (
    <Chart
      title="Throughput"
      first={{ name: 'commands/s', values: submits, now: now === undefined ? '–' : rate(now.submitsPerSecond) }}
      second={{ name: 'peeks/s', values: peeks, now: now === undefined ? '–' : rate(now.peeksPerSecond) }}
      format={rate}
      least={10}
    />
  );
}

export function LatencyChart() {
  const { p50Ms, p99Ms } = history.value;
  const now = (values: readonly (number | null)[]): string => {
    const last = values.at(-1);
    return last === null || last === undefined ? '–' : milliseconds(last);
  };
  return (
    <Chart
      title="Latency"
      first={{ name: 'median', values: p50Ms, now: now(p50Ms) }}
      second={{ name: '99th percentile', values: p99Ms, now: now(p99Ms) }}
      format={(value) => `${value < 10 ? Number(value.toFixed(2)) : Math.round(value)} ms`}
      least={0.1}
    >
      From a call of a simulated player to its acknowledgement; each plays in a thread that is a client of the grid.
    </Chart>
  );
}
