/** What comes from outside, checked. Every refusal is a 4xx with a code and a sentence, and nothing was changed. */
import type { Context } from 'hono';
import { z } from 'zod';
import { BOARD_BYTES_MAX, nameProblem, PLAYER_BYTES_MAX } from '../names.ts';
import { HttpError } from './http-error.ts';

const BODY_BYTES_MAX = 64 * 1024;
const COUNT_MAX = 1000;
const AROUND_MAX = 100;
const ONCE_UNITS_MAX = 200;
const LOAD_THREADS_MAX = 4;

function name(what: string, bytesMax: number) {
  return z.string({ error: `${what} is a text` }).superRefine((text, context) => {
    const problem = nameProblem(what, text, bytesMax);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });
}

const boardName = name('board', BOARD_BYTES_MAX);
const playerName = name('player', PLAYER_BYTES_MAX);
const points = z.number({ error: 'points is a finite number' });

const score = z.strictObject({ player: playerName, points });
const load = z.strictObject({
  board: boardName,
  players: z.int().min(1).max(1_000_000),
  ratePerSecond: z.union([z.number().min(0.1).max(1e6), z.null()]),
  threads: z.int().min(1).max(LOAD_THREADS_MAX).default(1),
});
const kill = z.strictObject({ worker: z.int().min(0).max(1000) });
const fileDigest = z.string().regex(/^[0-9a-f]{64}$/, 'digest is the SHA-256 of the file in hexadecimal');
const lines = z.strictObject({
  digest: fileDigest,
  from: z.int().min(0),
  // An empty name stands for a bad line.
  players: z.array(z.union([z.literal(''), playerName])).max(5000),
  points: z.array(points).max(5000),
});

export type ScoreInput = z.infer<typeof score>;
export type LoadInput = z.infer<typeof load>;
export type LinesInput = z.infer<typeof lines>;

export const readScore = (context: Context): Promise<ScoreInput> => readBody(context, score);
export const readLoad = (context: Context): Promise<LoadInput> => readBody(context, load);
export const readKill = (context: Context): Promise<z.infer<typeof kill>> => readBody(context, kill);
export const readLines = (context: Context): Promise<LinesInput> => readBody(context, lines);

export function readBoard(context: Context): string {
  return checked(boardName, pathPart(context, 'board'));
}

export function readDigest(context: Context): string {
  return checked(fileDigest, pathPart(context, 'digest'));
}

export function readPlayer(context: Context): string {
  return checked(playerName, pathPart(context, 'player'));
}

/** `?n=`: how many entries; 10 when absent. */
export function readCount(context: Context, fallback = 10): number {
  return readInteger(context, 'n', fallback, 1, COUNT_MAX);
}

export function readAround(context: Context): number {
  return readInteger(context, 'around', 2, 0, AROUND_MAX);
}

export function readAck(context: Context): boolean {
  const ack = context.req.query('ack');
  if (ack === undefined || ack === 'memory') return false;
  if (ack === 'durable') return true;
  throw new HttpError(400, 'INVALID_ARGUMENT', `ack is ${ack}: allowed are memory and durable`);
}

export function readIdempotencyKey(context: Context): string | undefined {
  const key = context.req.header('idempotency-key');
  if (key === undefined) return undefined;
  if (key.length === 0 || key.length > ONCE_UNITS_MAX) {
    throw new HttpError(400, 'INVALID_ARGUMENT', `an Idempotency-Key has 1 to ${ONCE_UNITS_MAX} characters`);
  }
  return key;
}

function readInteger(context: Context, parameter: string, fallback: number, min: number, max: number): number {
  const given = context.req.query(parameter);
  if (given === undefined) return fallback;
  const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new HttpError(
      400,
      'INVALID_ARGUMENT',
      `${parameter} is ${given}: allowed are whole numbers from ${min} to ${max}`,
    );
  }
  return value;
}

/** Path as it came: its parts are decoded by the router, which leaves broken encodings as they are. */
export function refuseBrokenPath(path: string): void {
  try {
    decodeURIComponent(path);
  } catch {
    throw new HttpError(400, 'INVALID_PATH', 'the path is not percent-encoded UTF-8');
  }
}

function pathPart(context: Context, parameter: string): string {
  const part = context.req.param(parameter);
  if (part === undefined) throw new HttpError(400, 'INVALID_ARGUMENT', `${parameter} is missing`);
  return part;
}

async function readBody<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const type = context.req.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'the body is JSON: send content-type: application/json');
  }
  const bytes = await readLimited(context);
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    throw new HttpError(400, 'INVALID_JSON', 'the body is not valid JSON in UTF-8');
  }
  return checked(schema, value);
}

/** Refuses bytes that are no UTF-8: replaced by U+FFFD, they would become the name of somebody else. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body; stops reading at the limit, whatever the header says. */
async function readLimited(context: Context): Promise<Uint8Array> {
  const tooLarge = new HttpError(413, 'BODY_TOO_LARGE', `the body has more than ${BODY_BYTES_MAX} bytes`);
  if (Number(context.req.header('content-length') ?? 0) > BODY_BYTES_MAX) throw tooLarge;
  const stream = context.req.raw.body;
  if (stream === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    if (error === tooLarge) throw error;
    throw new HttpError(400, 'BODY_CUT_OFF', 'the body ended before its end');
  }
  return Buffer.concat(chunks);
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.join('.') ?? '';
  throw new HttpError(
    400,
    'INVALID_ARGUMENT',
    path === '' ? (issue?.message ?? 'invalid') : `${path}: ${issue?.message ?? 'invalid'}`,
  );
}
