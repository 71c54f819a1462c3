import type { Grid, GridStats } from '@spacegrid/actors';
import { Hono } from 'hono';
import type { Sampler } from '../grid/sampler.ts';
import type { LoadController } from '../load/load-controller.ts';
import type { KillAnswer, Sample } from './answers.ts';
import type { EventStreams } from './event-streams.ts';
import { HttpError } from './http-error.ts';
import { readKill, readLoad } from './input.ts';

/** What the page shows of the grid itself, and its two levers: load, and the death of a thread. */
export function gridRoutes(grid: Grid, sampler: Sampler, load: LoadController, streams: EventStreams): Hono {
  const routes = new Hono();

  routes.get('/grid/events', (context) =>
    streams.open(context, async (send, signal) => {
      let pending: Sample | undefined;
      let wake: (() => void) | undefined;
      const unlisten = sampler.listen((sample) => {
        pending = sample;
        wake?.();
      });
      signal.addEventListener('abort', () => wake?.(), { once: true });
      try {
        while (!signal.aborted) {
          if (pending === undefined) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            continue;
          }
          const sample: Sample = pending;
          pending = undefined;
          await send('stats', sample);
        }
      } finally {
        unlisten();
      }
    }),
  );

  routes.post('/grid/kill', async (context) => {
    const { worker } = await readKill(context);
    const before = await grid.stats();
    if (worker >= before.workers.length)
      throw new HttpError(400, 'INVALID_ARGUMENT', `there are workers 0 to ${before.workers.length - 1}`);
    const { recoveredAfterMs } = await grid.terminateWorker(worker);
    const comparison = await load.compare();
    const turns = compareTurns(worker, before, await grid.stats());
    const answer: KillAnswer = { worker, recoveredAfterMs, ...comparison, turns };
    return context.json(answer);
  });

  routes.post('/load', async (context) => context.json(await load.start(await readLoad(context))));
  routes.delete('/load', async (context) => context.json(await load.stop()));
  routes.get('/load', (context) => context.json(load.status()));

  return routes;
}

/** Committed turns of a worker's partitions: none that was there before may be missing after. */
function compareTurns(worker: number, before: GridStats, after: GridStats): KillAnswer['turns'] {
  const turns = { before: 0, after: 0, lost: 0 };
  for (const partition of before.partitions) {
    if (partition.worker !== worker) continue;
    const now = after.partitions[partition.partition]?.sequence ?? 0;
    turns.before += partition.sequence;
    turns.after += now;
    turns.lost += Math.max(0, partition.sequence - now);
  }
  return turns;
}
