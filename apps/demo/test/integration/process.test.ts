/** The process: how it starts, says what is wrong, stays idle, and stops with everything on disk. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { askJson, JSON_TYPE, submit } from '../fixtures/ask.ts';
import { type Demo, Program, scratchFolder, startDemo } from '../fixtures/demo-process.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

const STOP_MS_MAX = 5000;
const scratch = scratchFolder();
// Bound: far more than is needed where nothing else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(() => scratch.remove());

describe('a start', () => {
  it('prints the address, with --verbose the folder, and serves at both names of this machine', async () => {
    const folder = scratch.fresh('start');
    const demo = await startDemo(folder, {}, ['--verbose']);
    await demo.prints(/^data in .*$/m);
    expect(demo.stdout.split('\n')).toEqual([`SpaceGrid leaderboard: ${demo.address}`, `data in ${folder}`, '']);
    const { port } = new URL(demo.address);
    expect((await fetch(`http://localhost:${port}/livez`)).status).toBe(200);
    expect((await fetch(demo.address)).headers.get('content-type')).toContain('text/html');
    await demo.signal('SIGKILL');
  });

  it('at all addresses takes changes by numeric address, and not by a foreign name', async () => {
    const demo = await startDemo(scratch.fresh('wildcard'), { HOST: '0.0.0.0' });
    const { port } = new URL(demo.address);
    const address = `http://127.0.0.1:${port}`;
    const sent = (host: string) =>
      askJson(address, '/api/boards/b/scores', {
        method: 'POST',
        headers: { ...JSON_TYPE, host, origin: `http://${host}` },
        body: '{"player":"ada","points":1}',
      });
    expect((await sent(`192.168.1.7:${port}`)).status).toBe(200);
    expect((await sent(`[fe80::1]:${port}`)).status).toBe(200);
    expect((await sent(`evil.example:${port}`)).status).toBe(403);
    expect((await sent('1.2.3.4.evil.example')).status).toBe(403);
    await demo.signal('SIGKILL');
  });
});

describe('a start that fails', () => {
  const taken = createServer();
  let takenPort = 0;
  let running: Demo;
  const runningFolder = scratch.fresh('running');

  beforeAll(async () => {
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    takenPort = (taken.address() as { port: number }).port;
    running = await startDemo(runningFolder);
  });

  afterAll(async () => {
    taken.close();
    await running.signal('SIGKILL');
  });

  const file = join(scratch.path, 'a-file');
  writeFileSync(file, '');

  it.each<readonly [what: string, env: () => Readonly<Record<string, string>>, line: RegExp]>([
    ['the port is taken', () => ({ PORT: String(takenPort) }), /^Port \d+ is taken: set PORT to another\.$/],
    ['the folder is a file', () => ({ SPACEGRID_DATA: file }), /a-file is not writable .*set SPACEGRID_DATA/],
    ['the folder can not be made', () => ({ SPACEGRID_DATA: '/proc/spacegrid/x' }), /is not writable/],
    [
      'the folder is served already',
      () => ({ SPACEGRID_DATA: runningFolder }),
      /is in use by another process: stop that one, or set SPACEGRID_DATA/,
    ],
    ['PORT is a word', () => ({ PORT: 'http' }), /^PORT is http: a whole number from 0 to 65535 is needed\.$/],
    [
      'HOST is of another machine',
      () => ({ HOST: '192.0.2.1' }),
      /^HOST 192\.0\.2\.1 is no address of this machine\.$/,
    ],
  ])('because %s says so in one line and ends with 1', async (_, env, line) => {
    const program = new Program('main.ts', [], { PORT: '0', SPACEGRID_DATA: scratch.fresh('failing'), ...env() });
    const { code, stdout, stderr } = await within('it ends', program.ended, 30_000);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.trimEnd()).toMatch(line);
  });

  it('leaves the process that serves the folder as it is', async () => {
    expect((await submit(running.address, 'still', 'ada', 1, { query: '?ack=durable' })).status).toBe(200);
    expect(existsSync(join(runningFolder, 'serving.json'))).toBe(true);
  });
});

describe('a stop', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s under load takes less than 5 s, and all that was acknowledged is there',
    async (signal) => {
      const folder = scratch.fresh('stop');
      const demo = await startDemo(folder);
      // Simulated players as fast as it goes, an open event stream, and clients of our own.
      await askJson(demo.address, '/api/load', {
        method: 'POST',
        headers: { ...JSON_TYPE },
        body: JSON.stringify({ board: 'played', players: 1000, ratePerSecond: null }),
      });
      const events = await fetch(`${demo.address}/api/boards/played/events`);
      const acknowledged = new Map<string, number>();
      let count = 0;
      let unanswered = 0;
      const client = async (number: number): Promise<void> => {
        const player = `client ${number}`;
        for (;;) {
          const answer = await fetch(`${demo.address}/api/boards/stopped/scores`, {
            method: 'POST',
            headers: { ...JSON_TYPE },
            body: JSON.stringify({ player, points: 1 }),
          }).catch(() => undefined);
          if (answer === undefined) {
            unanswered++;
            return;
          }
          if (answer.status !== 200) return;
          acknowledged.set(player, (acknowledged.get(player) ?? 0) + 1);
          count++;
        }
      };
      const clients = Array.from({ length: 8 }, (_, number) => client(number));
      await until(
        'clients are under way',
        () => count,
        (now) => now > 200,
      );
      await until(
        'the players are',
        () => askJson(demo.address, '/api/load'),
        ({ json }) => (json as { acknowledged: number }).acknowledged > 0,
      );
      const askedAt = performance.now();
      const { code, stderr } = await demo.signal(signal);
      const took = performance.now() - askedAt;
      await Promise.all(clients);
      await events.body?.cancel().catch(() => undefined);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(took).toBeLessThan(STOP_MS_MAX);
      expect(existsSync(join(folder, 'serving.json'))).toBe(false);

      const after = await startDemo(folder);
      const { json } = await askJson(after.address, '/api/boards/stopped/top?n=100');
      const found = (json as { entries: { player: string; points: number }[] }).entries;
      for (const { player, points } of found) {
        const acked = acknowledged.get(player) ?? 0;
        expect(points).toBeGreaterThanOrEqual(acked);
        expect(points).toBeLessThanOrEqual(acked + 1);
      }
      const total = found.reduce((sum, { points }) => sum + points, 0);
      expect(total).toBeGreaterThanOrEqual(count);
      expect(total).toBeLessThanOrEqual(count + unanswered);
      await after.signal('SIGKILL');
    },
  );

  it('while it starts ends it, and the next start works', async () => {
    const folder = scratch.fresh('early');
    const program = new Program('main.ts', [], { PORT: '0', SPACEGRID_DATA: folder });
    await until(
      'the store is being made',
      () => existsSync(join(folder, 'rows.db')) || program.child.exitCode !== null,
      Boolean,
    );
    const { code, stderr } = await program.signal('SIGINT');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const next = await startDemo(folder);
    await next.signal('SIGKILL');
  });
});

describe('an idle demo', () => {
  it('uses under 1 % of a core', async () => {
    const demo = await startDemo(scratch.fresh('idle'));
    for (let index = 0; index < 50; index++) await submit(demo.address, 'idle', `p${index}`, index);
    await submit(demo.address, 'idle', 'last', 1, { query: '?ack=durable' });
    const spent = () => cpuMs(demo.pid);
    // What a start leaves behind is over: a second in which next to nothing was used.
    await until(
      'the start is over',
      () => usedWithin(1000, spent),
      (ms) => ms <= 10,
    );
    expect(await usedWithin(5000, spent)).toBeLessThan(50);
    // It was asleep, not gone.
    expect((await submit(demo.address, 'idle', 'last', 1)).json).toMatchObject({ points: 2 });
    await demo.signal('SIGKILL');
  });
});

async function usedWithin(periodMs: number, spent: () => number): Promise<number> {
  const before = spent();
  await new Promise((resolve) => setTimeout(resolve, periodMs));
  return spent() - before;
}

/** Processor time of a process and all its threads; the kernel counts in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
