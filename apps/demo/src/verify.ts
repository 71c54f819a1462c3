/**
 * `npm run verify -- --directory data`: looks at every checksum of a store that no grid has open, and says what is damaged. Ends
 * with 0 when all is well or out of the way, 1 when damage is left, 2 when the store could not be looked at.
 */
import { parseArgs } from 'node:util';
import { isGridError } from '@spacegrid/core';
import { type CheckedStore, checkStore } from '@spacegrid/persistence';
import { DEFAULT_DATA } from './settings.ts';

const USAGE = 'Usage: npm run verify -- [--directory FOLDER] [--repair [--trust store]]   (default: the demo’s)';
const SHOWN_MAX = 50;

interface Given {
  readonly directory: string;
  readonly repair: boolean;
  readonly trust: 'store' | undefined;
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function readArguments(): Given {
  try {
    const { values } = parseArgs({
      options: { directory: { type: 'string' }, repair: { type: 'boolean' }, trust: { type: 'string' } },
    });
    const { directory = DEFAULT_DATA, repair = false, trust } = values;
    if (trust !== undefined && trust !== 'store')
      return fail(
        `--trust ${trust}: of a store that no grid has open only the store is there to be trusted.\n${USAGE}`,
      );
    return { directory, repair, trust };
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

function show({ directory, rows, bytes, batches, positions, problems, repaired }: CheckedStore): void {
  const turns = positions.reduce((sum, { sequence }) => sum + sequence, 0);
  const megabytes = (bytes / 1e6).toFixed(1);
  console.log(
    `${directory}: ${rows} rows (${megabytes} MB) and ${batches} batches, ${positions.length} partitions, ${turns} turns.`,
  );
  for (const { message, isRepaired } of problems.slice(0, SHOWN_MAX)) {
    console.log(`  ${message}${isRepaired ? ': taken away' : ''}`);
  }
  if (problems.length > SHOWN_MAX) console.log(`  and ${problems.length - SHOWN_MAX} more`);
  if (problems.length === 0) console.log('Every checksum is right; a start loads all of it.');
  else if (repaired === problems.length)
    console.log(`${problems.length} damaged, all out of the way: a start loads what is left.`);
  else console.log(`${problems.length} damaged, ${repaired} of them out of the way. See docs/runbooks/verify.md.`);
}

const given = readArguments();
try {
  const checked = await checkStore({
    directory: given.directory,
    repair: given.repair,
    ...(given.trust === undefined ? {} : { trust: given.trust }),
  });
  show(checked);
  process.exitCode = checked.repaired === checked.problems.length ? 0 : 1;
} catch (error) {
  if (!isGridError(error)) throw error;
  fail(`${error.code}: ${error.message}`);
}
