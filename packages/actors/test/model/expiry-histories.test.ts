/**
 * Random histories of a map whose entries expire, beside a plain Map, under a clock that jumps, with turns that throw and deaths of
 * the partition thread. SPACEGRID_SEED repeats a run, SPACEGRID_LONG=10 makes it ten times as long.
 */
import { createTestGrid, type TestGrid } from '@spacegrid/actors/testing';
import { expect, it } from 'vitest';
import { Brief } from '../fixtures/sessions-actors.ts';

const factor = Number(process.env['SPACEGRID_LONG'] ?? 1);
const firstSeed = Number(process.env['SPACEGRID_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const HISTORIES = 12 * factor;
const STEPS = 150;
const KEYS = 12;
const TTL_MS = 20_000;
const IDLE_MS = 7000;
/** Accesses are noted in sixteenths of a second. */
const STEP_MS = 62.5;

interface Entry {
  value: number;
  deadline: number;
  readAt: number;
}

class History {
  readonly grid: TestGrid = createTestGrid({ actors: [Brief], partitions: 1 });
  private readonly random: (below: number) => number;
  private readonly model = new Map<string, Entry>();

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      await this.step(step);
      await this.compare();
    }
    await this.grid.clock.advance('1h');
    expect(this.grid.actor(Brief, 'a').peek.size()).toBe(0);
    await this.grid.close();
  }

  private async step(value: number): Promise<void> {
    const { grid, model, random } = this;
    const brief = grid.actor(Brief, 'a');
    const key = `key ${random(KEYS)}`;
    const ttl = random(3) === 0 ? 1 + random(2 * TTL_MS) : undefined;
    const options = ttl === undefined ? undefined : { ttl };
    const before = this.live(key);
    const kind = random(20);
    if (kind < 5) {
      await brief.set(key, value, options);
      model.set(key, { value, deadline: this.now + (ttl ?? TTL_MS), readAt: this.now });
    } else if (kind < 7) {
      await brief.patch(key, value, options);
      const kept = ttl === undefined && before !== undefined ? before.deadline : this.now + (ttl ?? TTL_MS);
      model.set(key, { value, deadline: kept, readAt: this.now });
    } else if (kind < 8) {
      expect(await brief.delete(key)).toBe(before !== undefined);
      model.delete(key);
    } else if (kind < 9) {
      await expect(brief.setAndFail(key, value)).rejects.toThrow('refused');
    } else if (kind === 9 && random(4) === 0) {
      await brief.clear();
      model.clear();
    } else if (kind < 14) {
      const read =
        random(3) === 0 ? await brief.get(key) : random(2) === 0 ? await brief.getInTurn(key) : brief.peek.get(key);
      expect(read, `${key} after ${value} steps`).toBe(before?.value);
      if (before !== undefined) before.readAt = this.now;
    } else if (kind < 19) await grid.clock.advance(random(random(4) === 0 ? 2 * TTL_MS : IDLE_MS / 2));
    else await grid.restart();
  }

  private get now(): number {
    return this.grid.clock.now();
  }

  private live(key: string): Entry | undefined {
    const entry = this.model.get(key);
    if (entry === undefined) return undefined;
    const idleEnd = Math.floor(entry.readAt / STEP_MS) * STEP_MS + IDLE_MS;
    return Math.min(entry.deadline, idleEnd) > this.now ? entry : undefined;
  }

  private async compare(): Promise<void> {
    const brief = this.grid.actor(Brief, 'a');
    const live = [...this.model]
      .filter(([key]) => this.live(key) !== undefined)
      .map(([key, { value }]) => [key, value]);
    const byKey = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);
    expect([...brief.peek.all()].sort(byKey)).toEqual(live.sort(byKey));
    expect([...(await brief.all())].sort(byKey)).toEqual(live);
    // What has ended is gone within a second.
    const endedLately = [...this.model.keys()].filter((key) => this.live(key) === undefined).length;
    expect(brief.peek.size() - live.length).toBeLessThanOrEqual(endedLately);
  }
}

/** Whole numbers below a limit, the same for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

it(`entries end when a plain map with a clock says so (seed ${firstSeed})`, async () => {
  for (let seed = firstSeed; seed < firstSeed + HISTORIES; seed++) {
    await new History(seed).run().catch((error: unknown) => {
      throw new Error(`SPACEGRID_SEED=${seed}: ${String(error)}`, { cause: error });
    });
  }
}, 60_000);
