/** The built page, from memory: a handful of files, with their types and a policy that allows nothing from outside. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.ico': 'image/x-icon',
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const MISSING =
  '<!doctype html><title>SpaceGrid</title><p>The page is not built yet: <code>npm start</code> builds it.</p>';

export function pageFiles(): Hono {
  const root = fileURLToPath(new URL('../../dist/', import.meta.url));
  const files = new Map<string, { readonly body: Uint8Array<ArrayBuffer>; readonly type: string }>();
  for (const file of listFiles(root)) {
    const path = `/${relative(root, file).split(sep).join('/')}`;
    const body = new Uint8Array(readFileSync(file));
    files.set(path === '/index.html' ? '/' : path, { body, type: TYPES[extname(file)] ?? 'application/octet-stream' });
  }
  const routes = new Hono();
  routes.get('*', (context, next) => {
    const found = files.get(context.req.path);
    if (found === undefined && context.req.path !== '/') return next();
    return Promise.resolve(
      context.body(found?.body ?? MISSING, 200, {
        'content-type': found?.type ?? 'text/html; charset=utf-8',
        'content-security-policy': POLICY,
        'referrer-policy': 'no-referrer',
        'cache-control': context.req.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      }),
    );
  });
  return routes;
}

function listFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const file = join(folder, name);
    return statSync(file).isDirectory() ? listFiles(file) : [file];
  });
}
