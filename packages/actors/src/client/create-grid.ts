/** Starts a grid: shared memory, the supervisor thread and what it starts, and this thread as a client. */
import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import {
  ClientsExhaustedError,
  durableSequence,
  GridClosedError,
  InvalidArgumentError,
  GridError,
  Heap,
  InvalidOptionError,
  StartFailedError,
  callControl,
  handOver,
  isGridError,
} from '@spacegrid/core';
import { ControlBlock, WORKER_FAILED, WORKER_SERVING } from '../control/control-block.ts';
import { readAskTimes } from './ask-times.ts';
import { readCounters } from '../control/counters.ts';
import { createGridMemory, type GridMemory, workerOf } from '../control/grid-memory.ts';
import { type ActorType, fingerprint } from '../define/actor-type.ts';
import { loadDefinitions, refuseWhileLoading } from '../define/load-definitions.ts';
import { type GridOptions, type ResolvedGridOptions, resolveGridOptions } from '../supervise/grid-options.ts';
import type { GridSettings, SupervisorData } from '../supervise/grid-thread-data.ts';
import type { SupervisorApi, SupervisorNews, SupervisorStatus } from '../supervise/supervisor-api.ts';
import { threadModule } from '../supervise/thread-module.ts';
import type { HandleContents } from './attach-grid.ts';
import type { Grid, GridHandle } from './grid.ts';
import type { GridHealth, GridStats } from './grid-stats.ts';
import { GridNews } from './grid-news.ts';
import { LocalClient } from './local-client.ts';
import { SupervisorHost } from './supervisor-host.ts';
import type { WaitOptions } from './call-options.ts';
import { resolveVerifyOptions } from '../verify/resolve-verify-options.ts';
import type { VerifyOptions, VerifyReport } from '../verify/verify-report.ts';
import { waitFor } from './wait-for.ts';
import { WorkerDepths } from './worker-depths.ts';

/** A handle that was dropped gives its slot back, unless its port has gone to another thread: closing does nothing then. */
const forgottenHandles = new FinalizationRegistry<MessagePort>((port) => port.close());

const WORKER_STATES = ['down', 'recovering', 'serving', 'failed'] as const;

/**
 * Starts a grid in this process and resolves when every partition serves. Throws InvalidOptionError, InvalidDefinitionError,
 * CreateInWorkerError, and what the store has to say: STORE_LOCKED, STORE_IDENTITY, STORE_CORRUPT, SCHEMA_VERSION.
 */
export async function createGrid(given: GridOptions): Promise<Grid> {
  refuseWhileLoading();
  const options = resolveGridOptions(given);
  const types = await loadDefinitions(options.actors.href);
  refuseUnmetAcks(types, options.persistence !== undefined);
  refuseUnloading(types, options.persistence !== undefined);
  const memory = createMemory(options);
  const settings: GridSettings = {
    actorsModule: options.actors.href,
    fingerprint: fingerprint(types),
    hashSeed: randomInt(2 ** 31),
    ack: options.ack,
    persistent: options.persistence !== undefined,
    callTimeoutMs: options.callTimeout,
    blockedHandlerMs: options.blockedHandler,
    backlogBytesMax: options.backlog,
    backlogAgeMaxMs: options.backlogAge,
    changeSetBytesMax: options.changeSet,
    onceWindowMs: options.onceWindow,
    poolThreads: options.poolThreads,
    memoryBytesMax: options.memory,
  };
  const { persistence } = options;
  const { port1, port2 } = new MessageChannel();
  const data: SupervisorData = {
    memory,
    settings,
    persistence:
      persistence === undefined ? undefined : { threadUrl: persistence.threadUrl.href, options: persistence.options },
    port: port2,
  };
  const thread = new Worker(threadModule(import.meta.url, '../supervise/supervisor'), {
    workerData: data,
    transferList: [port2],
    name: 'spacegrid-supervisor',
  });
  const news = new GridNews(types, options.logger);
  thread.on('message', (event: SupervisorNews) => news.take(event));
  const supervisor = new SupervisorHost(thread, callControl<SupervisorApi>(port1), port1);
  let started: { readonly hashSeed: number };
  try {
    started = await supervisor.ask((api) => api.start());
  } catch (error) {
    await supervisor.end();
    throw asStartError(error);
  }
  supervisor.unref();
  return new LocalGrid(memory, { ...settings, hashSeed: started.hashSeed }, types, supervisor, news);
}

