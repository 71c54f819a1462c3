import type { Grid } from '@spacegrid/actors';
import { Hono } from 'hono';
import type { Sample, Sampler } from '../grid/sampler.ts';
import type { LoadController } from '../load/load-controller.ts';
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
      const stop = sampler.listen((sample) => {
        pending = sample;
        wake?.();
      });
      if (stop === false) return;
      signal.addEventListener('abort', () => wake?.(), { once: true });
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
      stop();
    }),
  );

  routes.post('/grid/kill', async (context) => {
    const { worker } = await readKill(context);
    const { workers } = await grid.stats();
    if (worker >= workers.length)
      throw new HttpError(400, 'INVALID_ARGUMENT', `there are workers 0 to ${workers.length - 1}`);
    const { recoveredAfterMs } = await grid.terminateWorker(worker);
    return context.json({ worker, recoveredAfterMs, ...(await load.compare()) });
  });

  routes.post('/load', async (context) => context.json(await load.start(await readLoad(context))));
  routes.delete('/load', async (context) => context.json(await load.stop()));
  routes.get('/load', (context) => context.json(load.status()));

  return routes;
}
