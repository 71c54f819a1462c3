import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGrid } from '@spacegrid/actors';
import { Leaderboard } from './actors.ts';

test('adds up points and ranks the players', async () => {
  const grid = await createGrid({ actors: new URL('./actors.ts', import.meta.url) });
  try {
    const board = grid.actor(Leaderboard, 'eu');
    await board.submit('ada', 50);
    await board.submit('bob', 90);
    assert.deepEqual(await board.submit('ada', 50), { points: 100, rank: 1 });
    const players = (await board.top(10)).map((entry) => entry.member);
    assert.deepEqual(players, ['ada', 'bob']);
  } finally {
    await grid.close();
  }
});
