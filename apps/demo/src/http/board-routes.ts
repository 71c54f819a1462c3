import { Hono } from 'hono';
import type { Boards } from '../grid/boards.ts';
import type { LoadController } from '../load/load-controller.ts';
import { type EventStreams, pause } from './event-streams.ts';
import { HttpError } from './http-error.ts';
import {
  readAck,
  readAround,
  readBoard,
  readCount,
  readDigest,
  readIdempotencyKey,
  readLines,
  readPlayer,
  readScore,
} from './input.ts';

/** A stream sends at most ten answers a second, the latest each time: more than that nobody can see. */
const EVENT_PERIOD_MS = 100;

export function boardRoutes(boards: Boards, load: LoadController, streams: EventStreams): Hono {
  const routes = new Hono();

  routes.get('/', async (context) => context.json({ boards: await boards.list() }));

  routes.post('/:board/scores', async (context) => {
    const board = readBoard(context);
    const durable = readAck(context);
    const once = readIdempotencyKey(context);
    const { player, points } = await readScore(context);
    return context.json(
      await boards.submit(board, player, points, { durable, ...(once === undefined ? {} : { once }) }),
    );
  });

  routes.get('/:board/top', async (context) => {
    const { entries } = await boards.top(readBoard(context), readCount(context));
    return context.json({ entries });
  });

  routes.get('/:board/players/:player', async (context) => {
    const player = readPlayer(context);
    const standing = await boards.standing(readBoard(context), player, readAround(context));
    if (standing === undefined) throw new HttpError(404, 'UNKNOWN_PLAYER', 'this player has no points on this board');
    return context.json(standing);
  });

  routes.delete('/:board', async (context) => {
    const board = readBoard(context);
    await load.leave(board);
    await boards.delete(board);
    return context.body(null, 204);
  });

  routes.get('/:board/events', (context) => {
    const board = readBoard(context);
    const count = readCount(context, 20);
    return streams.open(context, async (send, signal) => {
      const watch = boards.watchTop(board, count);
      signal.addEventListener('abort', () => void watch.return?.(), { once: true });
      for await (const { value } of watch) {
        if (signal.aborted) break;
        await send('top', value);
        await pause(EVENT_PERIOD_MS, signal);
      }
    });
  });

  routes.get('/:board/imports/:digest', async (context) =>
    context.json({ lines: await boards.importedLines(readBoard(context), readDigest(context)) }),
  );

  routes.post('/:board/imports', async (context) => {
    const board = readBoard(context);
    const durable = readAck(context);
    const { digest, from, players, points } = await readLines(context);
    if (players.length !== points.length)
      throw new HttpError(400, 'INVALID_ARGUMENT', 'players and points have the same length');
    return context.json(await boards.importLines(board, digest, from, players, points, { durable }));
  });

  return routes;
}
