/**
 * How long requests take, for Prometheus: one histogram a route and class of status. Both come from fixed lists, never from
 * what a request says, so that nobody makes the number of series grow.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';

const NAME = 'spacegrid_demo_http_request_seconds';
/** Upper bounds: from a peek's answer to a durable one from a slow disk. */
const BOUNDS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

interface Histogram {
  /** Requests that fell in each bucket, the last one without a bound; not cumulative. */
  readonly counts: number[];
  seconds: number;
}

export class RequestTimes {
  private readonly routes: ReadonlySet<string>;
  private readonly histograms = new Map<string, Histogram>();

  /** @param routes patterns that may become a label; anything else is `/assets/*` or `other` */
  constructor(routes: Iterable<string>) {
    this.routes = new Set(routes);
  }

  /** Times what it goes around: from a request's headers until its answer's. An event stream counts once, when it opens. */
  readonly measure: MiddlewareHandler = async (context, next) => {
    const startedAt = performance.now();
    await next();
    const seconds = (performance.now() - startedAt) / 1000;
    const labels = `route="${this.routeOf(context)}",status="${Math.floor(context.res.status / 100)}xx"`;
    let histogram = this.histograms.get(labels);
    if (histogram === undefined) {
      histogram = { counts: new Array<number>(BOUNDS_SECONDS.length + 1).fill(0), seconds: 0 };
      this.histograms.set(labels, histogram);
    }
    const found = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    const bucket = found < 0 ? BOUNDS_SECONDS.length : found;
    histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
    histogram.seconds += seconds;
  };

  /** Prometheus text. */
  text(): string {
    const lines = [`# HELP ${NAME} From a request's headers until those of its answer.`, `# TYPE ${NAME} histogram`];
    for (const [labels, { counts, seconds }] of this.histograms) {
      let sum = 0;
      for (const [bucket, count] of counts.entries()) {
        sum += count;
        lines.push(`${NAME}_bucket{${labels},le="${BOUNDS_SECONDS[bucket] ?? '+Inf'}"} ${sum}`);
      }
      lines.push(`${NAME}_sum{${labels}} ${seconds}`, `${NAME}_count{${labels}} ${sum}`);
    }
    return `${lines.join('\n')}\n`;
  }

  private routeOf(context: Context): string {
    const known = matchedRoutes(context).find(({ path }) => this.routes.has(path));
    if (known !== undefined) return known.path;
    return context.req.path.startsWith('/assets/') && context.res.ok ? '/assets/*' : 'other';
  }
}
