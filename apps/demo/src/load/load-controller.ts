/** Starts and stops simulated players, and keeps account of what was acknowledged to them. */
import { Worker } from 'node:worker_threads';
import type { Grid } from '@spacegrid/actors';
import type { Boards } from '../grid/boards.ts';
import type { LoadReport, LoadThreadData } from './load-messages.ts';

export interface LoadStatus {
  readonly running: boolean;
  readonly board: string;
  readonly ratePerSecond: number | null;
  readonly players: number;
  /** Points acknowledged since the load was started. */
  readonly acknowledged: number;
  readonly failed: number;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
}

export interface LoadRequest {
  readonly board: string;
  readonly ratePerSecond: number | null;
  readonly players: number;
}

const STOP_MS_MAX = 4000;
const IDLE: LoadReport = { acknowledged: 0, failed: 0, submits: 0, p50Ms: 0, p99Ms: 0, ended: true };
const NO_REQUEST: LoadRequest = { board: '', ratePerSecond: null, players: 0 };

export class LoadController {
  private readonly grid: Grid;
  private readonly boards: Boards;
  private thread: Worker | undefined;
  private ended: Promise<void>;
  private request: LoadRequest;
  private report: LoadReport;
  private baseline: number;

  constructor(grid: Grid, boards: Boards) {
    this.grid = grid;
    this.boards = boards;
    this.thread = undefined;
    this.ended = Promise.resolve();
    this.request = NO_REQUEST;
    this.report = IDLE;
    this.baseline = 0;
  }

  async start(request: LoadRequest): Promise<LoadStatus> {
    await this.stop();
    await this.boards.register(request.board);
    this.request = request;
    this.report = { ...IDLE, ended: false };
    this.baseline = await this.boards.played(request.board);
    const handle = this.grid.handle();
    const data: LoadThreadData = { grid: handle, ...request, seed: Date.now() & 0x7fffffff };
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const thread = new Worker(new URL(`./player-thread.${extension}`, import.meta.url), {
      workerData: data,
      transferList: [...handle.transferList],
    });
    this.thread = thread;
    thread.on('message', (report: LoadReport) => {
      this.report = report;
    });
    this.ended = new Promise((resolve) => {
      thread.once('exit', () => {
        if (this.thread === thread) this.thread = undefined;
        resolve();
      });
    });
    thread.on('error', () => undefined);
    return this.status();
  }

  async stop(): Promise<LoadStatus> {
    const { thread } = this;
    if (thread !== undefined) {
      thread.postMessage('stop');
      const late = setTimeout(() => void thread.terminate(), STOP_MS_MAX);
      await this.ended;
      clearTimeout(late);
    }
    return this.status();
  }

  /** The players leave a board that is to be deleted: they would make it anew. */
  async leave(board: string): Promise<void> {
    if (this.request.board !== board) return;
    await this.stop();
    this.request = NO_REQUEST;
    this.report = IDLE;
  }

  status(): LoadStatus {
    const { report, request } = this;
    return {
      running: this.thread !== undefined,
      board: request.board,
      ratePerSecond: request.ratePerSecond,
      players: request.players,
      acknowledged: report.acknowledged,
      failed: report.failed,
      latency: this.thread === undefined ? { p50Ms: 0, p99Ms: 0 } : { p50Ms: report.p50Ms, p99Ms: report.p99Ms },
    };
  }

  /** Points acknowledged to the players, and those that the board holds of them: asked in this order, so none may be missing. */
  async compare(): Promise<{ readonly acknowledged: number; readonly present: number; readonly lost: number }> {
    const { acknowledged } = this.report;
    if (this.request.board === '') return { acknowledged: 0, present: 0, lost: 0 };
    const present = (await this.boards.played(this.request.board)) - this.baseline;
    return { acknowledged, present, lost: Math.max(0, acknowledged - present) };
  }
}
