import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BadLine, type LineChunk, parseLine, readChunks } from '../../../src/import/score-lines.ts';

async function* pieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const cut of [...cuts].map((at) => at % (bytes.length + 1)).sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

async function read(
  content: string | Buffer,
  { linesMax = 1000, bytesMax = 100_000, cuts = [] as readonly number[] } = {},
): Promise<{ readonly chunks: readonly LineChunk[]; readonly lines: unknown[][]; readonly bad: readonly BadLine[] }> {
  const chunks: LineChunk[] = [];
  for await (const chunk of readChunks(pieces(Buffer.from(content), cuts), linesMax, bytesMax)) chunks.push(chunk);
  return {
    chunks,
    lines: chunks.flatMap(({ players, points }) => players.map((player, index) => [player, points[index]])),
    bad: chunks.flatMap(({ bad }) => bad),
  };
}

describe('a line', () => {
  it.each([
    ['ada\t1', 'ada', 1],
    ['ada\t-1.5', 'ada', -1.5],
    ['ada\t+.5e2', 'ada', 50],
    ['ada\t1.', 'ada', 1],
    ['ada \t 7 ', 'ada ', 7],
    [' \t0', ' ', 0],
    ['a\u0000b\t1', 'a\u0000b', 1],
    ['\uFFFD\t1', '\uFFFD', 1],
    ['😀\t1e-400', '😀', 0],
  ])('%j is a player and points', (line, player, points) => {
    expect(parseLine(Buffer.from(line))).toEqual({ player, points });
  });

  it.each([
    ['', 'no tab'],
    ['ada 1', 'no tab'],
    ['\t1', 'at least one character'],
    [`${'é'.repeat(256)}x\t1`, 'at most 512 bytes'],
    ['ada\t', 'not a finite number'],
    ['ada\tb\t1', 'not a finite number'],
    ['ada\tNaN', 'not a finite number'],
    ['ada\tInfinity', 'not a finite number'],
    ['ada\t1e309', 'not a finite number'],
    ['ada\t0x10', 'not a finite number'],
    ['ada\t1_000', 'not a finite number'],
    ['ada\t1,5', 'not a finite number'],
    ['ada\t.', 'not a finite number'],
    ['ada\t1e', 'not a finite number'],
    ['ada\t١', 'not a finite number'],
    [`ada\t${'1'.repeat(8192)}`, 'longer than 8192 bytes'],
  ])('%j is refused', (line, reason) => {
    expect(parseLine(Buffer.from(line))).toContain(reason);
  });

  it('that is no UTF-8 is refused, whatever else it holds', () => {
    for (const bytes of [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xef, 0xbf, 0xbd, 0xff]])
      expect(parseLine(Buffer.from([...bytes, 0x09, 0x31]))).toBe('not valid UTF-8');
  });
});

describe('chunks', () => {
  it('hold at most the lines and bytes that are asked for, and each line its number', async () => {
    const content = Array.from({ length: 10 }, (_, index) => `player ${index}\t${index}`).join('\n');
    const byLines = await read(content, { linesMax: 4 });
    expect(byLines.chunks.map(({ from, players }) => [from, players.length])).toEqual([
      [0, 4],
      [4, 4],
      [8, 2],
    ]);
    const byBytes = await read(content, { bytesMax: 100 });
    expect(byBytes.chunks.map(({ from }) => from)).toEqual([0, 2, 4, 6, 8]);
    expect(byBytes.chunks.at(-1)?.bytes).toBe(content.length);
  });

  it('take at most their bytes as JSON, whatever must be escaped', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }), fc.double({ noNaN: true })), {
          maxLength: 40,
        }),
        async (scores) => {
          const content = scores
            .map(([player, points]) => `${player.replaceAll(/[\t\n\r\uFEFF]/g, '\u0001')}\t${points}`)
            .join('\n');
          const { chunks } = await read(content, { bytesMax: 1000 });
          for (const { players, points } of chunks) {
            if (players.length === 1) continue;
            expect(Buffer.byteLength(JSON.stringify({ players, points }))).toBeLessThanOrEqual(1030);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('have gaps for bad lines, told with their numbers', async () => {
    const { lines, bad } = await read('ada\t1\nbad\n\nbob\t2\n');
    expect(lines).toEqual([
      ['ada', 1],
      ['', 0],
      ['', 0],
      ['bob', 2],
    ]);
    expect(bad.map(({ number }) => number)).toEqual([2, 3]);
  });

  it('are the same however the bytes come in, with any line ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.constantFrom('ada', '😀', 'é', 'x'.repeat(300)), fc.integer(), fc.constantFrom('\n', '\r\n')),
          {
            maxLength: 20,
          },
        ),
        fc.array(fc.nat(10_000), { maxLength: 12 }),
        fc.boolean(),
        async (scores, cuts, marked) => {
          const content =
            (marked ? '\uFEFF' : '') + scores.map(([player, points, end]) => `${player}\t${points}${end}`).join('');
          const { lines, bad } = await read(content, { cuts });
          // A file of nothing but a mark is one line without a tab.
          if (scores.length > 0) expect(bad).toEqual([]);
          expect(lines.filter(([player]) => player !== '')).toEqual(scores.map(([player, points]) => [player, points]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('go on behind a line of any length, of which little is kept', async () => {
    const long = 'x'.repeat(3_000_000);
    const { lines, bad } = await read(`ada\t1\n${long}\nbob\t2\n${long}`, {
      cuts: Array.from({ length: 100 }, (_, index) => index * 61_000),
    });
    expect(lines).toEqual([
      ['ada', 1],
      ['', 0],
      ['bob', 2],
      ['', 0],
    ]);
    expect(bad).toEqual([2, 4].map((number) => ({ number, reason: 'longer than 8192 bytes' })));
  });
});
