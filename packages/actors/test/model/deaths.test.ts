/**
 * Random histories of calls, messages and reminders, with the partition thread's death after a random number of microtasks:
 * everything takes effect as often as its answer says. SPACEGRID_SEED repeats a run, SPACEGRID_LONG=10 makes it ten times as long.
 */
import { createTestGrid, type TestGrid } from '@spacegrid/actors/testing';
import { isGridError } from '@spacegrid/core';
import { expect, it } from 'vitest';
import { Ledger } from '../fixtures/ledger-actors.ts';

const factor = Number(process.env['SPACEGRID_LONG'] ?? 1);
const firstSeed = Number(process.env['SPACEGRID_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const HISTORIES = 10 * factor;
const BATCHES = 20;
const ACTORS = ['a', 'b', 'c'];
const REMIND_MS = 1000;

/** How often an operation took effect, and what followed from it at `other`. */
type Check = (count: number, followed: number) => void;

interface Operation {
  readonly name: string;
  readonly actor: string;
  readonly other: string;
  readonly follows: string;
  readonly check: Check;
}

class History {
  readonly outcomes = new Map<string, number>();
  private readonly grid: TestGrid;
  private readonly random: (below: number) => number;
  private readonly operations: Operation[] = [];

  constructor(seed: number) {
    this.grid = createTestGrid({ actors: [Ledger], partitions: 2 });
    this.random = randomFrom(seed);
  }

  async run(): Promise<void> {
    const { grid, random } = this;
    for (let batch = 0; batch < BATCHES; batch++) {
      const answers = Array.from({ length: 1 + random(6) }, () => this.begin());
      for (let left = random(40); left > 0; left--) await Promise.resolve();
      for (let deaths = random(3); deaths > 0; deaths--) {
        const restarted = grid.restart();
        for (let left = random(20); left > 0; left--) await Promise.resolve();
        if (random(2) === 0) await restarted;
      }
      await Promise.all(answers);
      if (random(4) === 0) await grid.clock.advance(random(2 * REMIND_MS));
    }
    await grid.clock.advance(2 * REMIND_MS);
    for (const { name, actor, other, follows, check } of this.operations)
      check(grid.actor(Ledger, actor).peek.count(name), grid.actor(Ledger, other).peek.count(`${name} ${follows}`));
    await grid.close();
  }

  /** Begins a random operation; resolves when it is answered. */
  private async begin(): Promise<void> {
    const place = this.operations.length;
    try {
      await this.perform(place);
    } catch (error) {
      throw new Error(this.operations[place]?.name, { cause: error });
    }
  }

  private async perform(place: number): Promise<void> {
    const { grid, random } = this;
    const from = random(ACTORS.length - 1);
    const actor = ACTORS[from] as string;
    // Calls go one way, so that no two commands wait for each other.
    const other = ACTORS[from + 1] as string;
    const ledger = grid.actor(Ledger, actor);
    const kinds = [
      'mark',
      'refuse',
      'once',
      'send',
      'remind',
      'tell',
      'steps',
      'tellSteps',
      'stepsAndSends',
      'calls',
    ] as const;
    const kind = kinds[random(kinds.length)] as (typeof kinds)[number];
    const name = `${place} ${kind}`;
    const [steps, microtasks] = [1 + random(3), random(6)];
    let check: Check = (count) => expect(count, name).toBe(1);
    let follows = 'sent';
    this.operations.push({ name, actor, other, follows, check });
    switch (kind) {
      case 'mark':
        await ledger.mark(name);
        break;
      case 'refuse': {
        const error: unknown = await ledger.refuse(name).catch((caught: unknown) => caught);
        expect(error, name).toMatchObject({ name: 'RangeError', message: name });
        check = (count) => expect(count, name).toBe(0);
        break;
      }
      case 'once':
        await Promise.all([1, 2, 3].map(() => ledger.with({ once: name }).mark(name)));
        break;
      case 'send':
        await ledger.send(name, other);
        check = (count, sent) => expect([count, sent], name).toEqual([1, 1]);
        break;
      case 'remind':
        await grid.actor(Ledger, other).remind(name, REMIND_MS);
        follows = 'reminded';
        check = (_count, reminded) => expect(reminded, name).toBe(1);
        break;
      case 'tell':
        ledger.tell.mark(name);
        break;
      case 'tellSteps':
        ledger.tell.steps(name, steps, microtasks);
        check = (count) => expect(count, name).toBeLessThanOrEqual(steps);
        break;
      case 'steps': {
        const committed = await this.stepsOf(ledger.steps(name, steps, microtasks), steps);
        check = (count) => expect(count, name).toBe(committed);
        break;
      }
      case 'stepsAndSends': {
        const committed = await this.stepsOf(ledger.stepsAndSends(name, other, microtasks), 1);
        check = (count, sent) => expect([count, sent], name).toEqual([committed, committed]);
        break;
      }
      case 'calls': {
        const committed = await this.stepsOf(ledger.stepThenCall(name, other, microtasks), 1);
        follows = 'called';
        check = (count, called) => {
          expect(count, name).toBe(committed);
          expect(called, name).toBeLessThanOrEqual(1);
        };
        break;
      }
    }
    this.operations[place] = { name, actor, other, follows, check };
  }

  /** How many steps of an asynchronous command were committed, as its answer says. */
  private async stepsOf(answer: Promise<unknown>, steps: number): Promise<number> {
    try {
      await answer;
      this.note('answered');
      return steps;
    } catch (error) {
      if (isGridError(error, 'OUTCOME_UNKNOWN')) {
        this.note('died after a step');
        return error.details['stepsCommitted'] as number;
      }
      if (!isGridError(error, 'WORKER_LOST')) throw error;
      this.note('died twice');
      return 0;
    }
  }

  private note(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
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

it(`all takes effect as its answers say, whenever the thread dies (seed ${firstSeed})`, async () => {
  const seen = new Set<string>();
  for (let seed = firstSeed; seed < firstSeed + HISTORIES; seed++) {
    const history = new History(seed);
    await history.run().catch((error: unknown) => {
      throw new Error(`SPACEGRID_SEED=${seed}`, { cause: error });
    });
    for (const outcome of history.outcomes.keys()) seen.add(outcome);
  }
  expect([...seen]).toEqual(expect.arrayContaining(['answered', 'died after a step']));
}, 60_000);
