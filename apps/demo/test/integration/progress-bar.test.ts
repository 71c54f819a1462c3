/** The importer's bar on a terminal, which `script` of util-linux makes. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { scratchFolder } from '../fixtures/demo-process.ts';
import { within } from '../../../../test/fixtures/until.ts';

const IMPORT = fileURLToPath(new URL('../../src/import.ts', import.meta.url));
const hasScript = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
/** A second's work or two: the bar is drawn ten times a second. */
const LINES = 100_000;
const CLEAR_REST = '\u001b[K';
const scratch = scratchFolder();
vi.setConfig({ testTimeout: 60_000 });
afterAll(() => scratch.remove());

describe.skipIf(!hasScript)('on a terminal (needs script of util-linux)', () => {
  it('draws a bar that fits, also when the terminal is made narrower, and ends with the result', async () => {
    const file = join(scratch.path, 'scores.tsv');
    writeFileSync(file, Array.from({ length: LINES }, (_, index) => `player ${index}\t${index}\n`).join(''));
    const node = `'${process.execPath}' --conditions=@spacegrid/source --disable-warning=ExperimentalWarning`;
    const command = `tty; stty cols 72; exec ${node} '${IMPORT}' '${file}' --board bar`;
    const { INIT_CWD: _, ...env } = process.env;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...env, SPACEGRID_DATA: scratch.fresh('terminal'), SHELL: '/bin/sh' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = '';
    const drawn = async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const match = pattern.exec(shown);
        if (match !== null) return match;
        shown += ((await once(terminal.stdout, 'data')) as [string])[0];
      }
    };
    terminal.stdout.setEncoding('utf8');
    const [, device] = await within('the terminal has a name', drawn(/^(\/dev\/\S+)\r\n/));
    await within('a bar is drawn', drawn(/\r[█░]{28} \d+ %, [\d,]+ lines, [\d,]+\/s/));
    expect(spawnSync('stty', ['-F', device as string, 'cols', '30']).status).toBe(0);
    terminal.stdout.on('data', (text: string) => {
      shown += text;
    });
    expect(await within('the import ends', once(terminal, 'close'))).toEqual([0, null]);
    const lines = shown.split('\r\n');
    expect(lines.at(-2)).toBe('100000 lines loaded, 0 bad lines');
    const frames = (lines.at(-3) as string).split('\r').slice(1);
    expect(frames.length).toBeGreaterThan(2);
    const texts = frames.map((frame) => {
      expect(frame.endsWith(CLEAR_REST), frame).toBe(true);
      return frame.slice(0, -CLEAR_REST.length);
    });
    for (const text of texts) expect(text).toMatch(/^\P{Cc}{1,71}$/u);
    expect(texts.at(-1)).toMatch(/^100 %, 100,000 lines, [\d,/s]{1,8}$/);
  });
});
