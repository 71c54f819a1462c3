/** The HTTP interface, asked from outside of the real process: answers, refusals, and that a refusal changes nothing. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, askJson, JSON_TYPE, type Question, submit } from '../fixtures/ask.ts';
import { type Demo, scratchFolder, startDemo } from '../fixtures/demo-process.ts';
import { within } from '../../../../test/fixtures/until.ts';

const scratch = scratchFolder();
// Bound: far more than is needed where nothing else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const dataDirectory = scratch.fresh('http');
let demo: Demo;

beforeAll(async () => {
  demo = await startDemo(dataDirectory);
});

afterAll(async () => {
  await demo.signal('SIGKILL');
  scratch.remove();
});

const to = (path: string, question?: Question) => askJson(demo.address, path, question);
const post = (path: string, body: Question['body'], headers: Readonly<Record<string, string>> = JSON_TYPE) =>
  to(path, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
const boardNames = async (): Promise<readonly string[]> =>
  ((await to('/api/boards')).json as { boards: { name: string }[] }).boards.map(({ name }) => name);

/** What every refusal looks like. */
const refusal = (code: string) => ({ error: { code, message: expect.stringMatching(/\S/) } });

describe('POST /api/boards/:board/scores', () => {
  it('adds points and answers with player, points, rank and whether they are durable', async () => {
    expect(await submit(demo.address, 'adding', 'ada', 120)).toEqual({
      status: 200,
      json: { player: 'ada', points: 120, rank: 1, durable: false },
    });
    expect(await submit(demo.address, 'adding', 'bob', 150.5, { query: '?ack=durable' })).toEqual({
      status: 200,
      json: { player: 'bob', points: 150.5, rank: 1, durable: true },
    });
    expect(await submit(demo.address, 'adding', 'ada', -20, { query: '?ack=memory' })).toEqual({
      status: 200,
      json: { player: 'ada', points: 100, rank: 2, durable: false },
    });
  });

  it('refuses a sum that would become infinite, and keeps the points', async () => {
    await submit(demo.address, 'sums', 'max', Number.MAX_VALUE);
    const { status, json } = await submit(demo.address, 'sums', 'max', Number.MAX_VALUE);
    expect({ status, json }).toEqual({ status: 400, json: refusal('INVALID_ARGUMENT') });
    expect((await to('/api/boards/sums/top')).json).toEqual({
      entries: [{ rank: 1, player: 'max', points: Number.MAX_VALUE }],
    });
    await submit(demo.address, 'sums', 'min', -Number.MAX_VALUE);
    expect((await submit(demo.address, 'sums', 'min', -Number.MAX_VALUE)).status).toBe(400);
  });

  it('counts a retry with the same Idempotency-Key once and gives the first answer', async () => {
    const first = await submit(demo.address, 'retries', 'ada', 5, { key: 'order 1' });
    await submit(demo.address, 'retries', 'ada', 1);
    expect(await submit(demo.address, 'retries', 'ada', 5, { key: 'order 1' })).toEqual(first);
    expect((await to('/api/boards/retries/players/ada')).json).toMatchObject({ points: 6 });
    // The same key on another board is another key.
    expect((await submit(demo.address, 'retries 2', 'ada', 5, { key: 'order 1' })).json).toMatchObject({ points: 5 });
  });

  it('refuses an Idempotency-Key that was used with another body', async () => {
    await submit(demo.address, 'conflicts', 'ada', 5, { key: 'k' });
    for (const [player, points] of [
      ['ada', 6],
      ['bob', 5],
    ] as const) {
      expect(await submit(demo.address, 'conflicts', player, points, { key: 'k' })).toEqual({
        status: 409,
        json: refusal('ONCE_CONFLICT'),
      });
    }
    expect((await to('/api/boards/conflicts/top')).json).toEqual({ entries: [{ rank: 1, player: 'ada', points: 5 }] });
  });

  it('counts a retry once across a crash of the process', async () => {
    const directory = scratch.fresh('crash');
    const before = await startDemo(directory);
    const first = await submit(before.address, 'crash', 'ada', 7, { query: '?ack=durable', key: 'crash 1' });
    await before.signal('SIGKILL');
    const after = await startDemo(directory);
    expect(await submit(after.address, 'crash', 'ada', 7, { query: '?ack=durable', key: 'crash 1' })).toEqual(first);
    expect((await submit(after.address, 'crash', 'ada', 8, { key: 'crash 1' })).status).toBe(409);
    expect((await askJson(after.address, '/api/boards/crash/top')).json).toEqual({
      entries: [{ rank: 1, player: 'ada', points: 7 }],
    });
    await after.signal('SIGKILL');
  });
});

