/**
 * Requests that change state come from this page or from a program, not from another site: a browser's Origin must be ours,
 * and Host must name this server, so that a foreign name that resolves to this address (DNS rebinding) is refused.
 */
import { isIP } from 'node:net';
import type { Context, Next } from 'hono';
import { HttpError } from './http-error.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOCAL = new Set(['localhost', '127.0.0.1', '::1']);
const EVERY_ADDRESS = new Set(['0.0.0.0', '::']);

export function guard(ownHost: string): (context: Context, next: Next) => Promise<void> {
  return async (context, next) => {
    if (!SAFE.has(context.req.method)) {
      const host = context.req.header('host') ?? '';
      const name = nameOf(host);
      // A name may be made to resolve to this address; an address can't, so it is ours where all of them are served.
      const ours =
        LOCAL.has(name) || name === ownHost.toLowerCase() || (EVERY_ADDRESS.has(ownHost) && isIP(name) !== 0);
      if (!ours) {
        throw new HttpError(403, 'FOREIGN_HOST', `${host || 'no host'} is not a name of this server`);
      }
      const origin = context.req.header('origin');
      if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
        throw new HttpError(403, 'FOREIGN_ORIGIN', `requests from ${origin} may not change anything here`);
      }
    }
    await next();
  };
}

/** The name in a Host header, without port and brackets. */
function nameOf(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}
