/** What comes from outside is taken as it is, or refused with a 4xx: nothing in between, whatever comes. */
import fc from 'fast-check';
import { type Context, Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { answerError } from '../../../src/http/http-error.ts';
import {
  readAck,
  readAround,
  readBoard,
  readCount,
  readIdempotencyKey,
  readLines,
  readLoad,
  readPlayer,
  readScore,
  refuseBrokenPath,
} from '../../../src/http/input.ts';

const unforeseen: unknown[] = [];

/** Answers with what `read` made of the request. */
function reading(read: (context: Context) => unknown) {
  const app = new Hono({ getPath: (request) => request.url.slice('http://test'.length).replace(/\?.*$/, '') });
  app.onError((error, context) => answerError(context, error, (other) => unforeseen.push(other)));
  app.use(async (context, next) => {
    refuseBrokenPath(context.req.path);
    await next();
  });
  app.all('/:board/:player', async (context) => context.json({ read: (await read(context)) ?? null }));
  return async (
    path: string,
    init: RequestInit = {},
  ): Promise<{ readonly status: number; readonly read?: unknown }> => {
    // As the server does: the path comes as it was sent.
    const request = new Request('http://test/', init);
    Object.defineProperty(request, 'url', { value: `http://test${path}` });
    const answer = await app.fetch(request);
    const json = (await answer.json()) as { readonly read?: unknown; readonly error?: unknown };
    if (answer.status !== 200) {
      expect(json).toEqual({
        error: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.stringMatching(/\S/) },
      });
      return { status: answer.status };
    }
    return { status: 200, read: json.read };
  };
}

const post = (body: string | Uint8Array<ArrayBuffer>): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body,
});

const fine = (name: string, bytesMax: number): boolean =>
  name !== '' && name.isWellFormed() && Buffer.byteLength(name) <= bytesMax;

/** Prints the seed; a failure prints the smallest case besides. */
const settings = (numRuns: number) => {
  const seed = Date.now() ^ (Math.random() * 0x7fffffff);
  process.stderr.write(`seed ${seed}\n`);
  return { numRuns, seed };
};

/** Texts of any UTF-16 units, lone surrogates included, some of them at the limits. */
const anyText = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', '__proto__', 'constructor', 'a'.repeat(256), 'a'.repeat(257), 'é'.repeat(256), 'é'.repeat(257)),
);

describe('a score', () => {
  const read = reading(readScore);

  it('is taken exactly when player is a name and points are finite', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyText,
        fc.oneof(fc.double(), fc.integer(), fc.constantFrom('5', null, true, [1], {})),
        async (player, points) => {
          const answer = await read('/b/p', post(JSON.stringify({ player, points })));
          const finite = typeof points === 'number' && Number.isFinite(points);
          if (fine(player, 512) && finite)
            expect(answer).toEqual({ status: 200, read: { player, points: JSON.parse(JSON.stringify(points)) } });
          else expect(answer.status).toBe(400);
        },
      ),
      settings(500),
    );
  });

  it('is never made of any other JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 4 }), async (json) => {
        expect((await read('/b/p', post(json))).status).toBe(400);
      }),
      settings(300),
    );
  });

  it('is never made of any other bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect((await read('/b/p', post(Buffer.from(bytes)))).status).toBe(400);
      }),
      settings(300),
    );
  });

  it('is not made of the first part of one', async () => {
    const whole = JSON.stringify({ player: 'ada', points: 12 });
    for (let length = 0; length < whole.length; length++)
      expect((await read('/b/p', post(whole.slice(0, length)))).status).toBe(400);
  });
});

