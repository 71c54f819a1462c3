/** Once a second: what the page's charts and cells show, from the grid's counters. */
import type { Grid, GridStats } from '@spacegrid/actors';
import type { LoadController, LoadStatus } from '../load/load-controller.ts';

export interface Sample {
  readonly workers: readonly {
    readonly worker: number;
    readonly state: string;
    readonly incarnation: number;
    readonly commandsPerSecond: number;
    readonly busyShare: number;
  }[];
  readonly partitions: readonly {
    readonly partition: number;
    readonly worker: number;
    readonly sequence: number;
    readonly unpersisted: number;
    readonly usedBytes: number;
  }[];
  readonly durability: {
    readonly health: string;
    readonly unpersistedBytes: number;
    readonly flushMs: number;
    readonly journalBytes: number;
    readonly rowBytes: number;
  };
  readonly throughput: { readonly submitsPerSecond: number; readonly peeksPerSecond: number };
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
  readonly load: LoadStatus;
  readonly recoveries: GridStats['recoveries'];
}

const PERIOD_MS = 1000;
const LISTENERS_MAX = 200;

export class Sampler {
  /** The last sample; undefined before the first. */
  latest: Sample | undefined;
  private readonly grid: Grid;
  private readonly load: LoadController;
  private readonly listeners = new Set<(sample: Sample) => void>();
  private readonly timer: NodeJS.Timeout;
  private before: { readonly at: number; readonly stats: GridStats } | undefined;

  constructor(grid: Grid, load: LoadController) {
    this.grid = grid;
    this.load = load;
    this.timer = setInterval(() => void this.take(), PERIOD_MS);
  }

  /** Told of every sample until the returned function is called. False when there are too many already. */
  listen(listener: (sample: Sample) => void): (() => void) | false {
    if (this.listeners.size >= LISTENERS_MAX) return false;
    this.listeners.add(listener);
    if (this.latest !== undefined) listener(this.latest);
    return () => this.listeners.delete(listener);
  }

  stop(): void {
    clearInterval(this.timer);
    this.listeners.clear();
  }

  private async take(): Promise<void> {
    // Nobody looks: an idle demo stays idle.
    if (this.listeners.size === 0) {
      this.before = undefined;
      return;
    }
    let stats: GridStats;
    try {
      stats = await this.grid.stats();
    } catch {
      // The grid is closing; the last sample stands.
      return;
    }
    const at = performance.now();
    const before = this.before;
    this.before = { at, stats };
    if (before !== undefined) this.publish(sampleOf(before.stats, stats, (at - before.at) / 1000, this.load.status()));
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
    };
  });
  return {
    workers,
    partitions: now.partitions.map(({ partition, worker, sequence, durableSequence, usedBytes }) => ({
      partition,
      worker,
      sequence,
      unpersisted: sequence - durableSequence,
      usedBytes,
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
