/**
 * The durability thread, as the supervisor has it: started, replaced when it dies, asked. Its successor resumes every outbox
 * at the watermark in the store, so a death loses nothing; until then replies that wait for the disk wait on.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import {
  type BacklogBounds,
  type BackupResult,
  callControl,
  type DurabilityControl,
  type DurabilityOpened,
  type DurabilityStatus,
  type DurabilityThreadData,
  DurabilityUnavailableError,
  Heap,
  handOver,
  releasePin,
} from '@spacegrid/core';
import type { ControlBlock } from '../control/control-block.ts';
import { type GridMemory, workerOf } from '../control/grid-memory.ts';
import type { RecoveryEvent } from './grid-events.ts';
import type { PersistenceThread } from './grid-thread-data.ts';

/** Waits between attempts to start a successor grow to this. */
const RESTART_MS_MAX = 5000;
const RESTART_MS_MIN = 10;
/** Bound: how long closing waits for a successor that is being started. */
const CLOSE_WAIT_MS_MAX = 2000;

interface Running {
  readonly thread: Worker;
  readonly api: DurabilityControl;
  /** Rejects when the thread ends. */
  readonly gone: Promise<never>;
}

export class DurabilityHost {
  private readonly memory: GridMemory;
  private readonly control: ControlBlock;
  private readonly persistence: PersistenceThread;
  private readonly backlog: BacklogBounds;
  private readonly report: (event: RecoveryEvent) => void;
  /** Told when a successor serves. */
  onReplaced: () => void;
  private running: Running | undefined;
  /** Why there is none, while there is none. */
  private absence: string;
  private closing: boolean;
  private hashSeed: number;
  private returned: Promise<void>;

  constructor(
    memory: GridMemory,
    control: ControlBlock,
    persistence: PersistenceThread,
    backlog: BacklogBounds,
    report: (event: RecoveryEvent) => void,
  ) {
    this.memory = memory;
    this.control = control;
    this.persistence = persistence;
    this.backlog = backlog;
    this.report = report;
    this.onReplaced = () => undefined;
    this.running = undefined;
    this.absence = 'it is being started';
    this.closing = false;
    this.hashSeed = 0;
    this.returned = Promise.resolve();
  }

  /** Starts the first thread. Throws what the store says. */
  async open(hashSeed: number): Promise<DurabilityOpened> {
    this.hashSeed = hashSeed;
    const { running, opened } = await this.startThread();
    this.running = running;
    this.hashSeed = opened.identity.hashSeed;
    return opened;
  }

  /** Sends a partition to the worker that loads it; waits for a successor where the thread is gone. */
  async recover(partition: number, port: MessagePort): Promise<void> {
    await this.returned;
    await this.ask((api) => api.recover(partition, handOver(port)));
  }

  /** Lets a worker read rows back through the port; waits for a successor where the thread is gone. */
  async serveRows(port: MessagePort): Promise<void> {
    await this.returned;
    await this.ask((api) => api.serveRows(handOver(port)));
  }

  /** Begins to store what is committed; waits for a successor where the thread is gone. */
  async start(): Promise<void> {
    await this.returned;
    await this.ask((api) => api.start());
  }

  /** Lets a port's other side compare the store; that closes when the thread dies. */
  async verify(port: MessagePort): Promise<void> {
    await this.returned;
    await this.ask((api) => api.verify(handOver(port)));
  }

  backup(directory: string): Promise<BackupResult> {
    return this.ask((api) => api.backup(directory));
  }

  /** Resolves when all that was committed before is on disk, whoever writes it. */
  async flush(): Promise<void> {
    // Bound: one attempt for each thread that dies meanwhile; each successor is waited for with growing pauses.
    for (;;) {
      await this.returned;
      const { running } = this;
      try {
        await this.ask((api) => api.flush());
        return;
      } catch (error) {
        if (this.closing || (running !== undefined && running === this.running)) throw error;
      }
    }
  }

  async status(): Promise<DurabilityStatus> {
    try {
      return await this.ask((api) => api.status());
    } catch (error) {
      return absentStatus(error instanceof Error ? error.message : String(error));
    }
  }

  /** Ends the thread as a fault would. */
  async terminate(): Promise<void> {
    await this.running?.thread.terminate();
  }

  /** Resolves when a thread serves again. */
  get back(): Promise<void> {
    return this.returned;
  }