describe('names in a path', () => {
  const read = reading((context) => [readBoard(context), readPlayer(context)]);

  it('come back as they were, or are refused', async () => {
    const encodable = anyText.filter((text) => text !== '' && text.isWellFormed());
    await fc.assert(
      fc.asyncProperty(encodable, encodable, async (board, player) => {
        const answer = await read(`/${encodeURIComponent(board)}/${encodeURIComponent(player)}`);
        if (fine(board, 256) && fine(player, 512)) expect(answer).toEqual({ status: 200, read: [board, player] });
        else expect(answer.status).toBe(400);
      }),
      settings(500),
    );
  });

  it('are refused when their encoding is broken', async () => {
    const part = fc.string({
      unit: fc.constantFrom('%', '%4', '%41', '%C3', '%A9', '%ED%A0%80', '%00', 'a'),
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(part, async (board) => {
        let decoded: string | undefined;
        try {
          decoded = decodeURIComponent(board);
        } catch {
          decoded = undefined;
        }
        const answer = await read(`/${board}/p`);
        if (decoded !== undefined && fine(decoded, 256)) expect(answer).toEqual({ status: 200, read: [decoded, 'p'] });
        else expect(answer.status).toBe(400);
      }),
      settings(500),
    );
  });
});

describe('numbers in a query', () => {
  it.each([
    ['n', readCount, 1, 1000, 10],
    ['around', readAround, 0, 100, 2],
  ] as const)('%s is a whole number within its bounds', async (name, readNumber, min, max, fallback) => {
    const read = reading((context) => readNumber(context));
    expect(await read('/b/p')).toEqual({ status: 200, read: fallback });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: -10, max: max + 10 }).map(String), fc.string(), fc.double().map(String)),
        async (given) => {
          const answer = await read(`/b/p?${name}=${encodeURIComponent(given)}`);
          const value = Number(given);
          if (/^\d{1,9}$/.test(given) && value >= min && value <= max)
            expect(answer).toEqual({ status: 200, read: value });
          else expect(answer.status).toBe(400);
        },
      ),
      settings(300),
    );
  });
});

describe('what goes with a score', () => {
  it('is an ack level of one node', async () => {
    const read = reading(readAck);
    expect(await read('/b/p')).toEqual({ status: 200, read: false });
    expect(await read('/b/p?ack=memory')).toEqual({ status: 200, read: false });
    expect(await read('/b/p?ack=durable')).toEqual({ status: 200, read: true });
    for (const ack of ['', 'Durable', 'replicated', 'durable-all', 'toString'])
      expect((await read(`/b/p?ack=${ack}`)).status).toBe(400);
  });

  it('is an Idempotency-Key of 1 to 200 characters', async () => {
    const read = reading(readIdempotencyKey);
    const withKey = (key: string) => read('/b/p', { headers: { 'idempotency-key': key } });
    expect(await read('/b/p')).toEqual({ status: 200, read: null });
    expect(await withKey('k'.repeat(200))).toEqual({ status: 200, read: 'k'.repeat(200) });
    expect((await withKey('k'.repeat(201))).status).toBe(400);
    expect((await withKey('')).status).toBe(400);
  });
});

describe('a load', () => {
  const read = reading(readLoad);

  it('has a board, players and a rate within bounds', async () => {
    const load = { board: 'b', players: 100, ratePerSecond: 10, threads: 1 };
    for (const good of [
      load,
      { ...load, ratePerSecond: null },
      { ...load, players: 1_000_000 },
      { ...load, threads: 4 },
    ])
      expect(await read('/b/p', post(JSON.stringify(good)))).toEqual({ status: 200, read: good });
    const { threads: _, ...asBefore } = load;
    expect(await read('/b/p', post(JSON.stringify(asBefore)))).toEqual({ status: 200, read: load });
    for (const bad of [
      { ...load, board: '' },
      { ...load, players: 0 },
      { ...load, players: 1.5 },
      { ...load, players: 1_000_001 },
      { ...load, ratePerSecond: 0 },
      { ...load, ratePerSecond: 1e7 },
      { ...load, threads: 0 },
      { ...load, threads: 99 },
      { ...load, more: 1 },
      { board: 'b', players: 1 },
    ])
      expect((await read('/b/p', post(JSON.stringify(bad)))).status).toBe(400);
  });
});

describe('imported lines', () => {
  const read = reading(readLines);
  const lines = { digest: 'a'.repeat(64), from: 0, players: ['ada', ''], points: [1, 0] };

  it('may have gaps, and nothing that is no name or no number', async () => {
    expect(await read('/b/p', post(JSON.stringify(lines)))).toEqual({ status: 200, read: lines });
    for (const bad of [
      { ...lines, digest: 'A'.repeat(64) },
      { ...lines, digest: 'a'.repeat(63) },
      { ...lines, from: 0.5 },
      { ...lines, from: Number.MAX_SAFE_INTEGER + 2 },
      { ...lines, players: [null, ''] },
      { ...lines, players: ['a\uD800', ''] },
      { ...lines, players: ['é'.repeat(257), ''] },
      { ...lines, points: ['1', 0] },
      { ...lines, points: [null, 0] },
      { ...lines, players: new Array(5001).fill('') },
    ])
      expect((await read('/b/p', post(JSON.stringify(bad)))).status).toBe(400);
  });
});

describe('all of it', () => {
  it('was foreseen', () => {
    expect(unforeseen).toEqual([]);
  });
});
