import { defineActor, ranking } from '@spacegrid/actors';
import { createTestGrid } from '@spacegrid/actors/testing';
import { expect, it } from 'vitest';

const Card = defineActor('card', {
  state: { name: 'ada', points: 1, tags: ['a'], best: ranking() },
  queries: {
    keys: (view) => Object.keys(view.state),
    all: (view) => ({ ...view.state, best: view.state.best.top(1) }),
    write: (view) => Object.assign(view.state, { points: 2 }).points,
  },
});

it('a query may spread the state that it sees', async () => {
  await using grid = createTestGrid({ actors: [Card] });
  const card = grid.actor(Card, 'c');
  expect(await card.all()).toEqual({ name: 'ada', points: 1, tags: ['a'], best: [] });
  expect(card.peek.all()).toEqual({ name: 'ada', points: 1, tags: ['a'], best: [] });
  expect(card.peek.keys()).toEqual(['name', 'points', 'tags', 'best']);
  await expect(card.write()).rejects.toMatchObject({ code: 'READ_ONLY_VIEW' });
});
