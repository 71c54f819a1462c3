/** Two lines over the last two minutes. Drawn when there is something new, never by a clock of its own. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { HISTORY_SECONDS } from '../state/live-grid.ts';
import { type ChartColours, chartColours } from './chart-colours.ts';

const HEIGHT = 148;
const seconds = Array.from({ length: HISTORY_SECONDS }, (_, index) => index + 1 - HISTORY_SECONDS);

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** The latest value, as people read it. */
  readonly now: string;
}

interface ChartProps {
  readonly title: string;
  readonly first: Series;
  readonly second: Series;
  /** An axis label. */
  readonly format: (value: number) => string;
  /** The axis reaches at least to here. */
  readonly least: number;
  readonly children?: string;
}

export function Chart({ title, first, second, format, least, children }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data: uPlot.AlignedData = [seconds, [...first.values], [...second.values]];
  const latest = useRef(data);
  latest.current = data;
  const colours = chartColours.value;

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const chart = new uPlot(optionsOf(element.clientWidth, colours, format, least), latest.current, element);
    plot.current = chart;
    const resized = new ResizeObserver(() => {
      if (element.clientWidth !== chart.width) chart.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.destroy();
      plot.current = undefined;
    };
  }, [colours]);
  useEffect(() => {
    plot.current?.setData(latest.current);
  }, [first.values, second.values]);

  return (
    <figure class="panel chart">
      <figcaption>
        <h2>{title}</h2>
        <dl class="legend">
          <Key mark="key-1" series={first} />
          <Key mark="key-2" series={second} />
        </dl>
      </figcaption>
      <div ref={box} class="plot" aria-hidden="true" />
      {children !== undefined && <p class="aside">{children}</p>}
    </figure>
  );
}

function Key({ mark, series }: { readonly mark: string; readonly series: Series }) {
  return (
    <div>
      <dt>
        <span class={`key ${mark}`} />
        {series.name}
      </dt>
      <dd>{series.now}</dd>
    </div>
  );
}

function optionsOf(
  width: number,
  colours: ChartColours,
  format: (value: number) => string,
  least: number,
): uPlot.Options {
  const font = '11px system-ui, sans-serif';
  const grid = { stroke: colours.line, width: 1 };
  return {
    width,
    height: HEIGHT,
    padding: [8, 16, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { time: false, range: [1 - HISTORY_SECONDS, 0] },
      y: { range: (_, __, max) => [0, Math.max(least, (max || 0) * 1.12)] },
    },
    axes: [
      {
        stroke: colours.ink,
        font,
        size: 24,
        grid: { show: false },
        ticks: { show: false },
        splits: [-90, -60, -30, 0],
        values: (_, splits) => splits.map((split) => (split === 0 ? 'now' : `${split} s`)),
      },
      {
        stroke: colours.ink,
        font,
        size: 56,
        space: 36,
        grid,
        ticks: { show: false },
        values: (_, splits) => splits.map((split) => format(split)),
      },
    ],
    series: [
      {},
      { stroke: colours.first, fill: colours.fill, width: 1.5, points: { show: false } },
      { stroke: colours.second, width: 1.5, points: { show: false } },
    ],
  };
}
