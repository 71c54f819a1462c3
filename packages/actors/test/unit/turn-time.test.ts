import { defineActor } from '@spacegrid/actors';
import { expect, it } from 'vitest';
import { DrivenGrid } from '../fixtures/driven-grid.ts';

/** Where the handler waits. */
const gate = Promise.withResolvers<void>();

const Clocked = defineActor('clocked', {
  state: { at: 0 },
  commands: {
    async waitThenStep(turn) {
      await gate.promise;
      return turn.step((state) => {
        state.at = turn.now;
        return turn.now;
      });
    },
  },
});

it('a step has the time at which it runs, however long its thread slept before', async () => {
  const grid = new DrivenGrid([Clocked]);
  const answer = grid.main.actor(Clocked, 'a').waitThenStep();
  await grid.run();
  grid.clock.advance(700);
  gate.resolve();
  await grid.run();
  expect(await answer).toBe(grid.clock.now());
});
