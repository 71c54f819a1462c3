/** Where the demo serves and keeps its data: environment and flags. */
import { fileURLToPath } from 'node:url';

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly verbose: boolean;
}

/** Folder of the demo's state when SPACEGRID_DATA does not name one. */
export const DEFAULT_DATA: string = fileURLToPath(new URL('../.spacegrid', import.meta.url));

/** Throws an Error with one clear line. */
export function readSettings(env: NodeJS.ProcessEnv, args: readonly string[]): Settings {
  const given = env['PORT'] || '3000';
  const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (!(port <= 65_535)) throw new Error(`PORT is ${given}: a whole number from 0 to 65535 is needed.`);
  for (const argument of args)
    if (argument !== '--verbose') throw new Error(`unknown argument ${argument}: there is --verbose.`);
  return {
    host: env['HOST'] || '127.0.0.1',
    port,
    dataDirectory: env['SPACEGRID_DATA'] || DEFAULT_DATA,
    verbose: args.includes('--verbose'),
  };
}
