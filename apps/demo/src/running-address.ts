/** Where a running demo says that it runs: a file in its data folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ADDRESS_FILE = 'serving.json';

/** Header of an answer of the demo: which run of it answers. */
export const RUN_HEADER = 'spacegrid-run';

/**
 * The address of the demo that serves this folder, if it answers. What a killed one has left behind may name a port that
 * another program has taken since: only the run that wrote the file is believed.
 */
export async function runningAddress(dataDirectory: string): Promise<string | undefined> {
  let address: unknown;
  let run: unknown;
  try {
    const written = JSON.parse(readFileSync(join(dataDirectory, ADDRESS_FILE), 'utf8')) as Record<string, unknown>;
    ({ address, run } = written);
  } catch {
    return undefined;
  }
  if (typeof address !== 'string' || typeof run !== 'string') return undefined;
  try {
    const answer = await fetch(`${address}/livez`, { signal: AbortSignal.timeout(2000) });
    return answer.headers.get(RUN_HEADER) === run ? address : undefined;
  } catch {
    return undefined;
  }
}
