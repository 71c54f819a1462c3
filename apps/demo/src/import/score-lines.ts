/** Lines `player<TAB>points`, in chunks. Bad lines take part as gaps, so that numbers agree. */
import { isUtf8 } from 'node:buffer';
import { nameProblem, PLAYER_BYTES_MAX } from '../names.ts';

export interface LineChunk {
  /** Index of the first line, from 0. */
  readonly from: number;
  /** A bad line is an empty name here. */
  readonly players: string[];
  readonly points: number[];
  readonly bad: readonly BadLine[];
  /** Bytes that were read so far. */
  readonly bytes: number;
}

export interface BadLine {
  /** From 1, as an editor shows it. */
  readonly number: number;
  readonly reason: string;
}

export interface Score {
  readonly player: string;
  readonly points: number;
}

/** Bound: of what is kept of a line. */
const LINE_BYTES_MAX = 8 * 1024;
/** A line in JSON has quotes, two commas, and points of up to 24 characters. */
const JSON_BYTES_MORE = 27;
const NEWLINE = 10;
const RETURN = 13;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
// Each of these may take six bytes in JSON.
// oxlint-disable-next-line no-control-regex
const ESCAPED = /[\u0000-\u001F"\\]/;

/** Reads chunks of at most `linesMax` lines, whose names and points take at most about `bytesMax` bytes in JSON. */
export async function* readChunks(
  source: AsyncIterable<Buffer>,
  linesMax: number,
  bytesMax: number,
): AsyncGenerator<LineChunk> {
  let from = 0;
  let players: string[] = [];
  let points: number[] = [];
  let bad: BadLine[] = [];
  let size = 0;
  let bytes = 0;
  for await (const { line, end } of readLines(source)) {
    const number = from + players.length + 1;
    const parsed = parseLine(number === 1 ? withoutMark(line) : line);
    const scored = typeof parsed !== 'string';
    const lineSize = scored ? jsonBytes(parsed.player, line.length) : JSON_BYTES_MORE;
    if (players.length === linesMax || (size + lineSize > bytesMax && players.length > 0)) {
      yield { from, players, points, bad, bytes };
      from += players.length;
      players = [];
      points = [];
      bad = [];
      size = 0;
    }
    if (!scored) bad.push({ number, reason: parsed });
    players.push(scored ? parsed.player : '');
    points.push(scored ? parsed.points : 0);
    size += lineSize;
    bytes = end;
  }
  if (players.length > 0) yield { from, players, points, bad, bytes };
}

/** What a line says, or what is wrong with it. */
export function parseLine(line: Buffer): Score | string {
  if (line.length > LINE_BYTES_MAX) return `longer than ${LINE_BYTES_MAX} bytes`;
  if (!isUtf8(line)) return 'not valid UTF-8';
  const text = line.toString('utf8');
  const tab = text.indexOf('\t');
  if (tab < 0) return 'no tab between player and points';
  const player = text.slice(0, tab);
  const problem = nameProblem('player', player, PLAYER_BYTES_MAX);
  if (problem !== undefined) return problem;
  const value = text.slice(tab + 1).trim();
  const points = DECIMAL.test(value) ? Number(value) : Number.NaN;
  if (!Number.isFinite(points)) return `points are ${JSON.stringify(value.slice(0, 40))}, not a finite number`;
  return { player, points };
}

interface Line {
  /** Without its end; cut behind the longest that is allowed. */
  readonly line: Buffer;
  /** Bytes read up to the end of the line. */
  readonly end: number;
}

async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let read = 0;
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield { line: withoutReturn(joined(rest, chunk.subarray(start, end))), end: read + end + 1 };
      rest = Buffer.alloc(0);
      start = end + 1;
    }
    rest = joined(rest, chunk.subarray(start));
    read += chunk.length;
  }
  if (rest.length > 0) yield { line: withoutReturn(rest), end: read };
}

/** Bound: one byte more than a line may have, however long it is. */
function joined(rest: Buffer, more: Buffer): Buffer {
  if (rest.length === 0) return more.subarray(0, LINE_BYTES_MAX + 1);
  return Buffer.concat([rest, more.subarray(0, LINE_BYTES_MAX + 1 - rest.length)]);
}

function withoutReturn(line: Buffer): Buffer {
  return line[line.length - 1] === RETURN ? line.subarray(0, -1) : line;
}

/** Some editors begin a file with a byte order mark. */
function withoutMark(line: Buffer): Buffer {
  return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? line.subarray(3) : line;
}

function jsonBytes(player: string, lineBytes: number): number {
  return (ESCAPED.test(player) ? 6 * lineBytes : lineBytes) + JSON_BYTES_MORE;
}
