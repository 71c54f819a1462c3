/** Where a running demo says that it runs: a file in its data folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ADDRESS_FILE = 'serving.json';

/** The address of the demo that serves this folder, if one answers. */
export async function runningAddress(dataDirectory: string): Promise<string | undefined> {
  let address: unknown;
  try {
    address = (JSON.parse(readFileSync(join(dataDirectory, ADDRESS_FILE), 'utf8')) as { address?: unknown }).address;
  } catch {
    return undefined;
  }
  if (typeof address !== 'string') return undefined;
  try {
    const answer = await fetch(`${address}/livez`, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? address : undefined;
  } catch {
    return undefined;
  }
}
