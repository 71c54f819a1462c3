/** How long a grid with a large leaderboard in its store takes to serve. */
import { Leaderboard } from '../actors.ts';
import { BOARD_KEY, filledBoard, startGrid } from '../grids.ts';
import { playerNames } from '../random-keys.ts';
import { amountRow } from '../report.ts';
import { makeFolder, removeFolder } from '../scratch-folders.ts';
import type { Work } from '../work.ts';

/** What a start with a million entries may take. */
const SERVING_SECONDS_MAX = 5;

export const restartWork: Work = {
  name: 'restart',
  async run({ entries }, say) {
    const folder = makeFolder();
    try {
      say(`storing a leaderboard of ${entries} players`);
      const first = await startGrid(folder);
      try {
        await filledBoard(first, playerNames(entries));
      } finally {
        await first.close();
      }
      say('starting again');
      const startedAt = performance.now();
      const second = await startGrid(folder);
      try {
        const size = await second.actor(Leaderboard, BOARD_KEY).size();
        const seconds = (performance.now() - startedAt) / 1000;
        if (size !== entries) throw new Error(`${size} of ${entries} entries came back`);
        const title = `restart with ${entries.toLocaleString('en')} entries until serving`;
        return [amountRow('restart', title, seconds, 's', { most: SERVING_SECONDS_MAX })];
      } finally {
        await second.close();
      }
    } finally {
      removeFolder(folder);
    }
  },
};
