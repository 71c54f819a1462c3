/** Everything the application asks of the grid about boards. */
import { type Grid, isGridError } from '@spacegrid/actors';
import { Directory, DIRECTORY_KEY, Leaderboard } from '../actors.ts';
import type { BoardSummary, Standing, Submitted, Top } from '../http/answers.ts';

export interface Imported {
  /** How many lines of the file are counted. */
  readonly lines: number;
  /** Indexes of lines that were left out, since a sum would have become infinite. */
  readonly refused: readonly number[];
}

/** Bound: of what is remembered to be admitted. */
const KNOWN_MAX = 10_000;
const TIDY_PERIOD_MS = 5000;

export class Boards {
  private readonly grid: Grid;
  /** Boards that were admitted, as far as this process knows: a removed one that is written again lists itself. */
  private readonly known = new Set<string>();

  private tidying: Promise<void>;
  private tidiedAt: number;

  constructor(grid: Grid) {
    this.grid = grid;
    this.tidying = Promise.resolve();
    this.tidiedAt = Number.NEGATIVE_INFINITY;
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
    const actor = this.board(board);
    const answer = await actor
      .with({ ack: durable ? 'durable' : 'memory', ...(once === undefined ? {} : { once }) })
      .submit(player, points);
    return { ...answer, durable };
  }

  top(board: string, count: number): Promise<Top> {
    return this.board(board).peekOrAsk.top(count);
  }

  standing(board: string, player: string, around: number): Promise<Standing | undefined> {
    return this.board(board).peekOrAsk.standing(player, around);
  }

  watchTop(board: string, count: number) {
    return this.board(board).watch.top(count);
  }

  /** Boards with entries, by name. */
  async list(): Promise<BoardSummary[]> {
    const listed = await this.directory.peekOrAsk.list();
    const boards = await Promise.all(
      listed.map(async ({ name }) => ({ name, players: await this.board(name).peekOrAsk.size() })),
    );
    return boards.filter(({ players }) => players > 0);
  }

  /** Removes a board, durably. Points that come in meanwhile are removed with it, or make it anew. */
  async delete(board: string): Promise<void> {
    this.known.delete(board);
    await this.directory.beginRemoval(board);
    await this.board(board).with({ ack: 'durable' }).clear();
    await this.directory.finishRemoval(board);
  }

  /** Takes empty boards off the list, and ends removals that a crash cut short: a board that still has entries stays. */
  async tidy(): Promise<void> {
    for (const { name, leaving } of await this.directory.list()) {
      const empty = (await this.board(name).size()) === 0;
      if (!empty && leaving) await this.directory.enlist(name);
      if (!empty) continue;
      await this.directory.beginRemoval(name);
      if ((await this.board(name).size()) === 0) await this.directory.finishRemoval(name);
      else await this.directory.enlist(name);
    }
  }

  async importLines(
    board: string,
    digest: string,
    from: number,
    players: readonly string[],
    points: readonly number[],
    options: { readonly durable: boolean },
  ): Promise<Imported> {
    await this.register(board);
    return this.board(board)
      .with({ ack: options.durable ? 'durable' : 'memory' })
      .importLines(digest, from, players, points);
  }

  importedLines(board: string, digest: string): Promise<number> {
    return this.board(board).importedLines(digest);
  }

  /** Points that simulated players have added to a board. */
  played(board: string): Promise<number> {
    return this.board(board).played();
  }

  /** Before a board's first entry. Throws OverloadedError when there are too many boards. */
  async register(board: string): Promise<void> {
    if (this.known.has(board)) return;
    try {
      await this.directory.admit(board);
    } catch (error) {
      if (!isGridError(error, 'OVERLOADED')) throw error;
      await this.tidyOnce();
      await this.directory.admit(board);
    }
    if (this.known.size < KNOWN_MAX) this.known.add(board);
  }

  /** Many that are refused wait for one look through the list, and don't ask for the next at once. */
  private tidyOnce(): Promise<void> {
    const now = performance.now();
    if (now - this.tidiedAt >= TIDY_PERIOD_MS) {
      this.tidiedAt = now;
      this.tidying = this.tidy();
    }
    return this.tidying;
  }

  private get directory() {
    return this.grid.actor(Directory, DIRECTORY_KEY);
  }

  private board(name: string) {
    return this.grid.actor(Leaderboard, name);
  }
}