describe('GET /api/boards/:board/top', () => {
  it('lists the best n, ten unless told, ties by who reached them first', async () => {
    for (let index = 0; index < 12; index++) await submit(demo.address, 'top', `p${index}`, 100 - (index >> 1));
    const { json } = await to('/api/boards/top/top');
    expect((json as { entries: unknown[] }).entries).toHaveLength(10);
    expect((await to('/api/boards/top/top?n=3')).json).toEqual({
      entries: [
        { rank: 1, player: 'p0', points: 100 },
        { rank: 2, player: 'p1', points: 100 },
        { rank: 3, player: 'p2', points: 99 },
      ],
    });
    expect((await to('/api/boards/top/top?n=1000')).json).toMatchObject({ entries: { length: 12 } });
  });

  it('is empty for an unknown board, and creates nothing', async () => {
    const before = await boardNames();
    expect(await to('/api/boards/nobody%20knows/top')).toEqual({ status: 200, json: { entries: [] } });
    expect((await to('/api/boards/nobody%20knows/players/x')).status).toBe(404);
    const events = await openEvents('/api/boards/nobody%20knows/events');
    await events.next();
    events.close();
    expect(await boardNames()).toEqual(before);
  });
});

describe('GET /api/boards/:board/players/:player', () => {
  it('answers with the standing and the neighbourhood, two each way unless told', async () => {
    for (let index = 1; index <= 9; index++) await submit(demo.address, 'around', `p${index}`, 100 - index);
    const entry = (rank: number) => ({ rank, player: `p${rank}`, points: 100 - rank });
    expect(await to('/api/boards/around/players/p5')).toEqual({
      status: 200,
      json: { player: 'p5', points: 95, rank: 5, around: [3, 4, 5, 6, 7].map(entry) },
    });
    expect((await to('/api/boards/around/players/p1?around=1')).json).toMatchObject({ around: [1, 2].map(entry) });
    expect((await to('/api/boards/around/players/p9?around=0')).json).toMatchObject({ around: [entry(9)] });
  });

  it('answers 404 with an error for an unknown player', async () => {
    await submit(demo.address, 'strangers', 'ada', 1);
    expect(await to('/api/boards/strangers/players/bob')).toEqual({ status: 404, json: refusal('UNKNOWN_PLAYER') });
  });
});

describe('DELETE /api/boards/:board', () => {
  it('removes the board, also one that is not there', async () => {
    await submit(demo.address, 'gone', 'ada', 1);
    for (let round = 0; round < 3; round++) {
      expect(await to('/api/boards/gone', { method: 'DELETE' })).toEqual({ status: 204, json: undefined });
      expect((await to('/api/boards/gone/top')).json).toEqual({ entries: [] });
      expect(await boardNames()).not.toContain('gone');
    }
  });

  it('leaves a board that is listed again with its next score', async () => {
    for (let round = 0; round < 5; round++) {
      await submit(demo.address, 'phoenix', 'ada', 1);
      await to('/api/boards/phoenix', { method: 'DELETE' });
      expect((await submit(demo.address, 'phoenix', 'bob', 2)).json).toMatchObject({ points: 2, rank: 1 });
      expect(await boardNames()).toContain('phoenix');
    }
  });
});

