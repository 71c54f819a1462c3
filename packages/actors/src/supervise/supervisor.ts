/**
 * The supervisor thread: starts the durability thread and the partition workers, and replaces those that die. No user code
 * runs here, so nothing a handler does can keep it from noticing.
 *
 * A successor starts only after its predecessor's `exit` event: two writers of a heap must never be. Deaths in quick
 * succession are backed off; a worker that keeps dying is given up and its partitions answer WORKER_UNAVAILABLE.
 */
import { MessageChannel, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  CallTimeoutError,
  Doorbell,
  Heap,
  InvalidOptionError,
  releasePin,
  callControl,
  handOver,
  serveControl,
  WorkerUnavailableError,
} from '@spacegrid/core';
import {
  ControlBlock,
  GRID_CLOSED,
  GRID_CLOSING,
  GRID_RUNNING,
  WORKER_DOWN,
  WORKER_FAILED,
  WORKER_RECOVERING,
  WORKER_SERVING,
} from '../control/control-block.ts';
import { clearRunning, readRunning } from '../runtime/running-mark.ts';
import type { WorkerApi } from '../runtime/worker-api.ts';
import { VerifyHost } from '../verify/verify-host.ts';
import { BlockedWatch } from './blocked-watch.ts';
import { DurabilityHost } from './durability-host.ts';
import type { RecoveryEvent, UnheardEvent } from './grid-events.ts';
import type { PartitionWorkerData, SupervisorData } from './grid-thread-data.ts';
import { Quarantine } from './quarantine.ts';
import type { SupervisorApi, SupervisorNews, SupervisorStatus } from './supervisor-api.ts';
import { threadModule } from './thread-module.ts';

const data = workerData as SupervisorData;
const { memory, persistence } = data;
let { settings } = data;
const control = new ControlBlock(memory.control, memory.shape);
const heaps = memory.heaps.map((buffer) => new Heap(buffer));

const RESTARTS_IN_A_MINUTE_MAX = 20;
const EVENTS_KEPT_MAX = 100;
const ASK_AGAIN_MS = 5;
/** Bound: how long closing waits for handlers that run; then their callers get OutcomeUnknownError. */
const DRAIN_MS_MAX = 4000;
/** Bound: how long closing waits for the store after that. */
const STORE_CLOSE_MS_MAX = 30_000;

interface Hosted {
  thread: Worker | undefined;
  api: WorkerApi | undefined;
  restarts: number[];
  serving: Promise<void>;
  /** Resolves when the running thread has ended. */
  gone: Promise<undefined>;
  /** The running thread is being ended on request: nobody is to blame. */
  ending: boolean;
  /** Told of the next recovery, or that there is none. */
  waiting: ((event: RecoveryEvent) => void)[];
}

const durability =
  persistence === undefined
    ? undefined
    : new DurabilityHost(
        memory,
        control,
        persistence,
        { bytesMax: settings.backlogBytesMax, ageMaxMs: settings.backlogAgeMaxMs },
        (event) => report(event),
      );
if (durability !== undefined) {
  durability.onReplaced = () => {
    for (let worker = 0; worker < hosted.length; worker++) void linkToStore(worker);
  };
}
const blocked = new BlockedWatch(control, memory, settings.blockedHandlerMs, (event) =>
  tell({ kind: 'blocked', ...event }),
);
const verification = new VerifyHost(memory, control, () => settings, durability, askWorker);
let closing = false;
const hosted: Hosted[] = [];
const events: RecoveryEvent[] = [];
const quarantine = new Quarantine();
const attached = new Map<number, MessagePort>();

/** @param mayServe resolves when the worker, which is ready to, may begin. */
async function startWorker(
  worker: number,
  suspectFrame: number,
  mayServe: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const entry = hosted[worker] as Hosted;
  control.setWorkerState(worker, WORKER_RECOVERING);
  const incarnation = control.raiseIncarnation(worker);
  const { port1, port2 } = new MessageChannel();
  const threadData: PartitionWorkerData = {
    worker,
    incarnation,
    memory,
    settings,
    suspectFrame,
    quarantined: quarantine.list(),
    port: port2,
  };
  const thread = new Worker(threadModule(import.meta.url, '../runtime/partition-worker'), {
    workerData: threadData,
    transferList: [port2],
    name: `spacegrid-worker-${worker}`,
  });
  const api = callControl<WorkerApi>(port1);
  entry.thread = thread;
  entry.api = api;
  let cause = 'terminated';
  thread.on('error', (error: Error) => {
    cause = `${error.name}: ${error.message}`;
  });
  thread.on('message', (news: UnheardEvent) => {
    // Handlers share the thread's port with us.
    if (news?.kind === 'unheard') tell(news);
  });
  const gone = new Promise<never>((_, reject) => {
    thread.once('exit', () => {
      port1.close();
      reject(new Error(`worker ${worker} ended: ${cause}`));
      if (!closing) void replaceWorker(worker, cause);
    });
  });
  entry.gone = gone.catch(() => undefined);
  await Promise.race([recoverPartitions(worker, api, mayServe), gone]);
  control.setWorkerState(worker, WORKER_SERVING);
  void linkToStore(worker);
}

