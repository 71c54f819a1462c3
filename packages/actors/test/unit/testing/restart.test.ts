/** A partition thread's death and its successor, on one thread. */
import { defineActor } from '@spacegrid/actors';
import { createTestGrid, type TestGrid } from '@spacegrid/actors/testing';
import { isGridError } from '@spacegrid/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate, Lab, seen } from '../../fixtures/lab-actors.ts';
import { rejection } from '../../../../../test/fixtures/until.ts';

let grid: TestGrid;

beforeEach(() => {
  grid = createTestGrid({ actors: [Lab] });
  seen.length = 0;
});

afterEach(() => grid.close());

const lab = (key = 'a') => grid.actor(Lab, key);

describe('a restart', () => {
  it('keeps what was committed, and activates actors again', async () => {
    await lab().add(3);
    await grid.restart();
    expect(lab().peek.get()).toBe(3);
    expect(await lab().add(1)).toBe(4);
    expect(seen).toEqual(['in a', 'in a']);
  });

  it('ends an asynchronous command that had committed steps in an unknown outcome, with their number', async () => {
    const running = rejection(lab().stepHoldStep('half'));
    await grid.settle();
    await grid.restart();
    const error = await running;
    expect(isGridError(error, 'OUTCOME_UNKNOWN')).toBe(true);
    expect(isGridError(error) && error.details['stepsCommitted']).toBe(1);
    // What is left of the dead thread's handler writes nothing.
    gate('half').resolve();
    await grid.settle();
    expect(seen).toContain('ended half');
    expect(lab().peek.get()).toBe(1);
    expect(await lab().add(1)).toBe(2);
  });

  it('runs an asynchronous command again that had committed nothing, and what waited behind it', async () => {
    const running = lab().hold('again');
    const behind = lab().add(1);
    await grid.settle();
    await grid.restart();
    expect(seen.filter((line) => line === 'holds again')).toHaveLength(2);
    expect(lab().peek.get()).toBe(0);
    gate('again').resolve();
    expect(await running).toBe('a');
    expect(await behind).toBe(1);
    await grid.settle();
    expect(await lab().get()).toBe(1);
  });

  it('gives a call up that two deaths have ended', async () => {
    const running = rejection(lab().hold('cursed'));
    await grid.settle();
    await grid.restart();
    await grid.restart();
    expect(isGridError(await running, 'WORKER_LOST')).toBe(true);
  });

  it('gives the one right answer wherever it falls: handlers end in microtasks, and so does what they are followed by', async () => {
    const outcomes: string[] = [];
    for (let microtasks = 0; microtasks < 12; microtasks++) {
      const name = `falls ${microtasks}`;
      const running = lab(name).stepHoldStep(name);
      await grid.settle();
      gate(name).resolve();
      for (let passed = 0; passed < microtasks; passed++) await Promise.resolve();
      const steps = lab(name).peek.get();
      const restarted = grid.restart();
      // Its steps stay; what was answered, sent or not, is the answer.
      const outcome = await running.catch((error: unknown) => error as Error);
      if (outcome instanceof Error) {
        expect(isGridError(outcome, 'OUTCOME_UNKNOWN')).toBe(true);
        expect(isGridError(outcome) && outcome.details['stepsCommitted']).toBe(steps === 1 ? 1 : 2);
      } else {
        expect([outcome, steps]).toEqual([11, 11]);
      }
      await restarted;
      expect(await lab(name).get()).toBe(steps);
      outcomes.push(outcome instanceof Error ? `died after ${steps}` : 'answered');
    }
    expect([...new Set(outcomes)]).toEqual(['died after 1', 'died after 11', 'answered']);
  });

  it('lets watches go on, marked as resynced', async () => {
    await lab().add(1);
    await using watch = lab().watch.get();
    await watch.next();
    await grid.restart();
    expect((await watch.next()).value).toMatchObject({ value: 1, resync: true });
    await lab().add(1);
    expect((await watch.next()).value).toMatchObject({ value: 2, resync: false });
  });

  it('keeps reminders and idempotency keys', async () => {
    await lab().noteAfter(1000, 'reminded');
    expect(await lab().with({ once: 'key' }).add(1)).toBe(1);
    await grid.restart();
    expect(await lab().with({ once: 'key' }).add(1)).toBe(1);
    await grid.clock.advance('1s');
    expect(lab().peek.log()).toHaveLength(1);
  });

  it('answers a retry of what took effect, even when three threads in a row die before they send it', async () => {
    expect(await lab().with({ once: 'key' }).add(1)).toBe(1);
    const retry = lab().with({ once: 'key' }).add(1);
    // One microtask later the request stands in its ring; the next one would run it.
    await Promise.resolve();
    await Promise.all([grid.restart(), grid.restart(), grid.restart()]);
    expect(await retry).toBe(1);
    expect(lab().peek.get()).toBe(1);
  });

  it('loses no message under way and doubles none', async () => {
    const holding = lab('receiver').hold('receiver');
    await lab().send('receiver');
    await grid.settle();
    await grid.restart();
    gate('receiver').resolve();
    await holding;
    await grid.settle();
    expect(lab('receiver').peek.get()).toBe(100);
    expect(lab().peek.get()).toBe(1);
  });

  it('is refused inside a turn', async () => {
    const Restarter = defineActor('restarter', {
      state: { n: 0 },
      commands: {
        atOnce: () => own.restart(),
        async inStep(turn) {
          await Promise.resolve();
          let restarting: Promise<void> | undefined;
          turn.step((state) => {
            state.n++;
            restarting = own.restart();
          });
          await restarting;
        },
      },
      queries: { get: (view) => view.state.n },
    });
    await using own = createTestGrid({ actors: [Restarter] });
    const actor = own.actor(Restarter, 'a');
    for (const call of [actor.atOnce(), actor.inStep()])
      expect(isGridError(await rejection(call), 'INVALID_ARGUMENT')).toBe(true);
    expect(actor.peek.get()).toBe(1);
  });

  it('is as good the tenth time', async () => {
    for (let round = 1; round <= 10; round++) {
      expect(await lab().add(1)).toBe(round);
      await grid.restart();
    }
  });
});
