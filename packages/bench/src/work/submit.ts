/**
 * Submits to a leaderboard: an update, and the new rank as the answer; without a store, with write-behind, in batches, and
 * acknowledged once durable. Beside calls that only add (postMessage, comlink) and one row a transaction in SQLite.
 */
import { startGrid, filledBoard, type Board } from '../grids.ts';
import { startComlinkPeer } from '../peers/comlink.ts';
import { openOneRowStore } from '../peers/one-row-store.ts';
import { startPostMessagePeer } from '../peers/post-message.ts';
import { playerNames, randomNumbers } from '../random-keys.ts';
import { rateRow } from '../report.ts';
import { measureRounds } from '../rounds.ts';
import { makeFolder, removeFolder } from '../scratch-folders.ts';
import { windowed, type Work } from '../work.ts';

const BATCH = 100;
const BATCHES = 20;

export const submitWork: Work = {
  name: 'submit',
  async run(options, say) {
    const players = playerNames(options.entries);
    const next = randomNumbers(players.length);
    const player = (): string => players[next()] as string;
    const folder = makeFolder();
    const memory = await startGrid();
    const stored = await startGrid(folder);
    const post = startPostMessagePeer();
    const comlink = startComlinkPeer();
    const oneRow = openOneRowStore(folder);
    try {
      say(`filling two leaderboards with ${players.length} players`);
      const inMemory = await filledBoard(memory, players);
      const behind = await filledBoard(stored, players);
      const durable = behind.with({ ack: 'durable' });
      await stored.flush();
      say('submitting');
      const settle = (): Promise<void> => stored.flush();
      const samples = await measureRounds(
        [
          { name: 'submit-memory', burst: windowed(() => inMemory.submit(player(), 1)) },
          { name: 'submit', burst: windowed(() => behind.submit(player(), 1)), after: settle },
          { name: 'postMessage', burst: windowed(() => post.add(1)) },
          { name: 'comlink', burst: windowed(() => comlink.add(1)) },
          { name: 'submit-batch', burst: batches(behind, player), after: settle },
          { name: 'submit-durable', burst: windowed(() => durable.submit(player(), 1)), after: settle },
          {
            name: 'one row a transaction, FULL',
            burst: () => {
              oneRow.submit(player(), 1);
              return 1;
            },
          },
        ],
        options,
      );
      const calls = [{ name: 'postMessage' }, { name: 'comlink' }];
      const size = sizeText(players.length);
      return [
        rateRow(samples, 'submit-memory', `submit to ${size} players, no store`, calls),
        rateRow(samples, 'submit', `submit to ${size}, write-behind`, calls),
        rateRow(samples, 'submit-batch', `the same in batches of ${BATCH}`, [{ name: 'submit' }]),
        rateRow(samples, 'submit-durable', `submit to ${size}, ack durable`, [
          { name: 'one row a transaction, FULL', must: 50 },
        ]),
      ];
    } finally {
      oneRow.close();
      await Promise.all([memory.close(), stored.close(), post.close(), comlink.close()]);
      removeFolder(folder);
    }
  },
};

function batches(board: Board, player: () => string): () => Promise<number> {
  return async () => {
    const calls = Array.from({ length: BATCHES }, () => board.submitMany(Array.from({ length: BATCH }, player), 1));
    await Promise.all(calls);
    return BATCH * BATCHES;
  };
}

function sizeText(count: number): string {
  return count >= 1e6 ? `${count / 1e6} M` : count.toLocaleString('en');
}
