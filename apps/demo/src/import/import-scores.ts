/** Loads a file into a target: chunks in order, several under way where they stay in order, the last ones made durable. */
import type { Imported } from '../grid/boards.ts';
import type { ImportTarget } from './import-target.ts';
import { type BadLine, readChunks } from './score-lines.ts';

/** Bad lines that are kept; all are counted. */
const BAD_KEPT_MAX = 20;

export interface ImportResult {
  /** Lines of the file that are counted now. */
  readonly lines: number;
  /** Of them, those that were counted before. */
  readonly before: number;
  /** The first ones, by number. */
  readonly bad: readonly BadLine[];
  readonly badCount: number;
  /** Lines that this run has added. */
  readonly loaded: number;
}

export interface ImportHooks {
  /** True once it is to stop. */
  stopped(): boolean;
  /** Told how many lines were counted before it begins. */
  begins(before: number): void;
  progress(bytes: number, lines: number): void;
}

/** Each line counts once, whatever was interrupted before. Rejects with what the target says. */
export async function importScores(
  target: ImportTarget,
  source: AsyncIterable<Buffer>,
  digest: string,
  hooks: ImportHooks,
): Promise<ImportResult> {
  const before = await target.counted(digest);
  hooks.begins(before);
  const kept: BadLine[] = [];
  let badCount = 0;
  let badNow = 0;
  const tell = (line: BadLine): void => {
    badCount++;
    if (line.number > before) badNow++;
    if (kept.length < BAD_KEPT_MAX) kept.push(line);
  };
  const underWay: Promise<void>[] = [];
  let lines = 0;
  const arrived = ({ refused }: Imported): void => {
    for (const index of refused) tell({ number: index + 1, reason: 'the sum would become infinite' });
  };
  for await (const { from, players, points, bad, bytes } of readChunks(source, target.linesMax, target.bytesMax)) {
    if (hooks.stopped()) break;
    for (const line of bad) tell(line);
    lines = from + players.length;
    hooks.progress(bytes, lines);
    if (lines <= before) continue;
    const added = target.add(digest, from, players, points, { durable: false }).then(arrived);
    // Those behind a failed one fail as well; it is the first that is told.
    added.catch(() => undefined);
    underWay.push(added);
    if (underWay.length >= target.window) await underWay.shift();
  }
  await Promise.all(underWay);
  const counted = Math.max(lines, before);
  if (counted > 0) await target.add(digest, counted, [], [], { durable: true });
  kept.sort((a, b) => a.number - b.number);
  return { lines: counted, before, bad: kept, badCount, loaded: Math.max(0, counted - before - badNow) };
}
