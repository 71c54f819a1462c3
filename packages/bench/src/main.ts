/**
 * `npm run bench`: what the grid does per second beside its peers, in one run of under a minute.
 *
 *     npm run bench -- [--only ask|submit|peek|codec|restart] [--rounds N] [--quick] [--restart] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { describeMachine, machineLine, machineTime, stealPercent } from './machine.ts';
import { type BenchOptions, parseOptions, UsageError } from './options.ts';
import type { Row } from './report.ts';
import { removeFoldersAtExit } from './scratch-folders.ts';
import { tableLines } from './table.ts';
import type { Work } from './work.ts';
import { askWork } from './work/ask.ts';
import { codecWork } from './work/codec.ts';
import { peekWork } from './work/peek.ts';
import { restartWork } from './work/restart.ts';
import { submitWork } from './work/submit.ts';

const works: readonly Work[] = [askWork, submitWork, peekWork, codecWork, restartWork];

const NOTES = [
  'ratio: ours / peer, median of the rounds (min..max), both in the same rounds. CPU-ratio: the same per second of',
  'processor time of all threads; ! marks one below 1. must: the ratio to reach, where one is set. All peers run in this',
  'process; Redis, lmdb and Erlang are not measured here.',
];

async function main(): Promise<void> {
  const options = parseOptions(
    process.argv.slice(2),
    works.map(({ name }) => name),
  );
  const { json, rounds } = options;
  removeFoldersAtExit();
  const machine = describeMachine();
  console.log(`${machineLine(machine)}\n${rounds} rounds\n`);
  const before = machineTime();
  const startedAt = performance.now();
  const rows: Row[] = [];
  for (const work of chosen(options)) rows.push(...(await work.run(options, progress(work.name))));
  progress('')('');
  const seconds = (performance.now() - startedAt) / 1000;
  const steal = stealPercent(before, machineTime());
  console.log(tableLines(rows).join('\n'));
  const stolen = steal === undefined ? '' : `, ${steal.toFixed(1)} % of the processors' time stolen by the host`;
  console.log(`\n${NOTES.join('\n')}\nTook ${seconds.toFixed(0)} s${stolen}.`);
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ machine, rounds, seconds, steal, rows }, null, 2)}\n`);
}

function chosen({ only, restart }: BenchOptions): readonly Work[] {
  return works.filter(({ name }) => (only.length > 0 ? only.includes(name) : name !== 'restart' || restart));
}

/** A line that the next one replaces; only where somebody watches. */
function progress(name: string): (text: string) => void {
  return (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${name === '' ? '' : `${name}: ${text} …`}`);
  };
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