/** Loads what the store holds into heaps that are new, then lets the worker serve. */
async function recoverPartitions(worker: number, api: WorkerApi, mayServe: () => Promise<void>): Promise<void> {
  const fresh = await api.attach();
  if (durability !== undefined) {
    for (const partition of fresh) {
      const { port1, port2 } = new MessageChannel();
      await Promise.all([api.load(partition, handOver(port1)), durability.recover(partition, port2)]);
    }
  }
  await api.takeOver();
  await mayServe();
  await api.serve();
}

/**
 * Gives a worker its way to the store, from which it reads actors back. When one of the two threads dies over it, whoever replaces
 * that one comes here again.
 */
async function linkToStore(worker: number): Promise<void> {
  const { api } = hosted[worker] as Hosted;
  if (durability === undefined || api === undefined) return;
  const { port1, port2 } = new MessageChannel();
  try {
    await durability.serveRows(port2);
    // It takes it when it has something to ask: then its event loop runs.
    await api.useStore(handOver(port1));
  } catch {
    port1.close();
    port2.close();
  }
}

async function replaceWorker(worker: number, cause: string): Promise<void> {
  const entry = hosted[worker] as Hosted;
  const diedAt = Date.now();
  control.setWorkerState(worker, WORKER_DOWN);
  const running = readRunning(control, worker, memory);
  const asked = entry.ending;
  entry.ending = false;
  if (running !== undefined && !asked && quarantine.blame(running, diedAt))
    tell({ kind: 'quarantine', worker, ...running, seenAt: diedAt });
  clearRunning(control, worker);
  wakeAll();
  for (const heap of heaps) releasePin(heap, worker);
  entry.restarts = entry.restarts.filter((at) => diedAt - at < 60_000);
  if (entry.restarts.length >= RESTARTS_IN_A_MINUTE_MAX && !asked) {
    control.setWorkerState(worker, WORKER_FAILED);
    letGoForFailed();
    // Their calls to it fail now, and do not wait for their deadlines.
    wakeAll();
    report({ kind: 'worker', thread: worker, diedAt, recoveredAfterMs: -1, cause });
    return;
  }
  const delayMs = asked ? 0 : Math.min(1000, 2 ** entry.restarts.length);
  if (!asked) entry.restarts.push(diedAt);
  if (delayMs > 1) await new Promise((resolve) => setTimeout(resolve, delayMs));
  if (closing) return;
  entry.serving = startWorker(worker, running?.frame ?? -1);
  const { thread } = entry;
  try {
    await entry.serving;
    // What hangs on the worker's incarnation, such as watches, is looked at again.
    wakeAll();
    report({ kind: 'worker', thread: worker, diedAt, recoveredAfterMs: Date.now() - diedAt, cause });
  } catch {
    // Its own exit event replaces it again, also where it lives on without its partitions. By now that may have happened.
    await thread?.terminate();
  }
}

/** Asks the thread that serves a partition's worker, whoever that is: a question that was cut off is asked again. */
async function askWorker<T>(worker: number, question: (api: WorkerApi) => Promise<T>): Promise<T> {
  // Bound: one attempt for each thread that dies meanwhile.
  for (;;) {
    const entry = hosted[worker] as Hosted;
    await entry.serving.catch(() => undefined);
    const { api, thread } = entry;
    if (control.workerState(worker) === WORKER_FAILED || closing || api === undefined || thread === undefined)
      throw new WorkerUnavailableError(`worker ${worker} does not serve`);
    if (control.workerState(worker) !== WORKER_SERVING) {
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      continue;
    }
    const asked = question(api).then((value) => ({ value }));
    control.askForControl(worker);
    ringWorker(worker);
    const answer = await Promise.race([asked, entry.gone]);
    if (answer !== undefined) return answer.value;
  }
}

function report(event: RecoveryEvent): void {
  events.push(event);
  if (events.length > EVENTS_KEPT_MAX) events.shift();
  tell(event);
  if (event.kind === 'worker') for (const resolve of (hosted[event.thread] as Hosted).waiting.splice(0)) resolve(event);
}

/** Tells the thread that created the grid. */
function tell(news: SupervisorNews): void {
  parentPort?.postMessage(news);
}

