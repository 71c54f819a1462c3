/** Lines `player<TAB>points`, read from a file in chunks. Bad lines are counted and take part as gaps, so that numbers agree. */
import { createReadStream } from 'node:fs';

export interface LineChunk {
  /** Index of the first line, from 0. */
  readonly from: number;
  /** A bad line is an empty name here. */
  readonly players: string[];
  readonly points: number[];
  /** Bytes of the file that were read so far. */
  readonly bytes: number;
}

export interface BadLine {
  /** From 1, as an editor shows it. */
  readonly number: number;
  readonly reason: string;
}

const PLAYER_BYTES_MAX = 512;
const LINE_BYTES_MAX = 64 * 1024;
const NEWLINE = 10;

/** Reads a file in chunks of at most `linesMax` lines and about `bytesMax` bytes. */
export async function* readChunks(
  file: string,
  linesMax: number,
  bytesMax: number,
  bad: (line: BadLine) => void,
): AsyncGenerator<LineChunk> {
  let from = 0;
  let players: string[] = [];
  let points: number[] = [];
  let size = 0;
  let bytes = 0;
  for await (const line of readLines(file)) {
    bytes += line.length + 1;
    const number = from + players.length + 1;
    const parsed = parseLine(line);
    if (typeof parsed === 'string') {
      bad({ number, reason: parsed });
      players.push('');
      points.push(0);
    } else {
      players.push(parsed.player);
      points.push(parsed.points);
    }
    size += line.length + 16;
    if (players.length === linesMax || size >= bytesMax) {
      yield { from, players, points, bytes };
      from += players.length;
      players = [];
      points = [];
      size = 0;
    }
  }
  if (players.length > 0) yield { from, players, points, bytes };
}

/** What a line says, or what is wrong with it. */
export function parseLine(line: Buffer): { readonly player: string; readonly points: number } | string {
  if (line.length > LINE_BYTES_MAX) return `longer than ${LINE_BYTES_MAX} bytes`;
  const text = line.toString('utf8');
  const tab = text.indexOf('\t');
  if (tab < 0) return 'no tab between player and points';
  const player = text.slice(0, tab);
  const value = text.slice(tab + 1).trim();
  if (player.length === 0) return 'no player';
  if (Buffer.byteLength(player) > PLAYER_BYTES_MAX) return `a player of more than ${PLAYER_BYTES_MAX} bytes`;
  if (player.includes('\uFFFD') && !line.includes('\uFFFD')) return 'not valid UTF-8';
  const points = value === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(points)) return `points are ${JSON.stringify(value.slice(0, 40))}, not a finite number`;
  return { player, points };
}

async function* readLines(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    const data: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      yield withoutReturn(data.subarray(start, end));
      start = end + 1;
    }
    rest = data.subarray(start);
  }
  if (rest.length > 0) yield withoutReturn(rest);
}

function withoutReturn(line: Buffer): Buffer {
  return line[line.length - 1] === 13 ? line.subarray(0, -1) : line;
}
