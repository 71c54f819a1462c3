/** The importer, run as its user runs it, with the committed real data: 226,914 names, many of them tied. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Grid } from '@spacegrid/actors';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Leaderboard } from '../../src/actors.ts';
import { openGrid } from '../../src/grid/open-grid.ts';
import { askJson } from '../fixtures/ask.ts';
import { scratchFolder, startDemo } from '../fixtures/demo-process.ts';
import { runImport, startImport } from '../fixtures/run-import.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

const PACKED = fileURLToPath(new URL('../../data/downloads.tsv.gz', import.meta.url));
const scratch = scratchFolder();
// Bound: far more than is needed where nothing else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(() => scratch.remove());

interface Entry {
  readonly rank: number;
  readonly player: string;
  readonly points: number;
}

/** The plain model: sorted by points, those who tie in the order of the file. */
function sorted(text: string): readonly Entry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => ({ index, player: line.split('\t')[0] as string, points: Number(line.split('\t')[1]) }))
    .sort((a, b) => b.points - a.points || a.index - b.index)
    .map(({ player, points }, index) => ({ rank: index + 1, player, points }));
}

const text = gunzipSync(readFileSync(PACKED)).toString('utf8');
const expected = sorted(text);
const plainFile = join(scratch.path, 'downloads.tsv');
writeFileSync(plainFile, text);

/** Compares every entry of a board: its place in the list, its rank and points by name, and each hundredth neighbourhood. */
async function compare(grid: Grid, board: string): Promise<void> {
  const actor = grid.actor(Leaderboard, board);
  expect(await actor.size()).toBe(expected.length);
  const wrong: string[] = [];
  for (let from = 0; from < expected.length; from += 1000) {
    const page = actor.peek.page(from, 1000);
    page.forEach((entry, index) => {
      const { rank, player, points } = expected[from + index] as Entry;
      if (entry.rank !== rank || entry.player !== player || entry.points !== points)
        wrong.push(`place ${rank}: ${JSON.stringify(entry)} instead of ${player}, ${points}`);
    });
    if (page.length !== Math.min(1000, expected.length - from)) wrong.push(`page from ${from}: ${page.length} entries`);
  }
  for (const { rank, player, points } of expected) {
    const found = actor.peek.standing(player, 0);
    if (found?.rank !== rank || found.points !== points) wrong.push(`${player}: ${JSON.stringify(found)}, not ${rank}`);
  }
  for (let index = 0; index < expected.length; index += 100) {
    const around = actor.peek.standing((expected[index] as Entry).player, 3)?.around;
    const those = expected.slice(Math.max(0, index - 3), index + 4);
    if (JSON.stringify(around) !== JSON.stringify(those)) wrong.push(`around ${index + 1}: ${JSON.stringify(around)}`);
  }
  expect(wrong.slice(0, 5)).toEqual([]);
}

const folderBytes = (folder: string): number => {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  } catch {
    return 0;
  }
};

describe('the committed real data', () => {
  it('has ties, so that their order counts', () => {
    expect(expected).toHaveLength(226_914);
    expect(new Set(expected.map(({ points }) => points)).size).toBeLessThan(100_000);
  });

  it('is ranked as a plain sort ranks it, loaded into a stopped demo, a running one, and after interruptions', {
    timeout: 90_000,
  }, async () => {
    const folder = scratch.fresh('data');

    // A stopped demo's folder; the process is killed on the way.
    let before = 0;
    for (let killed = 1; before === 0; killed++) {
      const run = startImport(folder, PACKED, '--board', 'stopped');
      const [, behind = 0] = await run.prints(
        /into board "stopped" of [^,\n]*(?:, going on behind line (\d+))?\n/,
        'stderr',
      );
      before = Number(behind);
      if (before > 0) {
        // Lines of the killed run are there: this one completes it.
        expect(before).toBeLessThan(expected.length);
        const ended = await within('the import ends', run.ended, 30_000);
        expect(ended).toMatchObject({
          code: 0,
          stdout: expect.stringContaining(`${expected.length - before} lines loaded`),
        });
        break;
      }
      const bytes = folderBytes(folder);
      await until(
        'some lines are on disk',
        () => folderBytes(folder),
        (now) => now > bytes + 300_000 * killed,
      );
      await run.signal('SIGKILL');
    }

    // A running demo, with the same file unpacked; Ctrl-C on the way.
    const demo = await startDemo(folder);
    const online = startImport(folder, plainFile, '--board', 'running');
    await until(
      'some lines are counted',
      () => askJson(demo.address, '/api/boards/running/top?n=1'),
      ({ json }) => (json as { entries: unknown[] }).entries.length > 0,
    );
    expect(await online.signal('SIGINT')).toMatchObject({
      code: 130,
      stdout: expect.stringMatching(/^[1-9]\d* lines loaded, 0 bad lines$/m),
      stderr: expect.stringContaining('run it again to go on'),
    });
    const rest = await runImport(folder, plainFile, '--board', 'running');
    expect(rest).toMatchObject({ code: 0, stderr: expect.stringContaining(`of ${demo.address}, going on behind`) });

    // A second run adds nothing, nor does one of the packed copy.
    const again = await runImport(folder, PACKED, '--board', 'running');
    expect(again).toMatchObject({
      code: 0,
      stdout: `0 lines loaded (${expected.length} lines of the file were counted before), 0 bad lines\n`,
    });

    for (const board of ['stopped', 'running']) {
      expect((await askJson(demo.address, `/api/boards/${board}/top?n=1000`)).json).toEqual({
        entries: expected.slice(0, 1000),
      });
      for (let index = 17; index < expected.length; index += 4999) {
        const { rank, player, points } = expected[index] as Entry;
        const path = `/api/boards/${board}/players/${encodeURIComponent(player)}`;
        expect((await askJson(demo.address, path)).json).toEqual({
          player,
          points,
          rank,
          around: expected.slice(index - 2, index + 3),
        });
      }
    }
    expect((await demo.signal('SIGTERM')).code).toBe(0);

    const grid = await openGrid(folder);
    try {
      await compare(grid, 'stopped');
      await compare(grid, 'running');
    } finally {
      await grid.close();
    }
  });
});