const api: SupervisorApi = {
  async start() {
    if (durability !== undefined) {
      const { identity } = await durability.open(settings.hashSeed);
      settings = { ...settings, hashSeed: identity.hashSeed };
    }
    for (let worker = 0; worker < memory.shape.workers; worker++) {
      hosted.push({
        thread: undefined,
        api: undefined,
        restarts: [],
        serving: Promise.resolve(),
        gone: Promise.resolve(undefined),
        ending: false,
        waiting: [],
      });
    }
    // None before all can: where the code does not know what one has loaded, none of the others has done anything.
    const allReady = Promise.withResolvers<void>();
    let waitedFor = hosted.length;
    const ready = (): Promise<void> => {
      if (--waitedFor === 0) allReady.resolve();
      return allReady.promise;
    };
    await Promise.all(
      hosted.map((entry, worker) => {
        entry.serving = startWorker(worker, -1, ready);
        return entry.serving;
      }),
    );
    await durability?.start();
    control.setGridState(GRID_RUNNING);
    return { hashSeed: settings.hashSeed };
  },

  async terminateWorker(worker) {
    const entry = hosted[worker];
    if (entry?.thread === undefined) throw new RangeError(`worker ${worker} does not exist`);
    if (control.workerState(worker) === WORKER_FAILED)
      throw new WorkerUnavailableError(`worker ${worker} keeps dying and is not started again`);
    const recovered = new Promise<RecoveryEvent>((resolve) => entry.waiting.push(resolve));
    entry.ending = true;
    await entry.thread.terminate();
    return recovered;
  },

  async terminateDurability() {
    if (durability === undefined) throw new InvalidOptionError('the grid has no persistence');
    await durability.terminate();
    await durability.back;
  },

  async attachClient(slot, port) {
    attached.set(slot, port);
    port.on('close', () => {
      attached.delete(slot);
      for (const heap of heaps) releasePin(heap, slot);
      control.closeClient(slot);
      letGoForFailed();
      for (let worker = 0; worker < memory.shape.workers; worker++) ringWorker(worker);
    });
    port.on('message', () => undefined);
  },

  async status() {
    const status: SupervisorStatus = {
      workers: await Promise.all(
        hosted.map(async (entry, worker) => ({
          worker,
          state: control.workerState(worker),
          incarnation: control.incarnation(worker),
          heapBytes: (await memoryOf(entry.thread)) ?? 0,
        })),
      ),
      recoveries: [...events],
      quarantined: quarantine.list(),
      durability: await durability?.status(),
      verify: verification.stats,
    };
    return status;
  },

  async flush() {
    await durability?.flush();
  },

  async backup(directory) {
    if (durability === undefined)
      throw new InvalidOptionError('the grid has no persistence to back up: give createGrid one');
    return durability.backup(directory);
  },

  async verify(choice) {
    return verification.run(choice);
  },

  async stopVerify() {
    await verification.stop();
  },

  async close() {
    closing = true;
    await verification.stop();
    control.setGridState(GRID_CLOSING);
    const endsAt = Date.now() + DRAIN_MS_MAX;
    await Promise.all(hosted.map((entry) => inTime(entry.serving, endsAt)));
    // Twice: what one worker finishes may call actors of another that had nothing left to do.
    for (let pass = 0; pass < 2; pass++) {
      await Promise.all(hosted.map((entry, worker) => drainWorker(entry, worker, endsAt)));
    }
    await Promise.all(hosted.map(async (entry) => entry.thread?.terminate()));
    blocked.stop();
    try {
      if (durability !== undefined) await closeStore(durability);
    } finally {
      control.setGridState(GRID_CLOSED);
    }
  },
};

/** Lets a worker finish what it has taken; gives up when it dies or the time is over. */
async function drainWorker(entry: Hosted, worker: number, endsAt: number): Promise<void> {
  const { api, thread } = entry;
  if (api === undefined || thread === undefined || control.workerState(worker) !== WORKER_SERVING) return;
  const gone = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const drained = api.drain();
  control.askForControl(worker);
  ringWorker(worker);
  await inTime(Promise.race([drained, gone]), endsAt);
}

/** A disk that hangs keeps nobody for ever; what was acknowledged as durable is there. */
async function closeStore(store: DurabilityHost): Promise<void> {
  const closed = store.close();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new CallTimeoutError(
      `the store did not close within ${STORE_CLOSE_MS_MAX} ms: changes that were not durable may be lost`,
    );
    timer = setTimeout(() => reject(error), STORE_CLOSE_MS_MAX);
  });
  try {
    await Promise.race([closed, late]);
  } finally {
    clearTimeout(timer);
    closed.catch(() => undefined);
  }
}

async function inTime(work: Promise<unknown>, endsAt: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, endsAt - Date.now()));
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}

/**
 * Wakes every thread, the durability thread last. Not only rung: a thread that died between marking a doorbell as rung and
 * notifying its owner would leave that one asleep, and whoever rings it believing that somebody did.
 */
function wakeAll(): void {
  for (let thread = 0; thread <= control.durabilityThread; thread++)
    new Doorbell(control.shared.words, control.doorbell(thread)).wake();
}

/** Workers that are given up let go of no client: its slot would stay taken. */
function letGoForFailed(): void {
  for (let worker = 0; worker < memory.shape.workers; worker++) {
    if (control.workerState(worker) !== WORKER_FAILED) continue;
    for (let slot = 0; slot < memory.shape.clients; slot++)
      if (control.isHeld(slot, worker)) control.letGoOfClient(slot, worker);
  }
}

function ringWorker(worker: number): void {
  new Doorbell(control.shared.words, control.doorbell(worker)).ring();
}

async function memoryOf(thread: Worker | undefined): Promise<number | undefined> {
  try {
    return (await thread?.getHeapStatistics())?.used_heap_size;
  } catch {
    return undefined;
  }
}

serveControl(data.port, api);
