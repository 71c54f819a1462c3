/** Asks of a counter actor, many in flight and one at a time, beside a worker thread behind postMessage and comlink. */
import { Counter } from '../actors.ts';
import { startGrid } from '../grids.ts';
import { startComlinkPeer } from '../peers/comlink.ts';
import { startPostMessagePeer } from '../peers/post-message.ts';
import { rateRow } from '../report.ts';
import { measureRounds } from '../rounds.ts';
import { oneByOne, WINDOW, windowed, type Work } from '../work.ts';

const BATCH = 100;

/** WINDOW calls in flight, in batches with one promise each. */
function batches(many: (calls: readonly [number][]) => Promise<unknown>): () => Promise<number> {
  const calls = Array.from({ length: BATCH }, (): [number] => [1]);
  return async () => {
    await Promise.all(Array.from({ length: WINDOW / BATCH }, () => many(calls)));
    return WINDOW;
  };
}

export const askWork: Work = {
  name: 'ask',
  async run(options) {
    const grid = await startGrid();
    const post = startPostMessagePeer();
    const comlink = startComlinkPeer();
    try {
      const counter = grid.actor(Counter, 'all');
      const samples = await measureRounds(
        [
          { name: 'ask', burst: windowed(() => counter.add(1)) },
          { name: 'ask-many', burst: batches((calls) => counter.many.add(calls)) },
          { name: 'postMessage', burst: windowed(() => post.add(1)) },
          { name: 'comlink', burst: windowed(() => comlink.add(1)) },
          { name: 'ask-single', burst: oneByOne(() => counter.add(1)) },
          { name: 'postMessage, single', burst: oneByOne(() => post.add(1)) },
          { name: 'comlink, single', burst: oneByOne(() => comlink.add(1)) },
        ],
        options,
      );
      return [
        rateRow(samples, 'ask', 'ask a counter, 1,000 in flight', [
          { name: 'postMessage', must: 6 },
          { name: 'comlink', must: 30 },
        ]),
        rateRow(samples, 'ask-many', `the same in batches of ${BATCH}`, [{ name: 'ask' }, { name: 'postMessage' }]),
        rateRow(samples, 'ask-single', 'ask a counter, one at a time', [
          { name: 'postMessage, single' },
          { name: 'comlink, single' },
        ]),
      ];
    } finally {
      await Promise.all([grid.close(), post.close(), comlink.close()]);
    }
  },
};
