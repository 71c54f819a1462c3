/** A step is one turn: it holds no other one. */
import { defineActor } from '@spacegrid/actors';
import { createTestGrid } from '@spacegrid/actors/testing';
import { expect, it } from 'vitest';
import { rejection } from '../../../../test/fixtures/until.ts';

const Counter = defineActor('counter', {
  state: { n: 0 },
  commands: {
    async nest(turn, where: 'at once' | 'later') {
      if (where === 'later') await Promise.resolve();
      turn.step((state) => {
        state.n += 1;
      });
      turn.step((state) => {
        turn.step((inner) => {
          inner.n += 10;
        });
        state.n += 100;
      });
    },
    async nestAndCatch(turn) {
      await Promise.resolve();
      turn.step((state) => {
        expect(() => turn.step(() => undefined)).toThrow('inside of a step');
        state.n += 1000;
      });
    },
  },
  queries: { n: (view) => view.state.n },
});

it.each(['at once', 'later'] as const)(
  'a step that is called inside of another is refused with it: %s',
  async (where) => {
    await using grid = createTestGrid({ actors: [Counter] });
    const error = await rejection(grid.actor(Counter, 'a').nest(where));
    expect(error).toMatchObject({
      code: 'ASYNC_WRITE',
      message: expect.stringContaining('inside of a step') as string,
    });
    expect(grid.actor(Counter, 'a').peek.n()).toBe(1);
    await grid.actor(Counter, 'a').nestAndCatch();
    expect(grid.actor(Counter, 'a').peek.n()).toBe(1001);
  },
);
