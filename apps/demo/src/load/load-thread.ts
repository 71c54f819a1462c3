/** A thread of simulated players, seen from the main thread. */
import { Worker } from 'node:worker_threads';
import type { Grid } from '@spacegrid/actors';
import { createBuckets } from './latency-buckets.ts';
import type { LoadOrder, LoadReport, LoadThreadData } from './load-messages.ts';

const STOP_MS_MAX = 4000;
const REPORT_MS_MAX = 2000;

export class LoadThread {
  /** The last one. */
  report: LoadReport;
  isRunning: boolean;
  /** Why it ended by itself; nothing of what it was told since the last report is known then. */
  failure: string | undefined;
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private readonly asked: Map<number, () => void>;
  private reportsAsked: number;

  constructor(grid: Grid, settings: Omit<LoadThreadData, 'grid'>) {
    this.report = { id: 0, acknowledged: 0, sent: 0, failed: 0, latencies: createBuckets() };
    this.isRunning = true;
    this.failure = undefined;
    this.asked = new Map();
    this.reportsAsked = 0;
    const handle = grid.handle();
    const data: LoadThreadData = { ...settings, grid: handle };
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.worker = new Worker(new URL(`./player-thread.${extension}`, import.meta.url), {
      workerData: data,
      transferList: [...handle.transferList],
      name: 'demo-players',
    });
    this.worker.on('message', (report: LoadReport) => {
      this.report = report;
      this.asked.get(report.id)?.();
    });
    this.worker.on('error', (error) => {
      this.failure = error instanceof Error ? error.message : String(error);
    });
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        this.isRunning = false;
        for (const settle of this.asked.values()) settle();
        resolve();
      });
    });
  }

  /** A report of now. Of a thread that has ended, or does not answer for long: the last one. */
  async askReport(): Promise<LoadReport> {
    if (!this.isRunning) return this.report;
    const id = ++this.reportsAsked;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, REPORT_MS_MAX);
      this.asked.set(id, () => {
        clearTimeout(late);
        resolve();
      });
      this.order({ kind: 'report', id });
    });
    this.asked.delete(id);
    return this.report;
  }

  /** Resolves when it has ended: when all that was under way is answered, or after four seconds. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.order({ kind: 'stop' });
    const late = setTimeout(() => {
      this.failure ??= 'a thread of players did not end in time';
      void this.worker.terminate();
    }, STOP_MS_MAX);
    await this.ended;
    clearTimeout(late);
  }

  private order(order: LoadOrder): void {
    this.worker.postMessage(order);
  }
}
