import { signal } from '@preact/signals';
import type { PartitionSample } from '../../src/http/answers.ts';
import { Figure } from '../look/figure.tsx';
import { bytes, count, rate } from '../look/numbers.ts';
import { turnsPerSecond } from '../state/live-grid.ts';

const chosen = signal<number | undefined>(undefined);

/** A thread's partitions, a cell each: fuller the more turns run, edged while something is not on disk. Arrow keys move. */
export function PartitionCells({ partitions }: { readonly partitions: readonly PartitionSample[] }) {
  const own = partitions.find(({ partition }) => partition === chosen.value);
  const stop = own?.partition ?? partitions[0]?.partition;
  return (
    <>
      <div
        class="cells"
        role="toolbar"
        aria-label={`Partitions of thread ${partitions[0]?.worker ?? 0}`}
        onKeyDown={(event) => step(event, partitions)}
      >
        {partitions.map((cell) => (
          <button
            key={cell.partition}
            type="button"
            class={`cell level-${level(turnsPerSecond.value[cell.partition] ?? 0)}${cell.unpersisted > 0 ? ' cell-dirty' : ''}`}
            data-partition={cell.partition}
            tabIndex={cell.partition === stop ? 0 : -1}
            aria-pressed={cell.partition === chosen.value}
            aria-label={describe(cell)}
            onClick={() => {
              chosen.value = cell.partition === chosen.value ? undefined : cell.partition;
            }}
          />
        ))}
      </div>
      {own !== undefined && <Details cell={own} />}
    </>
  );
}

function Details({ cell }: { readonly cell: PartitionSample }) {
  return (
    <dl class="figures figures-small">
      <Figure name="Partition" value={String(cell.partition)} />
      <Figure name="Turns/s" value={rate(turnsPerSecond.value[cell.partition] ?? 0)} />
      <Figure name="Turns" value={count(cell.sequence)} />
      <Figure name="Not on disk" value={bytes(cell.unpersistedBytes)} />
      <Figure name="In turns" value={count(cell.unpersisted)} />
      <Figure name="Held" value={count(cell.waiting)} />
      <Figure name="Memory" value={bytes(cell.usedBytes)} />
    </dl>
  );
}

function describe({ partition, unpersisted }: PartitionSample): string {
  return `Partition ${partition}, ${count(turnsPerSecond.value[partition] ?? 0)} turns/s, ${count(unpersisted)} not on disk`;
}

/** 0 for rest, then a level for each power of ten. */
function level(turns: number): number {
  return turns === 0 ? 0 : Math.min(5, 1 + Math.floor(Math.log10(turns)));
}

function step(event: KeyboardEvent, partitions: readonly PartitionSample[]): void {
  const steps: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const by = steps[event.key];
  const target = event.target as HTMLElement;
  const at = partitions.findIndex(({ partition }) => String(partition) === target.dataset['partition']);
  if (by === undefined || at < 0) return;
  event.preventDefault();
  const next = partitions[(at + by + partitions.length) % partitions.length];
  if (next === undefined) return;
  chosen.value = next.partition;
  target.parentElement?.querySelector<HTMLElement>(`[data-partition="${next.partition}"]`)?.focus();
}
