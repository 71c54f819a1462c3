import { delimiter, join } from 'node:path';
import { root } from './folders.mjs';

/** The environment without what npm adds for its scripts, which would steer pnpm; where packages come from is kept. */
export function cleanEnvironment(extraPath) {
  const kept =
    /^npm_config_(registry|userconfig|globalconfig|cafile|ca|(https?[-_])?proxy|noproxy|strict[-_]ssl|@|\/\/)/i;
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/^npm_/i.test(name) && !kept.test(name)) continue;
    env[name] = value;
  }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  env[pathName] = [...extraPath, join(root, 'node_modules', '.bin'), env[pathName] ?? ''].join(delimiter);
  // pnpm finds its settings by itself; its update notes and turbo's telemetry are nobody's business here.
  // Every thread loads the sources anew: stripped of their types and compiled once, they take half as long from then on.
  const cache = env.NODE_COMPILE_CACHE ?? join(root, '.tools', 'compile-cache');
  return {
    ...env,
    NODE_COMPILE_CACHE: cache,
    NO_UPDATE_NOTIFIER: '1',
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
  };
}
