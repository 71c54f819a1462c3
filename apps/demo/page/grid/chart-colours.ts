/** The colours that canvases need as values: read from the style sheet, again when the scheme changes. */
import { signal } from '@preact/signals';

export interface ChartColours {
  readonly ink: string;
  readonly line: string;
  readonly first: string;
  readonly second: string;
  readonly fill: string;
}

export const chartColours = signal<ChartColours>(read());

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  chartColours.value = read();
});

function read(): ChartColours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: of('--ink-soft'),
    line: of('--line'),
    first: of('--series-1'),
    second: of('--series-2'),
    fill: of('--series-1-fill'),
  };
}
