/** Everything the application asks of the grid about boards. */
import type { Grid } from '@spacegrid/actors';
import { Directory, type Entry, Leaderboard } from '../actors.ts';

export interface Submitted {
  readonly player: string;
  readonly points: number;
  readonly rank: number;
  readonly durable: boolean;
}

export interface Standing {
  readonly player: string;
  readonly points: number;
  readonly rank: number;
  readonly around: readonly Entry[];
}

export interface Top {
  readonly entries: readonly Entry[];
  readonly players: number;
}

export class Boards {
  private readonly grid: Grid;
  /** Boards that are registered, as far as this process knows. */
  private readonly known = new Set<string>();

  constructor(grid: Grid) {
    this.grid = grid;
  }

  /** Adds points; the board is made by its first score. */
  async submit(
    board: string,
    player: string,
    points: number,
    options: { readonly durable: boolean; readonly once?: string },
  ): Promise<Submitted> {
    await this.register(board);
    const { durable, once } = options;
    const actor = this.grid.actor(Leaderboard, board);
    const answer = await actor
      .with({ ack: durable ? 'durable' : 'memory', ...(once === undefined ? {} : { once }) })
      .submit(player, points);
    return { ...answer, durable };
  }

  top(board: string, count: number): Promise<Top> {
    return this.grid.actor(Leaderboard, board).peekOrAsk.top(count);
  }

  standing(board: string, player: string, around: number): Promise<Standing | undefined> {
    return this.grid.actor(Leaderboard, board).peekOrAsk.standing(player, around);
  }

  watchTop(board: string, count: number) {
    return this.grid.actor(Leaderboard, board).watch.top(count);
  }

  async list(): Promise<{ readonly name: string; readonly players: number }[]> {
    const names = await this.grid.actor(Directory, 'all').peekOrAsk.list();
    return Promise.all(
      names.map(async (name) => ({ name, players: await this.grid.actor(Leaderboard, name).peekOrAsk.size() })),
    );
  }

  async delete(board: string): Promise<void> {
    this.known.delete(board);
    await this.grid.actor(Directory, 'all').with({ ack: 'durable' }).unregister(board);
    await this.grid.actor(Leaderboard, board).with({ ack: 'durable' }).clear();
  }

  async importLines(
    board: string,
    digest: string,
    from: number,
    players: readonly string[],
    points: readonly number[],
  ): Promise<number> {
    await this.register(board);
    return this.grid.actor(Leaderboard, board).importLines(digest, from, players, points);
  }

  importedLines(board: string, digest: string): Promise<number> {
    return this.grid.actor(Leaderboard, board).importedLines(digest);
  }

  /** Points that simulated players have added to a board. */
  played(board: string): Promise<number> {
    return this.grid.actor(Leaderboard, board).played();
  }

  async register(board: string): Promise<void> {
    if (this.known.has(board)) return;
    await this.grid.actor(Directory, 'all').register(board);
    if (this.known.size < 10_000) this.known.add(board);
  }
}
