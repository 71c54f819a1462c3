/** What the command line says. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Rounds of each measurement. */
  readonly rounds: number;
  /** Milliseconds of one case in one round. */
  readonly sliceMs: number;
  /** Entries of the large leaderboard, map and Map. */
  readonly entries: number;
  /** Names of the works to run; empty for all. */
  readonly only: readonly string[];
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
  /** Whether to measure a restart, which takes half a minute more. */
  readonly restart: boolean;
}

/** What the person who typed the command did wrong, in one line. */
export class UsageError extends Error {}

const USAGE = '--only NAME, --rounds N, --quick, --restart, --json FILE';
const ROUNDS_DEFAULT = 5;
const ROUNDS_MAX = 1000;
const SLICE_MS = 250;
const ENTRIES = 1_000_000;
/** For a test that wants to see each row, not its figure. */
const QUICK = { rounds: 2, sliceMs: 30, entries: 5000 };

/** Throws UsageError. @param works names that `--only` may take. */
export function parseOptions(args: readonly string[], works: readonly string[]): BenchOptions {
  const { values } = parsed(args);
  const only = values.only ?? [];
  for (const name of only) {
    if (!works.includes(name)) throw new UsageError(`--only ${name}: there are ${works.join(', ')}`);
  }
  const quick = values.quick === true;
  const rounds = values.rounds === undefined ? (quick ? QUICK.rounds : ROUNDS_DEFAULT) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX)
    throw new UsageError(`--rounds ${values.rounds}: a whole number from 1 to ${ROUNDS_MAX} is needed`);
  return {
    rounds,
    sliceMs: quick ? QUICK.sliceMs : SLICE_MS,
    entries: quick ? QUICK.entries : ENTRIES,
    only,
    json: values.json,
    restart: values.restart === true || only.includes('restart'),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        quick: { type: 'boolean' },
        restart: { type: 'boolean' },
        json: { type: 'string' },
      },
    });
  } catch (error) {
    const [reason] = (error as Error).message.split('. ');
    throw new UsageError(`${reason}: there are ${USAGE}`);
  }
}
