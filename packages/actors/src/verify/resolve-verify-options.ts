import { InvalidOptionError } from '@spacegrid/core';
import type { MendChoice } from './partition-verify.ts';
import type { VerifyOptions } from './verify-report.ts';

const NAMES = ['repair', 'signal', 'timeout', 'trust'];

/** Throws InvalidOptionError naming what is allowed. */
export function resolveVerifyOptions(options: VerifyOptions): MendChoice {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    throw new InvalidOptionError(`verify has no option ${unknown}: it has ${NAMES.join(', ')}`);
  const { repair = false, trust } = options;
  if (typeof repair !== 'boolean')
    throw new InvalidOptionError(`repair is ${String(repair)}: allowed are true and false`);
  if (trust !== undefined && trust !== 'owner' && trust !== 'store')
    throw new InvalidOptionError(`trust is ${JSON.stringify(trust)}: allowed are 'owner' and 'store'`);
  if (trust !== undefined && !repair)
    throw new InvalidOptionError('trust says how to repair: give repair: true with it');
  return { repair, trust };
}