describe('lines', () => {
  const folder = scratch.fresh('lines');
  let files = 0;

  const load = async (content: string | Buffer, board: string) => {
    const file = join(scratch.path, `lines-${files++}.tsv`);
    writeFileSync(file, content);
    return runImport(folder, file, '--board', board);
  };

  const entriesOf = async (board: string) => {
    const grid = await openGrid(folder);
    try {
      return (await grid.actor(Leaderboard, board).top(100)).entries.map(({ player, points }) => [player, points]);
    } finally {
      await grid.close();
    }
  };

  it('that are bad are counted and told by number; the others are loaded', async () => {
    const { code, stdout, stderr } = await load(
      [
        'ada\t10',
        'no tab',
        '\t5',
        'bob\tNaN',
        'carl\t1e999',
        'dora\t5\t6',
        'e\tf\t7',
        '',
        `${'x'.repeat(513)}\t1`,
        'gil\t0x10',
        'hal\t',
        'max\t1.7976931348623157e308',
        'max\t1.7976931348623157e308',
        `${'y'.repeat(200_000)}\t1`,
        'ada\t 2.5 ',
        '__proto__\t-3',
        '',
      ].join('\n'),
      'bad lines',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '4 lines loaded, 12 bad lines\n' });
    const told = [...stderr.matchAll(/^line (\d+): (.+)$/gm)].map(([, number]) => Number(number));
    expect(told).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14]);
    expect(stderr).toMatch(/^line 13: .*infinite$/m);
    expect(stderr).not.toContain('    at ');
    // No terminal, no bar.
    for (const mark of ['\r', '\u001b', '█', '░']) expect(stderr).not.toContain(mark);
    expect(await entriesOf('bad lines')).toEqual([
      ['max', Number.MAX_VALUE],
      ['ada', 12.5],
      ['__proto__', -3],
    ]);
  });

  it('may end with CRLF, or not at all, and begin with a byte order mark', async () => {
    expect((await load('\uFEFFada\t1\r\nbob\t2\r\nada\t3', 'ends')).stdout).toBe('3 lines loaded, 0 bad lines\n');
    expect((await load(Buffer.from('bob\t1\n\xff\xfe\t2\n', 'latin1'), 'ends')).stderr).toMatch(/line 2: .*UTF-8/);
    expect(await entriesOf('ends')).toEqual([
      ['ada', 4],
      ['bob', 3],
    ]);
  });

  it('that escape to six times their size arrive at a running demo', async () => {
    const demo = await startDemo(folder);
    const control = '\u0001'.repeat(500);
    const { code, stdout } = await load(
      Array.from({ length: 300 }, (_, index) => `${control}${index}\t1`).join('\n'),
      'escaped',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '300 lines loaded, 0 bad lines\n' });
    const { json } = await askJson(demo.address, '/api/boards/escaped/top?n=1000');
    expect((json as { entries: unknown[] }).entries).toHaveLength(300);
    await demo.signal('SIGTERM');
  });

  it('of an empty file are none, and make no board', async () => {
    const { code, stdout } = await load('', 'empty');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0 lines loaded, 0 bad lines\n' });
    expect(await entriesOf('empty')).toEqual([]);
  });
});

describe('the command', () => {
  const folder = scratch.fresh('command');
  const existing = join(scratch.path, 'existing.tsv');
  writeFileSync(existing, 'ada\t1\n');
  const broken = join(scratch.path, 'broken.tsv.gz');
  writeFileSync(broken, 'not packed');

  it.each([
    ['a missing file', ['nowhere.tsv', '--board', 'b'], /^There is no file .*nowhere\.tsv\.$/m],
    ['a folder', [scratch.path, '--board', 'b'], /is not a file\.$/m],
    ['no board', [existing], /^Usage: /m],
    ['no file', ['--board', 'b'], /^Usage: /m],
    ['two files', [existing, existing, '--board', 'b'], /^Usage: /m],
    ['an unknown flag', [existing, '--board', 'b', '--fast'], /--fast/],
    ['an empty board', [existing, '--board', ''], /at least one character/],
    ['an over-long board', [existing, '--board', 'é'.repeat(129)], /at most 256 bytes/],
    ['a file that is not packed', [broken, '--board', 'b'], /^The import stopped: /m],
  ])('says what is wrong with %s', async (_, args, message) => {
    const { code, stdout, stderr } = await runImport(folder, ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
  });

  it('says that the data folder is not one', async () => {
    const { code, stderr } = await runImport(existing, existing, '--board', 'b');
    expect(code).toBe(1);
    expect(stderr).toContain('is not writable');
    expect(stderr).not.toContain('    at ');
  });
});
