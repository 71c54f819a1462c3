/**
 * The thread that verifies, as the supervisor has it: started for one run, ended after it, so that nothing is there while nobody
 * asks. It passes on what the thread asks of partition threads and the durability thread.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import {
  Heap,
  InvalidOptionError,
  releasePin,
  serveControl,
  VerifyFailedError,
  VerifyRunningError,
} from '@spacegrid/core';
import type { ControlBlock } from '../control/control-block.ts';
import { type GridMemory, workerOf } from '../control/grid-memory.ts';
import type { WorkerApi } from '../runtime/worker-api.ts';
import type { DurabilityHost } from '../supervise/durability-host.ts';
import type { GridSettings } from '../supervise/grid-thread-data.ts';
import { threadModule } from '../supervise/thread-module.ts';
import type { MendChoice } from './partition-verify.ts';
import type { VerifyReport, VerifyStats } from './verify-report.ts';
import type { VerifyServices, VerifyThreadData } from './verify-services.ts';

type AskWorker = <T>(worker: number, question: (api: WorkerApi) => Promise<T>) => Promise<T>;

export class VerifyHost {
  stats: VerifyStats;
  private readonly memory: GridMemory;
  private readonly control: ControlBlock;
  private readonly settings: () => GridSettings;
  private readonly durability: DurabilityHost | undefined;
  private readonly askWorker: AskWorker;
  private thread: Worker | undefined;

  constructor(
    memory: GridMemory,
    control: ControlBlock,
    settings: () => GridSettings,
    durability: DurabilityHost | undefined,
    askWorker: AskWorker,
  ) {
    this.memory = memory;
    this.control = control;
    this.settings = settings;
    this.durability = durability;
    this.askWorker = askWorker;
    this.thread = undefined;
    this.stats = { runs: 0, lastAt: 0, lastMs: 0, lastFound: 0, lastRepaired: 0, found: 0, repaired: 0 };
  }

  /** Rejects with VERIFY_RUNNING, VERIFY_FAILED. */
  async run(choice: MendChoice): Promise<VerifyReport> {
    const { durability } = this;
    if (durability === undefined)
      throw new InvalidOptionError('the grid has no persistence to compare its memory with');
    if (this.thread !== undefined) throw new VerifyRunningError('the grid is being verified already');
    const { port1, port2 } = new MessageChannel();
    serveControl(port1, this.services(durability));
    const data: VerifyThreadData = {
      memory: this.memory,
      settings: this.settings(),
      pinSlot: this.control.verifyThread,
      choice,
      port: port2,
    };
    const thread = new Worker(threadModule(import.meta.url, './verify-thread'), {
      workerData: data,
      transferList: [port2],
      name: 'spacegrid-verify',
    });
    this.thread = thread;
    try {
      const report = await reportOf(thread);
      this.note(report);
      return report;
    } finally {
      await thread.terminate();
      port1.close();
      for (const buffer of this.memory.heaps) releasePin(new Heap(buffer), this.control.verifyThread);
      this.thread = undefined;
    }
  }

  async stop(): Promise<void> {
    await this.thread?.terminate();
  }

  private services(durability: DurabilityHost): VerifyServices {
    const { workers } = this.memory.shape;
    return {
      store: (port) => durability.verify(port),
      shapeNumbers: (partition) => this.askWorker(workerOf(partition, workers), (api) => api.shapeNumbers(partition)),
      judge: (question) => this.askWorker(workerOf(question.partition, workers), (api) => api.judge(question)),
      mend: (mending) => this.askWorker(workerOf(mending.partition, workers), (api) => api.mend(mending)),
    };
  }

  private note({ startedAt, durationMs, found, repaired }: VerifyReport): void {
    const { stats } = this;
    this.stats = {
      runs: stats.runs + 1,
      lastAt: startedAt,
      lastMs: durationMs,
      lastFound: found,
      lastRepaired: repaired,
      found: stats.found + found,
      repaired: stats.repaired + repaired,
    };
  }
}

function reportOf(thread: Worker): Promise<VerifyReport> {
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', (cause: Error) => {
      const message = `memory and store could not be compared to the end: ${cause.message}`;
      reject(new VerifyFailedError(message, { cause }));
    });
    thread.once('exit', () => reject(new VerifyFailedError('the thread that verifies was ended')));
  });
}
