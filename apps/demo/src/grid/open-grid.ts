import { availableParallelism } from 'node:os';
import { createGrid, type Grid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';

/** The grid of the demo, on its data folder. */
export function openGrid(dataDirectory: string): Promise<Grid> {
  return createGrid({
    actors: new URL('../actors.ts', import.meta.url),
    // Two at least: when one is killed, the other is seen to go on.
    workers: Math.min(30, Math.max(2, availableParallelism() - 1)),
    persistence: sqlite({ directory: dataDirectory }),
  });
}
