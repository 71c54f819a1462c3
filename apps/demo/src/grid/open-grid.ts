import { createGrid, type Grid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';

/** The grid of the demo, on its data folder. */
export function openGrid(dataDirectory: string): Promise<Grid> {
  return createGrid({
    actors: new URL('../actors.ts', import.meta.url),
    persistence: sqlite({ directory: dataDirectory }),
  });
}
