/** The HTTP side of the demo: routes, errors, and a server that can be stopped. */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import type { Grid } from '@spacegrid/actors';
import { Hono } from 'hono';
import type { Boards } from '../grid/boards.ts';
import type { Sampler } from '../grid/sampler.ts';
import type { LoadController } from '../load/load-controller.ts';
import { RUN_HEADER } from '../running-address.ts';
import { boardRoutes } from './board-routes.ts';
import { EventStreams } from './event-streams.ts';
import { gridRoutes } from './grid-routes.ts';
import { guard } from './guard.ts';
import { answerError, HttpError } from './http-error.ts';
import { refuseBrokenPath } from './input.ts';
import { metricsText } from './metrics.ts';
import { pageFiles } from './page-files.ts';
import { RequestTimes } from './request-times.ts';

export interface HttpParts {
  readonly grid: Grid;
  readonly boards: Boards;
  readonly sampler: Sampler;
  readonly load: LoadController;
  readonly host: string;
  readonly port: number;
  /** Names this run of the demo. */
  readonly run: string;
  /** Told of errors that nobody foresaw. */
  readonly report: (error: unknown) => void;
}

export interface RunningServer {
  readonly port: number;
  /** Stops accepting, ends event streams, waits for requests under way. */
  close(): Promise<void>;
}

const CLOSE_MS_MAX = 2000;

export function buildApp(parts: HttpParts, streams: EventStreams): Hono {
  const app = new Hono({ getPath: pathOf });
  app.onError((error, context) => answerError(context, error, parts.report));
  app.notFound((context) =>
    answerError(context, new HttpError(404, 'NOT_FOUND', `${context.req.path} is not here`), parts.report),
  );
  const times = new RequestTimes(METHODS.map(([path]) => path));
  app.use(times.measure);
  app.use(async (context, next) => {
    context.header('x-content-type-options', 'nosniff');
    refuseBrokenPath(context.req.path);
    await next();
  });
  app.use(async (context, next) => {
    await next();
    context.header('x-content-type-options', 'nosniff');
  });
  app.use('/api/*', guard(parts.host));
  app.get('/livez', (context) => context.text('alive\n', 200, { [RUN_HEADER]: parts.run }));
  app.get('/readyz', async (context) => {
    const health = await parts.grid.health();
    return context.json(health, health.status === 'unavailable' ? 503 : 200);
  });
  app.get('/metrics', async (context) =>
    context.text(metricsText(await parts.grid.stats()) + times.text(), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    }),
  );
  app.route('/api/boards', boardRoutes(parts.boards, parts.load, streams));
  app.route('/api', gridRoutes(parts.grid, parts.sampler, parts.load, streams));
  app.route('/', pageFiles());
  for (const [path, methods] of METHODS) {
    app.all(path, (context) => {
      context.header('allow', methods);
      return answerError(
        context,
        new HttpError(405, 'METHOD_NOT_ALLOWED', `${context.req.method} is not allowed here: ${methods}`),
        parts.report,
      );
    });
  }
  return app;
}

/** Known paths, for what comes with another method. */
const METHODS: readonly (readonly [path: string, methods: string])[] = [
  ['/', 'GET'],
  ['/livez', 'GET'],
  ['/readyz', 'GET'],
  ['/metrics', 'GET'],
  ['/api/boards', 'GET'],
  ['/api/boards/:board', 'DELETE'],
  ['/api/boards/:board/scores', 'POST'],
  ['/api/boards/:board/top', 'GET'],
  ['/api/boards/:board/events', 'GET'],
  ['/api/boards/:board/players/:player', 'GET'],
  ['/api/boards/:board/imports', 'POST'],
  ['/api/boards/:board/imports/:digest', 'GET'],
  ['/api/load', 'GET, POST, DELETE'],
  ['/api/grid/events', 'GET'],
  ['/api/grid/kill', 'POST'],
];

/** Rejects with the system's error: EADDRINUSE, EACCES. */
export function startServer(parts: HttpParts): Promise<RunningServer> {
  const streams = new EventStreams();
  const app = buildApp(parts, streams);
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: parts.host, port: parts.port }, (address) => {
      resolve({ port: address.port, close: () => closeServer(server, streams) });
    }) as Server;
    server.once('error', reject);
    server.headersTimeout = 10_000;
    server.requestTimeout = 30_000;
  });
}

async function closeServer(server: Server, streams: EventStreams): Promise<void> {
  streams.closeAll();
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  // A browser keeps its connections; those of the streams become idle a moment later.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}

/** The raw path; names are decoded once, by the router, so that an encoded slash stays inside its name. */
function pathOf(request: Request): string {
  const { url } = request;
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const end = url.search(/[?#]/);
  return url.slice(start, end < 0 ? undefined : end);
}
