/**
 * Random histories of full maps, with turns that throw and deaths of the partition thread: never more entries than allowed, none
 * lost but for want of room, each with the value of its last committed write. SPACEGRID_SEED repeats a run.
 */
import { createTestGrid, type TestGrid } from '@spacegrid/actors/testing';
import { expect, it } from 'vitest';
import { Full } from '../fixtures/sessions-actors.ts';

const factor = Number(process.env['SPACEGRID_LONG'] ?? 1);
const firstSeed = Number(process.env['SPACEGRID_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const HISTORIES = 8 * factor;
const STEPS = 200;
const ENTRIES_MAX = 20;
const KEYS = 60;
const NAMES = ['lru', 'lfu'] as const;

class History {
  private readonly grid: TestGrid = createTestGrid({ actors: [Full], partitions: 1 });
  private readonly random: (below: number) => number;
  /** The last committed write of each key, and how many entries there must be. */
  private readonly written = { lru: new Map<string, number>(), lfu: new Map<string, number>() };
  private readonly sizes = { lru: 0, lfu: 0 };
  private readonly bytes = new Map<string, number>();

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      await this.step(step);
      for (const name of NAMES) this.compare(name);
    }
    await this.grid.close();
  }

  private async step(value: number): Promise<void> {
    const { grid, random } = this;
    const full = grid.actor(Full, 'a');
    const name = NAMES[random(2)] as (typeof NAMES)[number];
    const keys = Array.from({ length: 1 + random(6) }, () => `key ${random(KEYS)}`);
    const kind = random(20);
    if (kind >= 16) {
      const length = random(1500);
      await full.putBytes(keys, value, length, random(2) === 0);
      for (const key of keys) this.bytes.set(key, value);
      const entries = new Map(full.peek.all('bytes'));
      expect(entries.get(keys.at(-1) as string)).toBe(value);
      for (const [key, found] of entries) if (found !== this.bytes.get(key)) throw new Error(`${key} is ${found}`);
    } else if (kind < 8) {
      const before = new Set(full.peek.keys(name));
      await full.put(name, keys, value);
      for (const key of keys) this.written[name].set(key, value);
      // Bound: an evicted key may be one that is written again in the same turn.
      this.sizes[name] = Math.min(ENTRIES_MAX, new Set([...before, ...keys]).size);
    } else if (kind < 10) await expect(full.putAndFail(name, keys, value)).rejects.toThrow('refused');
    else if (kind < 12) {
      const removed = await full.delete(name, keys);
      this.sizes[name] -= removed;
      for (const key of keys) this.written[name].delete(key);
    } else if (kind < 14) for (const key of keys) full.peek.get(name, key);
    else if (kind === 14) await grid.clock.advance(random(120_000));
    else await grid.restart();
  }

  private compare(name: (typeof NAMES)[number]): void {
    const { peek } = this.grid.actor(Full, 'a');
    const entries = peek.all(name);
    expect(peek.size(name)).toBe(entries.length);
    expect(entries.length).toBe(this.sizes[name]);
    for (const [key, value] of entries) {
      const expected = this.written[name].get(key);
      if (value !== expected) throw new Error(`${name} ${key} is ${value}, and was last written as ${expected}`);
    }
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

it(`full maps hold what was written last, and not one more than they may (seed ${firstSeed})`, async () => {
  for (let seed = firstSeed; seed < firstSeed + HISTORIES; seed++) {
    await new History(seed).run().catch((error: unknown) => {
      throw new Error(`SPACEGRID_SEED=${seed}: ${String(error)}`, { cause: error });
    });
  }
}, 60_000);
