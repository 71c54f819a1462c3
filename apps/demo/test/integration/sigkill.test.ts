/**
 * The process is killed under load, ten times on one folder. Every submit that was acknowledged as durable is there, once;
 * those without an answer are sent again with their Idempotency-Key, and count once whether they had arrived or not.
 */
import { randomInt } from 'node:crypto';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type Demo, scratchFolder, startDemo } from '../fixtures/demo-process.ts';

const ROUNDS = 10;
const CLIENTS = 32;
const PLAYERS = 60;
const ACKED_MIN = 100;
const ACKED_MORE_MAX = 300;
const BOARDS = ['killed', 'killed too'] as const;

interface Submit {
  readonly board: string;
  readonly player: string;
  readonly points: number;
  readonly key: string;
}

interface Entry {
  readonly rank: number;
  readonly player: string;
  readonly points: number;
}

const scratch = scratchFolder();
// Bound: far more than is needed where nothing else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(() => scratch.remove());

/** xorshift32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const place = ({ board, player }: Submit): string => `${board}\t${player}`;

function sums(submits: Iterable<Submit>): Map<string, number> {
  const totals = new Map<string, number>();
  for (const one of submits) totals.set(place(one), (totals.get(place(one)) ?? 0) + one.points);
  return totals;
}

/** Every entry of a board, and that its ranks are those of a recount. */
async function standings(demo: Demo): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const board of BOARDS) {
    const path = `${demo.address}/api/boards/${encodeURIComponent(board)}`;
    const { entries } = (await (await fetch(`${path}/top?n=1000`)).json()) as { entries: readonly Entry[] };
    expect(entries.map(({ rank }) => rank)).toEqual(entries.map((_, index) => index + 1));
    const recounted = entries.map(({ points }) => points).sort((a, b) => b - a);
    expect(entries.map(({ points }) => points)).toEqual(recounted);
    await Promise.all(
      entries.map(async ({ rank, player, points }) => {
        found.set(`${board}\t${player}`, points);
        const standing = await (await fetch(`${path}/players/${encodeURIComponent(player)}?around=0`)).json();
        expect(standing).toEqual({ player, points, rank, around: [{ rank, player, points }] });
      }),
    );
  }
  return found;
}

describe('the process killed under load', () => {
  it('keeps every durable submit once, and counts every retry once', { timeout: 120_000 }, async () => {
    const seed = randomInt(1, 2 ** 31);
    const random = randomFrom(seed);
    process.stderr.write(`seed ${seed}\n`);
    const directory = scratch.fresh('sigkill');
    const acknowledged: Submit[] = [];
    let unanswered: Submit[] = [];
    let made = 0;
    let unansweredInAll = 0;
    let arrivedUnanswered = 0;
    const wrong: string[] = [];

    /** Sends a submit; true when it was acknowledged, false when the process died before. */
    const send = async (demo: Demo, one: Submit): Promise<boolean> => {
      let answer: unknown;
      try {
        const response = await fetch(`${demo.address}/api/boards/${encodeURIComponent(one.board)}/scores?ack=durable`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': one.key },
          body: JSON.stringify({ player: one.player, points: one.points }),
        });
        answer = await response.json();
      } catch {
        return false;
      }
      if ((answer as { durable?: boolean }).durable !== true) wrong.push(`${one.key}: ${JSON.stringify(answer)}`);
      return true;
    };

    for (let round = 0; round <= ROUNDS; round++) {
      const demo = await startDemo(directory);
      // Before any retry: all that was acknowledged is there, and of the rest nothing twice.
      const least = sums(acknowledged);
      const most = sums([...acknowledged, ...unanswered]);
      const found = await standings(demo);
      const where = `seed ${seed}, round ${round}`;
      for (const [at, points] of least) expect(found.get(at), `${where}: ${at}`).toBeGreaterThanOrEqual(points);
      for (const [at, points] of found) {
        expect(points, `${where}: ${at}`).toBeLessThanOrEqual(most.get(at) ?? 0);
        if (points > (least.get(at) ?? 0)) arrivedUnanswered++;
      }
      const again = unanswered;
      unanswered = [];
      const repeated = [...again, ...acknowledged.slice(-50)];
      expect(await Promise.all(repeated.map((one) => send(demo, one)))).toEqual(repeated.map(() => true));
      acknowledged.push(...again);
      expect(await standings(demo), where).toEqual(sums(acknowledged));
      if (round === ROUNDS) {
        expect((await demo.signal('SIGTERM')).code).toBe(0);
        break;
      }

      const target = ACKED_MIN + random(ACKED_MORE_MAX);
      let acked = 0;
      let dead = false;
      const client = async (): Promise<void> => {
        while (!dead) {
          const one: Submit = {
            board: BOARDS[random(2)] as string,
            player: `player ${random(PLAYERS)}`,
            points: 1 + random(1000),
            key: `submit ${made++}`,
          };
          if (!(await send(demo, one))) {
            unanswered.push(one);
            return;
          }
          acknowledged.push(one);
          if (++acked === target) {
            dead = true;
            demo.child.kill('SIGKILL');
          }
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
      expect((await demo.ended).signal).toBe('SIGKILL');
      unansweredInAll += unanswered.length;
    }
    expect(wrong).toEqual([]);
    // The kills did fall among submits, also between what was written and what was answered.
    expect(unansweredInAll).toBeGreaterThan(ROUNDS);
    process.stderr.write(
      `acknowledged ${acknowledged.length}, without an answer ${unansweredInAll}, places where one had arrived ${arrivedUnanswered}\n`,
    );
  });
});
