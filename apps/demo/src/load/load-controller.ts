/** Starts and stops simulated players, and keeps account of what was acknowledged to them. */
import type { Grid } from '@spacegrid/actors';
import type { Boards } from '../grid/boards.ts';
import type { LoadStatus } from '../http/answers.ts';
import { addBuckets, createBuckets, percentile } from './latency-buckets.ts';
import type { LoadReport } from './load-messages.ts';
import { LoadThread } from './load-thread.ts';

export interface LoadRequest {
  readonly board: string;
  /** Of all threads together. Null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  readonly players: number;
  readonly threads: number;
}

export interface LoadComparison {
  /** Points acknowledged to the players since their start. */
  readonly acknowledged: number;
  /** Points of theirs that the board holds. */
  readonly present: number;
  readonly lost: number;
  /** Points on the board beyond all that were sent. */
  readonly doubled: number;
}

const NOTHING: LoadRequest = { board: '', ratePerSecond: null, players: 0, threads: 0 };

export class LoadController {
  private readonly grid: Grid;
  private readonly boards: Boards;
  private request: LoadRequest;
  private threads: readonly LoadThread[];
  /** Points that players of before had added to the board. */
  private baseline: number;
  /** Starts and stops, one after the other. */
  private queue: Promise<unknown>;

  constructor(grid: Grid, boards: Boards) {
    this.grid = grid;
    this.boards = boards;
    this.request = NOTHING;
    this.threads = [];
    this.baseline = 0;
    this.queue = Promise.resolve();
  }

  /** Instead of what plays now. */
  start(request: LoadRequest): Promise<LoadStatus> {
    return this.inTurn(async () => {
      await this.stopThreads();
      await this.boards.register(request.board);
      const baseline = await this.boards.played(request.board);
      const { board, players, threads, ratePerSecond } = request;
      const started: LoadThread[] = [];
      try {
        for (let index = 0; index < threads; index++) {
          const seed = (Date.now() + index * 7919) & 0x7fffffff;
          const rate = ratePerSecond === null ? null : ratePerSecond / threads;
          started.push(new LoadThread(this.grid, { board, players, ratePerSecond: rate, seed }));
        }
      } catch (error) {
        await Promise.all(started.map((thread) => thread.stop()));
        throw error;
      }
      this.request = request;
      this.baseline = baseline;
      this.threads = started;
      return this.status();
    });
  }

  stop(): Promise<LoadStatus> {
    return this.inTurn(async () => {
      await this.stopThreads();
      return this.status();
    });
  }

  /** A board is deleted: nobody plays on it any more, and there is nothing of it to compare. */
  leave(board: string): Promise<void> {
    return this.inTurn(async () => {
      if (this.request.board !== board) return;
      await this.stopThreads();
      this.request = NOTHING;
      this.threads = [];
    });
  }

  status(): LoadStatus {
    const running = this.threads.some((thread) => thread.isRunning);
    const latencies = createBuckets();
    if (running) for (const { report } of this.threads) addBuckets(latencies, report.latencies);
    const failure = this.threads.find((thread) => thread.failure !== undefined)?.failure;
    return {
      running,
      ...this.request,
      acknowledged: sum(this.threads, ({ report }) => report.acknowledged),
      failed: sum(this.threads, ({ report }) => report.failed),
      latency: { p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) },
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /**
   * What was acknowledged to the players against what the board holds of it. The three figures are asked one after the other,
   * acknowledged first and sent last: whatever plays in between, none may be missing and none may be there twice.
   */
  async compare(): Promise<LoadComparison> {
    if (this.request.board === '') return { acknowledged: 0, present: 0, lost: 0, doubled: 0 };
    const acknowledged = await this.total((report) => report.acknowledged);
    const present = (await this.boards.played(this.request.board)) - this.baseline;
    const sent = await this.total((report) => report.sent);
    // A thread that ended by itself has sent more than it could report.
    const known = this.threads.every((thread) => thread.failure === undefined);
    return {
      acknowledged,
      present,
      lost: Math.max(0, acknowledged - present),
      doubled: known ? Math.max(0, present - sent) : 0,
    };
  }

  private async total(figure: (report: LoadReport) => number): Promise<number> {
    return sum(await Promise.all(this.threads.map((thread) => thread.askReport())), figure);
  }

  private async stopThreads(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.stop()));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => undefined);
    return done;
  }
}

function sum<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((total, item) => total + figure(item), 0);
}