describe('names', () => {
  const names = [
    'a/b',
    '/',
    'a\u0000b',
    '😀 👩‍👩‍👧‍👦',
    'שלום \u202Eabc',
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    '%2F',
    '%',
    'a b+c?d#e&f=g',
    '<img src=x onerror=alert(1)>',
    '"\\\r\n\t',
    'e\u0301',
    '\u00e9',
    '\uFFFD',
    '\uFEFFbom',
    '...',
    'ﷺ'.repeat(80),
  ];

  it.each(names)('of any Unicode are taken and given back as they are: %j', async (name) => {
    const encoded = encodeURIComponent(name);
    expect(await submit(demo.address, name, name, 3)).toEqual({
      status: 200,
      json: { player: name, points: 3, rank: 1, durable: false },
    });
    expect((await to(`/api/boards/${encoded}/top`)).json).toEqual({ entries: [{ rank: 1, player: name, points: 3 }] });
    expect((await to(`/api/boards/${encoded}/players/${encoded}`)).json).toMatchObject({ player: name, points: 3 });
    expect(await boardNames()).toContain(name);
    expect((await to(`/api/boards/${encoded}`, { method: 'DELETE' })).status).toBe(204);
    expect(await boardNames()).not.toContain(name);
  });

  it('are limited by their bytes in UTF-8', async () => {
    const board256 = `${'é'.repeat(127)}bb`;
    const player512 = '😀'.repeat(128);
    expect((await submit(demo.address, board256, player512, 1)).status).toBe(200);
    expect(
      (await to(`/api/boards/${encodeURIComponent(board256)}/players/${encodeURIComponent(player512)}`)).status,
    ).toBe(200);
    for (const [board, player] of [
      [`${board256}b`, 'ada'],
      ['long names', `${player512}b`],
    ] as const) {
      expect(await submit(demo.address, board, player, 1)).toEqual({ status: 400, json: refusal('INVALID_ARGUMENT') });
    }
    expect(await boardNames()).not.toContain('long names');
  });
});

