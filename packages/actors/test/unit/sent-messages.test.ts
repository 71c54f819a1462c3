/** Messages of turns whose receivers can not run them at once, or will not. */
import { defineActor } from '@spacegrid/actors';
import { createTestGrid } from '@spacegrid/actors/testing';
import { OverloadedError, silentLogger } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';

let broken = 0;

const Receiver = defineActor('receiver', {
  state: { n: 0 },
  commands: {
    add(turn, by: number) {
      turn.state.n += by;
    },
    refuse() {
      throw new OverloadedError('the handler itself says so');
    },
  },
  queries: { get: (view) => view.state.n },
  onActivate() {
    if (broken-- > 0) throw new Error('not yet');
  },
});

const Sender = defineActor('sender', {
  state: { sent: 0 },
  commands: {
    send(turn, to: string, by: number) {
      turn.state.sent += 1;
      turn.send(Receiver, to).add(by);
      turn.send(Receiver, `${to} too`).add(by);
    },
    sendRefused(turn, to: string) {
      turn.send(Receiver, to).refuse();
    },
    /** Sends 100 in a step that is undone, and then `by` in one that is not, unless that is 0. */
    async sendInSteps(turn, to: string, by: number) {
      await Promise.resolve();
      const undone = (): void => {
        turn.step(() => {
          turn.send(Receiver, to).add(100);
          throw new Error('undone');
        });
      };
      expect(undone).toThrow('undone');
      if (by > 0) turn.step(() => turn.send(Receiver, to).add(by));
    },
  },
  queries: {},
});

describe('a message whose receiver can not be activated', () => {
  it('arrives once when it can', async () => {
    await using grid = createTestGrid({ actors: [Receiver, Sender] });
    broken = 3;
    await grid.actor(Sender, 's').send('r', 5);
    await grid.settle();
    const count = (): number => grid.actor(Receiver, 'r').peek.get() + grid.actor(Receiver, 'r too').peek.get();
    expect(count()).toBeLessThan(10);
    await grid.clock.advance('1m');
    expect(count()).toBe(10);
    await grid.clock.advance('10m');
    expect(count()).toBe(10);
  });

  it('also when its sender has a successor meanwhile', async () => {
    await using grid = createTestGrid({ actors: [Receiver, Sender] });
    broken = 4;
    await grid.actor(Sender, 's').send('r', 5);
    await grid.settle();
    await grid.restart();
    await grid.clock.advance('1m');
    expect(grid.actor(Receiver, 'r').peek.get()).toBe(5);
    expect(grid.actor(Receiver, 'r too').peek.get()).toBe(5);
  });
});

describe('a message of a step', () => {
  it.each([0, 1])('exists exactly when its step does: %i', async (by) => {
    await using grid = createTestGrid({ actors: [Receiver, Sender] });
    broken = 0;
    await grid.actor(Sender, 's').sendInSteps('r', by);
    await grid.settle();
    expect(grid.actor(Receiver, 'r').peek.get()).toBe(by);
  });
});

describe('messages of one turn of which some have arrived', () => {
  it('are not run again, however long the others wait', async () => {
    await using grid = createTestGrid({ actors: [Receiver, Sender], onceWindow: '2s' });
    // One of the two keys is activated in the first attempt.
    broken = 1;
    await grid.actor(Sender, 's').send('r', 5);
    await grid.settle();
    const counts = (): number[] =>
      ['r', 'r too'].map((key) => grid.actor(Receiver, key).peek.get()).toSorted((one, other) => one - other);
    expect(counts()).toEqual([0, 5]);
    broken = Number.POSITIVE_INFINITY;
    await grid.clock.advance('5m');
    expect(counts()).toEqual([0, 5]);
    await grid.restart();
    await grid.clock.advance('5m');
    expect(counts()).toEqual([0, 5]);
    broken = 0;
    await grid.clock.advance('1m');
    expect(counts()).toEqual([5, 5]);
  });
});

describe('a message to nobody', () => {
  const Astray = defineActor('astray', {
    state: {},
    partitionBy(key) {
      if (key === 'no way') throw new RangeError('there is no way to it');
      return key;
    },
    commands: { go: () => undefined },
  });
  const Guide = defineActor('guide', {
    state: { sent: 0 },
    commands: {
      send(turn, to: string) {
        turn.state.sent += 1;
        turn.send(Astray, to).go();
      },
    },
    queries: { sent: (view) => view.state.sent },
  });

  it('is refused with its turn when its key is none', async () => {
    await using grid = createTestGrid({ actors: [Astray, Guide] });
    await expect(grid.actor(Guide, 'g').send('')).rejects.toMatchObject({ code: 'INVALID_KEY' });
    expect(grid.actor(Guide, 'g').peek.sent()).toBe(0);
  });

  it('is told once, and not sent again, when its partition can not be told', async () => {
    const heard: string[] = [];
    const logger = { ...silentLogger, error: (line: string) => void heard.push(line) };
    await using grid = createTestGrid({ actors: [Astray, Guide], logger });
    await grid.actor(Guide, 'g').send('no way');
    await grid.settle();
    await grid.restart();
    await grid.settle();
    expect(heard).toEqual([expect.stringContaining('there is no way to it')]);
  });
});

describe('a message that its receiver refuses', () => {
  it('is not sent again, and the logger hears of it', async () => {
    const heard: string[] = [];
    const say = (message: string): void => {
      heard.push(message);
    };
    const logger = { debug: say, info: say, warn: say, error: say };
    await using grid = createTestGrid({ actors: [Receiver, Sender], logger });
    await grid.actor(Sender, 's').sendRefused('r');
    await grid.settle();
    await grid.clock.advance('10m');
    expect(heard.filter((line) => line.includes('the handler itself says so'))).toHaveLength(1);
  });
});
