import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestGrid } from '@spacegrid/actors/testing';
import { Leaderboard } from './actors.ts';

test('adds up points and ranks the players', async () => {
  const grid = createTestGrid({ actors: [Leaderboard] }); // one thread, no files, and a clock of its own
  const board = grid.actor(Leaderboard, 'eu');
  await board.submit('ada', 50);
  await board.submit('bob', 90);
  assert.deepEqual(await board.submit('ada', 50), { points: 100, rank: 1 });
  const players = board.peek.top(10).map((entry) => entry.member);
  assert.deepEqual(players, ['ada', 'bob']);
});