describe('bad input', () => {
  const scores = '/api/boards/refused/scores';
  const body = (value: unknown) => JSON.stringify(value);
  const big = body({ player: 'x'.repeat(64 * 1024), points: 1 });
  const chunks = Array.from({ length: 70 }, () => 'x'.repeat(1024));
  const lines = (value: Record<string, unknown>) =>
    body({ digest: 'a'.repeat(64), from: 0, players: ['ada'], points: [1], ...value });
  const posted = (path: string, sent: Question['body'], headers: Readonly<Record<string, string>> = JSON_TYPE) =>
    [path, { method: 'POST', headers, ...(sent === undefined ? {} : { body: sent }) }] as const;
  const got = (path: string, method = 'GET') => [path, { method }] as const;

  const refused: readonly (readonly [
    what: string,
    status: number,
    code: string,
    request: readonly [path: string, question: Question],
  ])[] = [
    ['points as a text', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: 'ada', points: '5' }))],
    ['points as "NaN"', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: 'ada', points: 'NaN' }))],
    ['points as NaN', 400, 'INVALID_JSON', posted(scores, '{"player":"ada","points":NaN}')],
    ['points as Infinity', 400, 'INVALID_JSON', posted(scores, '{"player":"ada","points":Infinity}')],
    ['points as 1e999', 400, 'INVALID_ARGUMENT', posted(scores, '{"player":"ada","points":1e999}')],
    ['points as -1e999', 400, 'INVALID_ARGUMENT', posted(scores, '{"player":"ada","points":-1e999}')],
    ['points as null', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: 'ada', points: null }))],
    ['points as a list', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: 'ada', points: [5] }))],
    ['no points', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: 'ada' }))],
    ['no player', 400, 'INVALID_ARGUMENT', posted(scores, body({ points: 5 }))],
    ['a player that is a number', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: 5, points: 5 }))],
    ['a player that is an object', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: {}, points: 5 }))],
    ['an empty player', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: '', points: 5 }))],
    ['a lone surrogate', 400, 'INVALID_ARGUMENT', posted(scores, '{"player":"a\\ud800","points":5}')],
    ['an unknown field', 400, 'INVALID_ARGUMENT', posted(scores, body({ player: 'ada', points: 5, rank: 1 }))],
    ['a field __proto__', 400, 'INVALID_ARGUMENT', posted(scores, '{"player":"a","points":5,"__proto__":{"a":1}}')],
    ['a field constructor', 400, 'INVALID_ARGUMENT', posted(scores, '{"player":"a","points":5,"constructor":1}')],
    ['a list', 400, 'INVALID_ARGUMENT', posted(scores, '[]')],
    ['null', 400, 'INVALID_ARGUMENT', posted(scores, 'null')],
    ['a text', 400, 'INVALID_ARGUMENT', posted(scores, '"ada"')],
    ['no body', 400, 'INVALID_JSON', posted(scores, undefined)],
    ['broken JSON', 400, 'INVALID_JSON', posted(scores, '{"player":"ada","points":5')],
    ['JSON and more', 400, 'INVALID_JSON', posted(scores, '{"player":"ada","points":5}x')],
    ['deep JSON', 400, 'INVALID_ARGUMENT', posted(scores, '['.repeat(30_000) + ']'.repeat(30_000))],
    [
      'bytes that are no UTF-8',
      400,
      'INVALID_JSON',
      posted(scores, Buffer.from('{"player":"\xed\xa0\x80","points":5}', 'latin1')),
    ],
    [
      'a form',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      posted(scores, 'player=ada&points=5', { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    [
      'a plain text',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      posted(scores, body({ player: 'ada', points: 5 }), { 'content-type': 'text/plain' }),
    ],
    ['no content type', 415, 'UNSUPPORTED_MEDIA_TYPE', posted(scores, body({ player: 'ada', points: 5 }), {})],
    [
      'JSON with a suffix',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      posted(scores, '{}', { 'content-type': 'application/jsonp' }),
    ],
    ['a body over 64 KiB', 413, 'BODY_TOO_LARGE', posted(scores, big)],
    ['chunks over 64 KiB', 413, 'BODY_TOO_LARGE', posted(scores, chunks)],
    [
      'an unknown ack level',
      400,
      'INVALID_ARGUMENT',
      posted(`${scores}?ack=replicated`, body({ player: 'ada', points: 5 })),
    ],
    ['an empty ack level', 400, 'INVALID_ARGUMENT', posted(`${scores}?ack=`, body({ player: 'ada', points: 5 }))],
    [
      'an empty Idempotency-Key',
      400,
      'INVALID_ARGUMENT',
      posted(scores, body({ player: 'ada', points: 5 }), { ...JSON_TYPE, 'idempotency-key': ' ' }),
    ],
    [
      'an over-long Idempotency-Key',
      400,
      'INVALID_ARGUMENT',
      posted(scores, body({ player: 'ada', points: 5 }), { ...JSON_TYPE, 'idempotency-key': 'k'.repeat(201) }),
    ],
    ['an empty board', 404, 'NOT_FOUND', posted('/api/boards//scores', body({ player: 'ada', points: 5 }))],
    [
      'a broken percent-encoding',
      400,
      'INVALID_PATH',
      posted('/api/boards/refused%/scores', body({ player: 'ada', points: 5 })),
    ],
    [
      'an overlong encoding',
      400,
      'INVALID_PATH',
      posted('/api/boards/%C0%AF/scores', body({ player: 'ada', points: 5 })),
    ],
    [
      'an encoded surrogate',
      400,
      'INVALID_PATH',
      posted('/api/boards/%ED%A0%80/scores', body({ player: 'ada', points: 5 })),
    ],
    ['a broken player in a path', 400, 'INVALID_PATH', got('/api/boards/refused/players/%E0%A4%A')],
    ['a cut encoding', 400, 'INVALID_PATH', got('/api/boards/%F0%9F%98/top')],
    ['a board of 257 bytes', 400, 'INVALID_ARGUMENT', got(`/api/boards/${'b'.repeat(257)}/top`)],
    ['a player of 513 bytes', 400, 'INVALID_ARGUMENT', got(`/api/boards/refused/players/${'p'.repeat(513)}`)],
    ...['0', '-1', '1001', '1e3', '2.5', 'NaN', '', '%20', '0x10', '99999999999999999999', '%F0'].flatMap((n) => [
      [`n=${n}`, 400, 'INVALID_ARGUMENT', got(`/api/boards/refused/top?n=${n}`)] as const,
      [`events of n=${n}`, 400, 'INVALID_ARGUMENT', got(`/api/boards/refused/events?n=${n}`)] as const,
    ]),
    ...['-1', '101', '1e1', 'Infinity', ''].map(
      (around) =>
        [`around=${around}`, 400, 'INVALID_ARGUMENT', got(`/api/boards/refused/players/ada?around=${around}`)] as const,
    ),
    [
      'an import without digest',
      400,
      'INVALID_ARGUMENT',
      posted('/api/boards/refused/imports', lines({ digest: 'x' })),
    ],
    [
      'an import of lists of two lengths',
      400,
      'INVALID_ARGUMENT',
      posted('/api/boards/refused/imports', lines({ points: [] })),
    ],
    [
      'an import that leaves lines out',
      400,
      'INVALID_ARGUMENT',
      posted('/api/boards/refused/imports', lines({ from: 5 })),
    ],
    [
      'an import from a negative line',
      400,
      'INVALID_ARGUMENT',
      posted('/api/boards/refused/imports', lines({ from: -1 })),
    ],
    [
      'an import with infinite points',
      400,
      'INVALID_ARGUMENT',
      posted('/api/boards/refused/imports', lines({}).replace('[1]', '[1e999]')),
    ],
    ['a digest that is none', 400, 'INVALID_ARGUMENT', got('/api/boards/refused/imports/abc')],
    ['a worker that is not there', 400, 'INVALID_ARGUMENT', posted('/api/grid/kill', body({ worker: 99 }))],
    ['a worker that is no number', 400, 'INVALID_ARGUMENT', posted('/api/grid/kill', body({ worker: '0' }))],
    [
      'a load without players',
      400,
      'INVALID_ARGUMENT',
      posted('/api/load', body({ board: 'refused', players: 0, ratePerSecond: 1 })),
    ],
    [
      'a load of infinite rate',
      400,
      'INVALID_ARGUMENT',
      posted('/api/load', '{"board":"refused","players":1,"ratePerSecond":1e999}'),
    ],
    ['an unknown route', 404, 'NOT_FOUND', got('/api/nothing')],
    ['an unknown page', 404, 'NOT_FOUND', got('/nothing')],
    ['a folder above', 404, 'NOT_FOUND', got('/../package.json')],
    ['an encoded folder above', 404, 'NOT_FOUND', got('/%2e%2e/package.json')],
    ['GET of scores', 405, 'METHOD_NOT_ALLOWED', got(scores)],
    ['PUT of scores', 405, 'METHOD_NOT_ALLOWED', got(scores, 'PUT')],
    ['POST of a top', 405, 'METHOD_NOT_ALLOWED', got('/api/boards/refused/top', 'POST')],
    ['DELETE of the list', 405, 'METHOD_NOT_ALLOWED', got('/api/boards', 'DELETE')],
    ['GET of a board', 405, 'METHOD_NOT_ALLOWED', got('/api/boards/refused')],
    ['PATCH of a player', 405, 'METHOD_NOT_ALLOWED', got('/api/boards/refused/players/ada', 'PATCH')],
    ['DELETE of imports', 405, 'METHOD_NOT_ALLOWED', got('/api/boards/refused/imports', 'DELETE')],
    ['POST of grid events', 405, 'METHOD_NOT_ALLOWED', got('/api/grid/events', 'POST')],
    ['GET of kill', 405, 'METHOD_NOT_ALLOWED', got('/api/grid/kill')],
    ['POST of metrics', 405, 'METHOD_NOT_ALLOWED', got('/metrics', 'POST')],
    ['DELETE of livez', 405, 'METHOD_NOT_ALLOWED', got('/livez', 'DELETE')],
    ['POST of readyz', 405, 'METHOD_NOT_ALLOWED', got('/readyz', 'POST')],
    ['POST of the page', 405, 'METHOD_NOT_ALLOWED', got('/', 'POST')],
    ['OPTIONS', 405, 'METHOD_NOT_ALLOWED', got(scores, 'OPTIONS')],
  ];

  it.each(refused)('is refused with a code and a sentence: %s (%i %s)', async (_, status, code, [path, question]) => {
    const answer = await to(path, question);
    expect(answer).toEqual({ status, json: refusal(code) });
  });

  it('names the methods that are allowed', async () => {
    const { status, headers } = await ask(demo.address, '/api/load', { method: 'PUT' });
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET, POST, DELETE' });
  });

  it('answers in JSON of UTF-8 that no browser takes for something else', async () => {
    const { headers } = await ask(demo.address, '/api/boards/%3Cscript%3E/top');
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('has changed nothing', async () => {
    expect((await to('/api/boards/refused/top')).json).toEqual({ entries: [] });
    expect(await boardNames()).not.toContain('refused');
  });

  it('takes a body of exactly 64 KiB', async () => {
    const json = body({ player: 'edge', points: 1 });
    const padded = json + ' '.repeat(64 * 1024 - json.length);
    expect((await post('/api/boards/edge/scores', padded)).status).toBe(200);
    expect((await post('/api/boards/edge/scores', `${padded} `)).status).toBe(413);
    expect((await to('/api/boards/edge/top')).json).toEqual({ entries: [{ rank: 1, player: 'edge', points: 1 }] });
  });

  it('leaves the server serving after a request that is cut off', async () => {
    for (const cut of ['{"player":', '']) {
      const controller = new AbortController();
      const cutOff = fetch(`${demo.address}${scores}`, {
        method: 'POST',
        headers: { ...JSON_TYPE },
        signal: controller.signal,
        duplex: 'half',
        body: new ReadableStream({
          start(stream) {
            stream.enqueue(new TextEncoder().encode(cut || '{'));
            setImmediate(() => controller.abort());
          },
        }),
      });
      await expect(cutOff).rejects.toThrow(/abort/i);
    }
    expect((await ask(demo.address, '/livez')).status).toBe(200);
    expect(demo.stderr).toBe('');
  });
});

describe('requests that change state', () => {
  const body = JSON.stringify({ player: 'mallory', points: 1 });
  const port = () => new URL(demo.address).port;

  it.each([
    ['another site', (own: string) => ({ origin: 'https://evil.example', host: own })],
    ['a page without origin', (own: string) => ({ origin: 'null', host: own })],
    ['another port', (own: string) => ({ origin: 'http://127.0.0.1:1', host: own })],
    ['a name that resolves to this address', () => ({ host: 'evil.example', origin: 'http://evil.example' })],
    ['such a name without origin', () => ({ host: 'evil.example' })],
    ['a name that begins like ours', () => ({ host: '127.0.0.1.evil.example' })],
  ])('are refused from %s', async (_, headersOf) => {
    const headers = headersOf(`127.0.0.1:${port()}`);
    for (const [path, method] of [
      ['/api/boards/guarded/scores', 'POST'],
      ['/api/boards/guarded', 'DELETE'],
      ['/api/boards/guarded/imports', 'POST'],
      ['/api/load', 'POST'],
      ['/api/load', 'DELETE'],
      ['/api/grid/kill', 'POST'],
    ] as const) {
      const { status, json } = await to(path, {
        method,
        headers: { ...JSON_TYPE, ...headers },
        ...(method === 'POST' ? { body } : {}),
      });
      expect({ path, status, json }).toEqual({
        path,
        status: 403,
        json: { error: { code: expect.stringMatching(/^FOREIGN_(HOST|ORIGIN)$/), message: expect.any(String) } },
      });
    }
    expect(await boardNames()).not.toContain('guarded');
  });

  it('are taken from our own page and from programs', async () => {
    for (const headers of [
      { host: `127.0.0.1:${port()}`, origin: `http://127.0.0.1:${port()}` },
      { host: `localhost:${port()}`, origin: `http://localhost:${port()}` },
      { host: `localhost:${port()}` },
    ]) {
      expect((await post('/api/boards/own/scores', body, { ...JSON_TYPE, ...headers })).status).toBe(200);
    }
  });
});

interface Events {
  /** The data of the next event. */
  next(): Promise<{ readonly event: string; readonly data: unknown }>;
  readonly response: IncomingMessage;
  close(): void;
}

async function openEvents(path: string): Promise<Events> {
  const sent = get(demo.address + path, { agent: false });
  const [response] = (await within(`${path} is answered`, once(sent, 'response'))) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  response.on('data', (part: string) => {
    text += part;
  });
  response.on('error', () => undefined);
  const next: Events['next'] = async () => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end < 0) {
        await within(`${path} sends an event`, once(response, 'data'));
        continue;
      }
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const event = /^event: (.*)$/m.exec(block)?.[1];
      if (event !== undefined) return { event, data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '') };
    }
  };
  return { next, response, close: () => response.destroy() };
}

