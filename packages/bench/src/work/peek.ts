/** Peeks of a rank and of a field among a million keys in random order, beside a JavaScript Map of objects. */
import { filledBoard, filledRecords, startGrid } from '../grids.ts';
import { measureMicro } from '../micro.ts';
import { playerName, playerNames, randomNumbers } from '../random-keys.ts';
import { amountRow, rateRow, type Row } from '../report.ts';
import type { Work } from '../work.ts';

/** Operations that are timed together. */
const TOGETHER = 512;
/** Keys of one batch. */
const BATCH = 64;
/** What a ranking entry with its name may take. */
const ENTRY_BYTES_MAX = 150;

export const peekWork: Work = {
  name: 'peek',
  async run(options, say) {
    const players = playerNames(options.entries);
    const next = randomNumbers(players.length);
    const grid = await startGrid();
    try {
      say(`filling a ranking, a map and a Map with ${players.length} entries`);
      const empty = await usedBytes(grid);
      const board = await filledBoard(grid, players);
      const ranked = (await usedBytes(grid)) - empty;
      const records = await filledRecords(grid, players);
      const objects = new Map(players.map((_, number) => [playerName(number), { points: number, level: 1 }]));
      say('peeking');
      let sum = 0;
      const each = (name: string, read: (player: string) => number | undefined) => ({
        name,
        operations: TOGETHER,
        run: () => {
          for (let index = 0; index < TOGETHER; index++) sum += read(playerName(next())) ?? 0;
        },
      });
      const { peek: ranks } = board;
      const { peek: fields } = records;
      const samples = await measureMicro(
        [
          each('peek-field', (player) => fields.points(player)),
          each('JS Map of objects, get', (player) => objects.get(player)?.points),
          {
            name: 'peek-many',
            operations: TOGETHER,
            run: () => {
              for (let done = 0; done < TOGETHER; done += BATCH)
                for (const points of fields.pointsOfAll(Array.from({ length: BATCH }, () => playerName(next()))))
                  sum += points ?? 0;
            },
          },
          each('peek-rank', (player) => ranks.rank(player)),
        ],
        options,
      );
      if (!Number.isFinite(sum) || sum === 0) throw new Error('the peeks read nothing');
      const map = { name: 'JS Map of objects, get' };
      const rows: Row[] = [
        rateRow(samples, 'peek-field', `peek of a field, ${options.entries.toLocaleString('en')} keys`, [
          { ...map, must: 0.7 },
        ]),
        rateRow(samples, 'peek-many', `the same, ${BATCH} keys at a time`, [
          { ...map, must: 1 },
          { name: 'peek-field' },
        ]),
        rateRow(samples, 'peek-rank', `peek of a rank, ${options.entries.toLocaleString('en')} entries`, [map]),
      ];
      const most = options.entries >= 100_000 ? { most: ENTRY_BYTES_MAX } : {};
      rows.push(
        amountRow('entry-bytes', 'memory of a ranking entry with its name', ranked / players.length, 'bytes', most),
      );
      return rows;
    } finally {
      await grid.close();
    }
  },
};

async function usedBytes(grid: Awaited<ReturnType<typeof startGrid>>): Promise<number> {
  const { partitions } = await grid.stats();
  return partitions.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
}
