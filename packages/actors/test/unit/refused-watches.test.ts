import { defineActor } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { expect, it } from 'vitest';
import { DrivenGrid } from '../fixtures/driven-grid.ts';
import { rejection } from '../fixtures/until.ts';

const Board = defineActor('board', { state: { n: 0 }, queries: { get: (view) => view.state.n } });
const Newer = defineActor('board', {
  state: { n: 0 },
  queries: { get: (view) => view.state.n, twice: (view) => view.state.n * 2 },
});

it('a watch that its worker refuses ends with what the worker says', async () => {
  const grid = new DrivenGrid([Board]);
  const client = grid.attach(undefined, [Newer]);
  const first = rejection(client.actor(Newer, 'a').watch.twice().next());
  await grid.run([client]);
  expect(isGridError(await first, 'UNKNOWN_METHOD')).toBe(true);
});
