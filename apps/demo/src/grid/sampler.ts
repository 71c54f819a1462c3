/** Once a second: what the page's charts and cells show, from the grid's counters. */
import { isGridError, type Grid, type GridStats } from '@spacegrid/actors';
import type { LoadStatus, Sample } from '../http/answers.ts';
import type { LoadController } from '../load/load-controller.ts';

const PERIOD_MS = 1000;

export class Sampler {
  private readonly grid: Grid;
  private readonly load: LoadController;
  /** Bound: one for each open event stream. */
  private readonly listeners = new Set<(sample: Sample) => void>();
  private timer: NodeJS.Timeout | undefined;
  private taking = false;
  private latest: Sample | undefined;
  private before: { readonly at: number; readonly stats: GridStats } | undefined;

  constructor(grid: Grid, load: LoadController) {
    this.grid = grid;
    this.load = load;
  }

  /** Told of every sample until the returned function is called. Nothing is sampled while nobody listens. */
  listen(listener: (sample: Sample) => void): () => void {
    this.listeners.add(listener);
    if (this.latest !== undefined) listener(this.latest);
    if (this.timer === undefined) {
      this.timer = setInterval(() => void this.take(), PERIOD_MS);
      void this.take();
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.stop();
    };
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.latest = undefined;
    this.before = undefined;
    this.listeners.clear();
  }

  private async take(): Promise<void> {
    if (this.taking) return;
    this.taking = true;
    try {
      const stats = await this.grid.stats();
      if (this.timer === undefined) return;
      const at = performance.now();
      const before = this.before ?? { at: at - PERIOD_MS, stats };
      this.before = { at, stats };
      this.publish(sampleOf(before.stats, stats, (at - before.at) / 1000, this.load.status()));
    } catch (error) {
      // While the grid closes there is nothing to sample; the page sees its stream end.
      if (!isGridError(error)) throw error;
    } finally {
      this.taking = false;
    }
  }

  private publish(sample: Sample): void {
    this.latest = sample;
    for (const listener of this.listeners) listener(sample);
  }
}

function sampleOf(before: GridStats, now: GridStats, seconds: number, load: LoadStatus): Sample {
  const peeks = (stats: GridStats): number => stats.clients.reduce((sum, client) => sum + client.counters.peeks, 0);
  const workers = now.workers.map((worker, index) => {
    const last = before.workers[index]?.counters ?? worker.counters;
    return {
      worker: worker.worker,
      state: worker.state,
      incarnation: worker.incarnation,
      commandsPerSecond: Math.round(difference(worker.counters.commands, last.commands) / seconds),
      busyShare: Math.min(1, difference(worker.counters.busyMicros, last.busyMicros) / 1e6 / seconds),
      depth: worker.depth,
      depthBytes: worker.depthBytes,
    };
  });
  return {
    workers,
    partitions: now.partitions.map(({ durableSequence, ...partition }) => ({
      ...partition,
      unpersisted: partition.sequence - durableSequence,
    })),
    durability: {
      health: now.durability?.health ?? 'none',
      unpersistedBytes: now.durability?.unpersistedBytes ?? 0,
      flushMs: now.durability?.lastFlushMs ?? 0,
      journalBytes: now.durability?.journalBytes ?? 0,
      rowBytes: now.durability?.rowBytes ?? 0,
    },
    throughput: {
      submitsPerSecond: workers.reduce((sum, worker) => sum + worker.commandsPerSecond, 0),
      peeksPerSecond: Math.max(0, Math.round((peeks(now) - peeks(before)) / seconds)),
    },
    latency: load.latency,
    load,
    recoveries: now.recoveries.slice(-10),
  };
}

/** Counters wrap at 2³². */
function difference(now: number, before: number): number {
  return (now - before) >>> 0;
}