class LocalGrid implements Grid {
  private readonly memory: GridMemory;
  private readonly settings: GridSettings;
  private readonly local: LocalClient;
  private readonly supervisor: SupervisorHost;
  private readonly news: GridNews;
  private readonly control: ControlBlock;
  private readonly heaps: readonly Heap[];
  private readonly depths: WorkerDepths;
  private closing: Promise<void> | undefined;

  constructor(
    memory: GridMemory,
    settings: GridSettings,
    types: ConstructorParameters<typeof LocalClient>[2],
    supervisor: SupervisorHost,
    news: GridNews,
  ) {
    this.memory = memory;
    this.settings = settings;
    this.control = new ControlBlock(memory.control, memory.shape);
    this.local = new LocalClient(memory, settings, types, this.control.mainThread);
    this.supervisor = supervisor;
    this.news = news;
    this.heaps = memory.heaps.map((buffer) => new Heap(buffer));
    this.depths = new WorkerDepths(memory);
    this.closing = undefined;
  }

  /** In a log: not the shared memory. */
  [inspect.custom](): string {
    const { partitions, workers } = this.memory.shape;
    return `Grid(${partitions} partitions, ${workers} workers)`;
  }

  actor: Grid['actor'] = (definition, key) => this.local.actor(definition, key);

  reached: Grid['reached'] = (receipt, level, options) => this.local.reached(receipt, level, options);

  handle(): GridHandle {
    this.refuseWhenClosed();
    const slot = this.control.claimClient();
    if (slot < 0)
      throw new ClientsExhaustedError(
        'all client threads are taken: raise clientThreads, or close the grid in threads that need it no more',
      );
    const { port1, port2 } = new MessageChannel();
    // Where the supervisor is gone nobody serves the handle, as its calls will tell.
    this.supervisor.ask((api) => api.attachClient(slot, handOver(port1))).catch(() => port2.close());
    const { hashSeed, callTimeoutMs, persistent, actorsModule } = this.settings;
    const contents: HandleContents = {
      memory: this.memory,
      settings: { hashSeed, callTimeoutMs, persistent },
      actorsModule,
      slot,
      port: port2,
    };
    forgottenHandles.register(contents, port2);
    return { spacegrid: contents, transferList: [port2] };
  }

  async stats(): Promise<GridStats> {
    this.refuseWhenClosed();
    const status = await this.supervisor.ask((api) => api.status());
    const { shape } = this.memory;
    const partitions = this.heaps.map((heap, partition) => {
      const durable = status.durability === undefined ? undefined : durableSequence(heap);
      const sequence = heap.sequence();
      // What the worker has noted is a round old: when everything is durable it has just not looked again.
      const behind = durable !== undefined && durable < sequence;
      return {
        partition,
        worker: workerOf(partition, shape.workers),
        sequence,
        durableSequence: durable ?? sequence,
        unpersistedBytes: behind ? this.control.unpersistedBytes(partition) : 0,
        waiting: behind ? this.control.waiting(partition) : 0,
        usedBytes: heap.usedBytes(),
      };
    });
    return {
      workers: status.workers.map((worker) => ({
        worker: worker.worker,
        state: WORKER_STATES[worker.state] ?? 'down',
        incarnation: worker.incarnation,
        heapBytes: worker.heapBytes,
        ...this.depths.of(worker.worker),
        counters: readCounters(this.control, worker.worker),
      })),
      partitions,
      clients: Array.from({ length: shape.clients - shape.workers }, (_, index) => shape.workers + index)
        .filter((client) => this.control.clientState(client) !== 0)
        .map((client) => ({
          client,
          counters: readCounters(this.control, client),
          askTimes: readAskTimes(this.control, client),
        })),
      recoveries: status.recoveries,
      blocked: [...this.news.blocked],
      verify: status.verify,
      durability: status.durability && {
        ...status.durability,
        unpersistedBytes: partitions.reduce((sum, partition) => sum + partition.unpersistedBytes, 0),
      },
    };
  }

  async health(): Promise<GridHealth> {
    if (this.closing !== undefined) return { status: 'unavailable', reasons: ['the grid is closed'] };
    if (this.supervisor.isGone) return { status: 'unavailable', reasons: ['the supervisor thread ended'] };
    return healthOf(await this.supervisor.ask((api) => api.status()));
  }

  async flush(options: WaitOptions = {}): Promise<void> {
    this.refuseWhenClosed();
    await waitFor('flush', options, () => this.supervisor.ask((api) => api.flush()));
  }