describe('GET /api/boards/:board/events', () => {
  it('sends the top list at once and whenever it changes', async () => {
    await submit(demo.address, 'events', 'ada', 1);
    const events = await openEvents('/api/boards/events/events?n=2');
    expect(events.response.headers['content-type']).toMatch(/^text\/event-stream/);
    expect(await events.next()).toEqual({
      event: 'top',
      data: { entries: [{ rank: 1, player: 'ada', points: 1 }], players: 1 },
    });
    await submit(demo.address, 'events', 'bob', 2);
    expect(await events.next()).toEqual({
      event: 'top',
      data: {
        entries: [
          { rank: 1, player: 'bob', points: 2 },
          { rank: 2, player: 'ada', points: 1 },
        ],
        players: 2,
      },
    });
    await to('/api/boards/events', { method: 'DELETE' });
    expect(await events.next()).toMatchObject({ data: { entries: [], players: 0 } });
    events.close();
  });

  it('leaves out what a slow listener could not have seen, and ends with the latest', async () => {
    const events = await openEvents('/api/boards/busy/events?n=1');
    await events.next();
    const total = 600;
    for (let round = 0; round < total / 50; round++)
      await Promise.all(Array.from({ length: 50 }, () => submit(demo.address, 'busy', 'ada', 1)));
    let seen = 0;
    for (let points = 0; points < total; seen++) {
      const { data } = await events.next();
      points = (data as { entries: { points: number }[] }).entries[0]?.points ?? 0;
    }
    expect(seen).toBeLessThan(total);
    events.close();
  });

  it('answers HEAD without opening a stream', async () => {
    const { status, text } = await ask(demo.address, '/api/boards/events/events', { method: 'HEAD' });
    expect({ status, text }).toEqual({ status: 200, text: '' });
  });
});