  /** Rejects with what keeps committed turns from being stored; the thread is gone in any case. */
  async close(): Promise<void> {
    if (this.running === undefined) await this.inTime(this.returned);
    this.closing = true;
    const { running } = this;
    if (running === undefined)
      throw new DurabilityUnavailableError(
        `turns that were committed may not be stored: the durability thread could not be started again: ${this.absence}`,
      );
    try {
      await Promise.race([running.api.close(), running.gone]);
    } finally {
      await running.thread.terminate();
    }
  }

  private async inTime(work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_WAIT_MS_MAX);
    });
    await Promise.race([work, late]);
    clearTimeout(timer);
  }

  private ask<T>(question: (api: DurabilityControl) => Promise<T>): Promise<T> {
    const { running } = this;
    if (running === undefined)
      return Promise.reject(new DurabilityUnavailableError(`the durability thread is not there: ${this.absence}`));
    return Promise.race([question(running.api), running.gone]);
  }

  private async startThread(): Promise<{ readonly running: Running; readonly opened: DurabilityOpened }> {
    const { memory, control, persistence } = this;
    const { shape } = memory;
    const { port1, port2 } = new MessageChannel();
    const data: DurabilityThreadData = {
      identity: { partitions: shape.partitions, hashSeed: this.hashSeed },
      heaps: memory.heaps,
      doorbells: memory.control,
      ownDoorbell: control.doorbell(control.durabilityThread),
      workerDoorbells: memory.heaps.map((_, partition) => control.doorbell(workerOf(partition, shape.workers))),
      backlog: this.backlog,
      pinSlot: control.durabilityThread,
      options: persistence.options,
      controlPort: port2,
    };
    const thread = new Worker(new URL(persistence.threadUrl), {
      workerData: data,
      transferList: [port2],
      name: 'spacegrid-durability',
    });
    const api = callControl<DurabilityControl>(port1);
    let cause = 'terminated';
    thread.on('error', (error: Error) => {
      cause = `${error.name}: ${error.message}`;
    });
    const gone = new Promise<never>((_, reject) => {
      thread.once('exit', () => {
        port1.close();
        reject(new DurabilityUnavailableError(`the durability thread ended: ${cause}`));
        if (this.running?.thread === thread && !this.closing) this.returned = this.replace(cause);
      });
    });
    gone.catch(() => undefined);
    const running = { thread, api, gone };
    try {
      return { running, opened: await Promise.race([api.open(), gone]) };
    } catch (error) {
      await thread.terminate();
      throw error;
    }
  }

  private async startSuccessor(): Promise<Running> {
    const { running } = await this.startThread();
    try {
      await Promise.race([running.api.start(), running.gone]);
    } catch (error) {
      // It may live on, and have the store's lock: the next one would be refused for ever.
      await running.thread.terminate();
      throw error;
    }
    return running;
  }

  private async replace(cause: string): Promise<void> {
    const diedAt = Date.now();
    this.running = undefined;
    this.absence = cause;
    for (const buffer of this.memory.heaps) releasePin(new Heap(buffer), this.control.durabilityThread);
    // Bound: the pauses grow to RESTART_MS_MAX, and end when the grid closes.
    for (let pauseMs = RESTART_MS_MIN; !this.closing; pauseMs = Math.min(RESTART_MS_MAX, pauseMs * 2)) {
      try {
        this.running = await this.startSuccessor();
        this.onReplaced();
        this.report({ kind: 'durability', thread: 0, diedAt, recoveredAfterMs: Date.now() - diedAt, cause });
        return;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (this.absence !== message)
          this.report({ kind: 'durability', thread: 0, diedAt, recoveredAfterMs: -1, cause: message });
        this.absence = message;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }
}

function absentStatus(reason: string): DurabilityStatus {
  return {
    health: 'failed',
    reason,
    unpersistedBytes: 0,
    unpersistedAgeMs: 0,
    lastFlushAt: 0,
    lastFlushMs: 0,
    flushes: 0,
    foldLagBytes: 0,
    journalBytes: 0,
    rowBytes: 0,
    quarantined: [],
    quarantinedCount: 0,
    filesSetAside: 0,
    errors: [{ occurredAt: Date.now(), code: 'UNEXPECTED', message: reason }],
  };
}