  async backup(directory: string, options: WaitOptions = {}): Promise<void> {
    this.refuseWhenClosed();
    if (typeof directory !== 'string' || directory === '')
      throw new InvalidArgumentError(`backup takes the folder to copy to: got ${inspect(directory)}`);
    await waitFor('backup', options, () => this.supervisor.ask((api) => api.backup(directory)));
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    this.refuseWhenClosed();
    const choice = resolveVerifyOptions(options);
    if (!this.settings.persistent)
      throw new InvalidOptionError('the grid has no persistence to compare its memory with: give createGrid one');
    const { timeout, signal } = options;
    try {
      const wait = { ...(timeout === undefined ? {} : { timeout }), ...(signal === undefined ? {} : { signal }) };
      return await waitFor('verify', wait, () => this.supervisor.ask((api) => api.verify(choice)));
    } catch (error) {
      if (isGridError(error, 'ABORTED') || isGridError(error, 'TIMEOUT'))
        await this.supervisor.ask((api) => api.stopVerify());
      throw error;
    }
  }

  async terminateWorker(worker: number): ReturnType<Grid['terminateWorker']> {
    this.refuseWhenClosed();
    return this.supervisor.ask((api) => api.terminateWorker(worker));
  }

  async terminateDurability(): Promise<void> {
    this.refuseWhenClosed();
    await this.supervisor.ask((api) => api.terminateDurability());
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async shutDown(): Promise<void> {
    this.local.thread.flush();
    try {
      await this.supervisor.ask((api) => api.close());
    } finally {
      while (this.local.thread.poll());
      this.local.close();
      await this.supervisor.end();
    }
  }

  private refuseWhenClosed(): void {
    if (this.closing !== undefined) throw new GridClosedError('the grid is closed');
  }
}

function createMemory(options: ResolvedGridOptions): GridMemory {
  const { clientThreads, partitionBytes, partitions, ringBytes, workers } = options;
  try {
    return createGridMemory({
      partitions,
      workers,
      clients: workers + 1 + clientThreads,
      heapBytesMax: partitionBytes,
      ringBytes,
    });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new StartFailedError(
      `there is no address space for ${partitions} partitions of up to ${partitionBytes} bytes: lower partitionBytes or partitions, or raise the limit of the process (ulimit -v)`,
      { cause },
    );
  }
}

function refuseUnmetAcks(types: readonly ActorType[], persistent: boolean): void {
  for (const { name, options } of types) {
    const { ack } = options;
    if (ack === 'durable' && !persistent) {
      throw new InvalidOptionError(
        `actor ${name} is acknowledged when it is durable, and the grid has no persistence: give createGrid one`,
      );
    }
    if (ack === 'replicated' || ack === 'durable-all')
      throw new InvalidOptionError(`actor ${name} has the ack level '${ack}', which needs a cluster`);
  }
}

function refuseUnloading(types: readonly ActorType[], persistent: boolean): void {
  const unloading = types.find((type) => type.unloads);
  if (unloading === undefined || persistent) return;
  throw new InvalidOptionError(
    `createGrid: persistence is not given, and actor ${unloading.name} has whenIdle: 'unload', which needs a store to unload to: give createGrid persistence, or let the actor keep its state (whenIdle: 'keep')`,
  );
}

function healthOf(status: SupervisorStatus): GridHealth {
  const reasons: string[] = [];
  const failedWorkers = status.workers.filter((worker) => worker.state === WORKER_FAILED);
  for (const { worker } of failedWorkers) reasons.push(`worker ${worker} keeps dying and is not restarted`);
  for (const { worker, state } of status.workers) {
    if (state !== WORKER_SERVING && state !== WORKER_FAILED) reasons.push(`worker ${worker} is being restarted`);
  }
  const { durability } = status;
  if (durability !== undefined && durability.health !== 'healthy')
    reasons.push(durability.reason ?? `the store is ${durability.health}`);
  if (durability !== undefined && durability.quarantinedCount > 0)
    reasons.push(`${durability.quarantinedCount} rows can't be folded and stay in the journal`);
  if (durability !== undefined && durability.filesSetAside > 0)
    reasons.push(`${durability.filesSetAside} files of the store failed a write and were replaced: look at the disk`);
  const { lastFound, lastRepaired } = status.verify;
  if (lastFound > lastRepaired)
    reasons.push(
      `the last verify left ${lastFound - lastRepaired} of ${lastFound} differences between memory and store`,
    );
  if (status.quarantined.length > 0) reasons.push(`${status.quarantined.length} actors are set aside`);
  if (reasons.length === 0) return { status: 'ready', reasons };
  return { status: failedWorkers.length > 0 || durability?.health === 'failed' ? 'unavailable' : 'degraded', reasons };
}

function asStartError(error: unknown): unknown {
  if (error instanceof GridError) return error;
  return new StartFailedError(`the grid did not start: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