describe('GET /api/grid/events', () => {
  it('sends what the page shows of the grid', async () => {
    const events = await openEvents('/api/grid/events');
    const { event, data } = await events.next();
    expect(event).toBe('stats');
    expect(data).toMatchObject({
      workers: expect.arrayContaining([
        expect.objectContaining({ worker: 0, state: 'serving', commandsPerSecond: expect.any(Number) }),
      ]),
      durability: { health: 'healthy', unpersistedBytes: expect.any(Number) },
      throughput: { submitsPerSecond: expect.any(Number), peeksPerSecond: expect.any(Number) },
      load: { running: false },
    });
    events.close();
  });
});

describe('health', () => {
  it('is told by /livez and /readyz', async () => {
    expect(await ask(demo.address, '/livez')).toMatchObject({ status: 200, text: 'alive\n' });
    expect(await to('/readyz')).toEqual({ status: 200, json: { status: 'ready', reasons: [] } });
  });
});

describe('GET /metrics', () => {
  const SAMPLE =
    /^(?<name>[a-z_:][a-z0-9_:]*)(?<labels>\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (?<value>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

  async function scrape(): Promise<ReadonlyMap<string, number>> {
    const { status, headers, text } = await ask(demo.address, '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text.endsWith('\n')).toBe(true);
    const series = new Map<string, number>();
    const typed = new Map<string, string>();
    let family = '';
    for (const line of text.slice(0, -1).split('\n')) {
      const help = /^# HELP (\S+) \S/.exec(line);
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
      if (help !== null) {
        family = help[1] as string;
        expect(typed.has(family), `${family} is described once`).toBe(false);
      } else if (type !== null) {
        expect(type[1]).toBe(family);
        typed.set(family, type[2] as string);
      } else {
        const sample = SAMPLE.exec(line)?.groups;
        expect(sample, line).toBeDefined();
        const suffix = typed.get(family) === 'histogram' ? /_(bucket|sum|count)$/ : /$^/;
        expect(sample?.['name']?.replace(suffix, ''), 'samples stand under their TYPE').toBe(family);
        expect(typed.has(family)).toBe(true);
        const name = `${sample?.['name']}${sample?.['labels'] ?? ''}`;
        expect(series.has(name), `${name} stands once`).toBe(false);
        series.set(name, Number(sample?.['value']));
      }
    }
    return series;
  }

  it('is valid Prometheus text with what a node has to tell', async () => {
    const series = await scrape();
    for (const name of [
      'commands_total{worker="0"}',
      'queries_total{worker="0"}',
      'errors_total{worker="0"}',
      'undone_turns_total{worker="0"}',
      'busy_seconds_total{worker="0"}',
      'mailbox_depth{worker="0"}',
      'worker_heap_bytes{worker="0"}',
      'sequence_total{partition="63"}',
      'heap_bytes{partition="0"}',
      'unpersisted_turns{partition="0"}',
      'expirations_total',
      'evictions_total{policy="lru"}',
      'map_reads_total{worker="0",result="hit"}',
      'recoveries_total',
      'durability_healthy',
      'unpersisted_bytes',
      'unpersisted_age_seconds',
      'flushes_total',
      'flush_seconds',
      'fold_lag_bytes',
      'journal_bytes',
      'rows_bytes',
      'resident_memory_bytes',
    ])
      expect(series.has(`spacegrid_${name}`), name).toBe(true);
    const clients = [...series.keys()].filter((name) => name.startsWith('spacegrid_peeks_total'));
    expect(clients.length).toBeGreaterThan(0);
    const asks = [...series].filter(([name]) => name.startsWith('spacegrid_ask_seconds_count'));
    expect(asks.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(0);
  });

  it('counts commands, undone turns, retries and peeks that hit', async () => {
    const sum = (series: ReadonlyMap<string, number>, family: string): number =>
      [...series].reduce((all, [name, value]) => (name.startsWith(`spacegrid_${family}{`) ? all + value : all), 0);
    const before = await scrape();
    await submit(demo.address, 'metrics', 'ada', Number.MAX_VALUE, { key: 'm1' });
    await submit(demo.address, 'metrics', 'ada', Number.MAX_VALUE, { key: 'm1' });
    await submit(demo.address, 'metrics', 'ada', Number.MAX_VALUE);
    await to('/api/boards/metrics/top');
    const after = await scrape();
    const grown = (family: string): number => sum(after, family) - sum(before, family);
    expect(grown('commands_total')).toBeGreaterThanOrEqual(2);
    expect(grown('errors_total')).toBe(1);
    expect(grown('undone_turns_total')).toBe(1);
    expect(grown('idempotent_replies_total')).toBe(1);
    expect(grown('peeks_total')).toBeGreaterThanOrEqual(1);
    expect(grown('peek_hits_total')).toBeGreaterThanOrEqual(1);
  });

  const REQUESTS = 'spacegrid_demo_http_request_seconds';

  it('counts requests by route, class of status and duration', async () => {
    const labels = 'route="/api/boards/:board/players/:player",status="4xx"';
    const buckets = async (): Promise<(readonly [bound: number, count: number])[]> =>
      [...(await scrape())].flatMap(([name, count]) => {
        const bound = name.startsWith(`${REQUESTS}_bucket{${labels},le="`) ? name.split('le="')[1] : undefined;
        return bound === undefined ? [] : [[bound.startsWith('+Inf') ? Infinity : Number.parseFloat(bound), count]];
      });
    await to('/api/boards/metrics/players/nobody');
    const before = await buckets();
    for (let request = 0; request < 3; request++) await to('/api/boards/metrics/players/nobody');
    const after = await buckets();
    expect(after.at(-1)).toEqual([Infinity, (before.at(-1)?.[1] ?? 0) + 3]);
    expect(after).toEqual(after.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
    const series = await scrape();
    expect(series.get(`${REQUESTS}_count{${labels}}`)).toBe(after.at(-1)?.[1]);
    expect(series.get(`${REQUESTS}_sum{${labels}}`)).toBeGreaterThan(0);
  });

  it('makes no series of what nobody serves, whatever it is called', async () => {
    const routes = async (): Promise<ReadonlySet<string>> =>
      new Set([...(await scrape()).keys()].flatMap((name) => /_count\{route="([^"]+)"/.exec(name)?.[1] ?? []));
    await to('/nowhere/0');
    const before = await routes();
    expect(before).toContain('other');
    for (const path of ['/nowhere/1', '/assets/no-such.js', '/api/boards/x/nothing', '/api/%ZZ', '/api/load"}'])
      await to(path);
    expect(await routes()).toEqual(before);
  });
});
