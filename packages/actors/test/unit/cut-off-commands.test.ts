/** Asynchronous commands whose thread dies: what they did elsewhere is not done twice, and a retry knows of their steps. */
import { defineActor } from '@spacegrid/actors';
import { createTestGrid } from '@spacegrid/actors/testing';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { rejection } from '../../../../test/fixtures/until.ts';

/** Where the handlers wait; a test opens it, or ends their thread. */
let gate = Promise.withResolvers<void>();

const Account = defineActor('account', {
  state: { balance: 0 },
  commands: {
    deposit(turn, amount: number) {
      turn.state.balance += amount;
      return turn.state.balance;
    },
    async pay(turn, to: string, amount: number) {
      await turn.actor(Account, to).deposit(amount);
      await gate.promise;
      return turn.step((state) => (state.balance -= amount));
    },
    async look(turn, at: string) {
      const seen: number = await turn.actor(Account, at).balance();
      await gate.promise;
      return turn.step((state) => (state.balance += seen));
    },
    async twoSteps(turn) {
      turn.step((state) => (state.balance += 1));
      await gate.promise;
      return turn.step((state) => (state.balance += 1));
    },
    async stepThenFail(turn, fails: boolean) {
      turn.step((state) => (state.balance += 1));
      await Promise.resolve();
      if (fails) throw new RangeError('after a step');
      return turn.step((state) => (state.balance += 1));
    },
  },
  queries: { balance: (view): number => view.state.balance },
});

const open = () => {
  gate = Promise.withResolvers<void>();
  return createTestGrid({ actors: [Account] });
};

describe('a command that has called another actor', () => {
  it('is not run again by a successor: the other has its effect once', async () => {
    await using grid = open();
    const paying = rejection(grid.actor(Account, 'from').pay('to', 5));
    await grid.settle();
    expect(grid.actor(Account, 'to').peek.balance()).toBe(5);
    await grid.restart();
    expect(isGridError(await paying, 'OUTCOME_UNKNOWN')).toBe(true);
    await grid.settle();
    expect(grid.actor(Account, 'to').peek.balance()).toBe(5);
    expect(grid.actor(Account, 'from').peek.balance()).toBe(0);
  });

  it('by a query only is run again', async () => {
    await using grid = open();
    await grid.actor(Account, 'at').deposit(7);
    const looking = grid.actor(Account, 'from').look('at');
    await grid.settle();
    await grid.restart();
    gate.resolve();
    expect(await looking).toBe(7);
  });
});

describe('a command with an idempotency key that was cut off after a step', () => {
  it('is not run again by a retry', async () => {
    await using grid = open();
    const account = grid.actor(Account, 'a').with({ once: 'one' });
    const first = rejection(account.twoSteps());
    await grid.settle();
    await grid.restart();
    expect(isGridError(await first, 'OUTCOME_UNKNOWN')).toBe(true);
    gate.resolve();
    const retry = await rejection(account.twoSteps());
    expect(isGridError(retry, 'OUTCOME_UNKNOWN')).toBe(true);
    expect(retry.message).toMatch(/"one" was cut off after steps/);
    expect(grid.actor(Account, 'a').peek.balance()).toBe(1);
  });

  it('answers its retries when it was not cut off', async () => {
    await using grid = open();
    const account = grid.actor(Account, 'a').with({ once: 'one' });
    gate.resolve();
    expect(await Promise.all([account.twoSteps(), account.twoSteps()])).toEqual([2, 2]);
    await grid.restart();
    expect(await account.twoSteps()).toBe(2);
  });

  it('runs again after it failed by itself', async () => {
    await using grid = open();
    const account = grid.actor(Account, 'a').with({ once: 'one' });
    expect(await rejection(account.stepThenFail(true))).toBeInstanceOf(RangeError);
    await rejection(account.stepThenFail(true));
    expect(grid.actor(Account, 'a').peek.balance()).toBe(2);
  });
});
