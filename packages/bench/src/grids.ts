/** Grids and what fills them, made when a work first needs them and kept until the end. */
import { type ActorRef, createGrid, type Grid } from '@spacegrid/actors';
import { sqlite } from '@spacegrid/persistence';
import { Leaderboard, Players } from './actors.ts';
import { randomNumbers } from './random-keys.ts';

const FILL_BATCH = 500;
const FILLS_UNDER_WAY = 4;
const POINTS_MAX = 1_000_000;

export type Board = ActorRef<typeof Leaderboard>;
export type Records = ActorRef<typeof Players>;

export const BOARD_KEY = 'all';

export function startGrid(directory?: string): Promise<Grid> {
  const actors = new URL(import.meta.url.endsWith('.ts') ? './actors.ts' : './actors.js', import.meta.url);
  return createGrid(directory === undefined ? { actors } : { actors, persistence: sqlite({ directory }) });
}

interface Fillable {
  fill(players: readonly string[], points: readonly number[]): Promise<unknown>;
}

/** Gives every player some points. */
async function fill(target: Fillable, players: readonly string[]): Promise<void> {
  const random = randomNumbers(POINTS_MAX, 7);
  const underWay = new Set<Promise<unknown>>();
  for (let from = 0; from < players.length; from += FILL_BATCH) {
    const names = players.slice(from, from + FILL_BATCH);
    const points = names.map(() => random());
    const batch = target.fill(names, points);
    underWay.add(batch);
    void batch.finally(() => underWay.delete(batch)).catch(() => undefined);
    if (underWay.size >= FILLS_UNDER_WAY) await Promise.race(underWay);
  }
  await Promise.all(underWay);
}

export async function filledBoard(grid: Grid, players: readonly string[]): Promise<Board> {
  const board = grid.actor(Leaderboard, BOARD_KEY);
  await fill(board, players);
  return board;
}

export async function filledRecords(grid: Grid, players: readonly string[]): Promise<Records> {
  const records = grid.actor(Players, BOARD_KEY);
  await fill(records, players);
  return records;
}
