import { createGrid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { Leaderboard } from './actors.ts';

const grid = await createGrid({
  actors: new URL('./actors.ts', import.meta.url),
  persistence: sqlite({ directory: 'data' }),
});
const board = grid.actor(Leaderboard, 'eu');

console.log(await board.submit('ada', 120)); // a message to the partition that holds the board
console.log(await board.submit('bob', 90));
console.table(board.peek.top(10)); // read here and now, from shared memory

await grid.close();
