/**
 * The life of a partition thread: take requests, run them, answer, reclaim memory, sleep.
 *
 * It sleeps in Atomics.wait while nothing of it needs the event loop (no asynchronous handler awaits), since that wakes twice
 * as fast; otherwise in Atomics.waitAsync. It is woken by its doorbell: clients after they published requests, the durability
 * thread when replies wait for the watermark, the supervisor when it has a message. Every sleep is capped.
 */
import { setImmediate as nextTurnOfTheLoop } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import {
  assert,
  BulkConsumer,
  defaultSpinMicros,
  Doorbell,
  durableSequence,
  ENTRY_CLIENT,
  ENTRY_FLAGS,
  ENTRY_REQUEST,
  entrySequence,
  RingConsumer,
  SharedWords,
  unansweredTurns,
} from '@spacegrid/core';
import { ActorCaller } from '../client/actor-caller.ts';
import { ClientThread } from '../client/client-thread.ts';
import { CLIENT_ACTIVE, CLIENT_FREE, ControlBlock } from '../control/control-block.ts';
import { BUSY_MICROS, MESSAGES, QUEUED, REMINDERS_FIRED, ThreadCounters } from '../control/counters.ts';
import { workerOf } from '../control/grid-memory.ts';
import { pairOf, ringOffset } from '../control/lanes.ts';
import { machine, type Surroundings } from '../control/surroundings.ts';
import type { ActorType } from '../define/actor-type.ts';
import { type ActorHome, RowApplier } from '../state/apply-rows.ts';
import { Leftovers } from '../state/leftovers.ts';
import { typePrefix } from '../state/row-keys.ts';
import { ShapeTable } from '../state/shape-table.ts';
import { StagedActor } from '../state/staged-actor.ts';
import { layoutOf, type StateLayout } from '../state/state-layout.ts';
import type { PartitionWorkerData } from '../supervise/grid-thread-data.ts';
import { AccessClock } from './access-clock.ts';
import { ActorLoads } from './actor-loads.ts';
import { Expiry } from './expiry.ts';
import type { JudgedRows, MendedRows, RowMending, RowQuestion } from '../verify/judged-rows.ts';
import { PartitionMend } from '../verify/partition-mend.ts';
import { KeptRequests } from './kept-requests.ts';
import { loadPartition } from './load-partition.ts';
import { Mailbox } from './mailbox.ts';
import { type Offload, OffloadPool } from './offload-pool.ts';
import { OnceTable } from './once-table.ts';
import { Outgoing } from './outgoing.ts';
import { Partition } from './partition.ts';
import { type DueReminder, Reminders } from './reminders.ts';
import { RoundClock } from './round-clock.ts';
import { ReplyLanes } from './reply-lanes.ts';
import { isAnswered, NOBODY } from './requester.ts';
import { RequestFrame } from './request-frame.ts';
import { RowLink } from './row-link.ts';
import { RunningMark } from './running-mark.ts';
import { StepTable } from './step-table.ts';
import { ENTRY_DURABLE, TurnRunner } from './turn-runner.ts';
import { Unloader } from './unloader.ts';
import { Watches } from './watches.ts';

/** Requests taken from one client before the next has its turn. */
const FAIR_REQUESTS = 256;
const WATCH_BUDGET = 256;
const RECLAIM_BUDGET = 256;
/** Reclaiming steps between two rounds of requests. */
const RECLAIM_STEPS = 4;
const SLEEP_MS_MAX = 1000;
/** Sleep while memory waits for readers or for the watermark. */
const TIDY_MS = 50;
const SWEEP_MS = 1000;
const SWEEP_BUCKETS = 256;
/** Rounds without the event loop, while something of the thread needs it. */
const ROUNDS_MAX = 32;

type WorkerLoopData = Omit<PartitionWorkerData, 'port' | 'incarnation'>;

export class WorkerLoop {
  private readonly worker: number;
  /** Some actors' state leaves memory when they are idle. */
  private readonly unloads: boolean;
  private readonly control: ControlBlock;
  private readonly doorbell: Doorbell;
  private readonly durability: Doorbell;
  private readonly layouts: readonly StateLayout[];
  private readonly partitions: (Partition | undefined)[];
  private readonly own: Partition[];
  private readonly requests: RingConsumer[];
  private readonly replies: ReplyLanes;
  private readonly counters: ThreadCounters;
  private readonly runner: TurnRunner;
  private readonly steps: StepTable;
  private readonly running: RunningMark;
  private readonly kept: KeptRequests;
  private readonly shapes: ShapeTable;
  private readonly leftovers: Leftovers;
  private readonly reminders: Reminders;
  private readonly once: OnceTable;
  private readonly expiry: Expiry;
  private readonly outgoing: Outgoing;
  private readonly watches: Watches;
  private readonly mailbox: Mailbox;
  private readonly access: AccessClock;
  private readonly link: RowLink;
  private readonly loads: ActorLoads;
  private readonly unloader: Unloader;
  private readonly client: ClientThread;
  private readonly offload: Offload;
  private readonly clock: RoundClock;
  private readonly touchedPartitions: Partition[];
  private readonly data: WorkerLoopData;
  private readonly interrupted: { readonly partition: Partition; readonly ids: readonly string[] }[];
  private draining: (() => void) | undefined;
  private nextSweepAt: number;
  private sweptTo: number;
  private readonly somethingCame: () => boolean;
  private readonly isBlocked: (client: number) => boolean;

  constructor(
    data: WorkerLoopData,
    types: readonly ActorType[],
    surroundings: Surroundings = machine,
    offload: Offload = new OffloadPool(data.settings.poolThreads),
  ) {
    const { memory, settings, worker } = data;
    this.data = data;
    this.worker = worker;
    this.unloads = settings.persistent && types.some((type) => type.unloads);
    this.clock = new RoundClock(surroundings.clock);
    this.touchedPartitions = [];
    this.control = new ControlBlock(memory.control, memory.shape);
    const { words } = this.control.shared;
    // Beside the workers there are the main thread, the durability thread and the one that folds.
    const busyThreads = memory.shape.workers + 3;
    this.doorbell = new Doorbell(words, this.control.doorbell(worker), defaultSpinMicros(busyThreads));
    this.durability = new Doorbell(words, this.control.doorbell(this.control.durabilityThread));
    this.layouts = types.map(layoutOf);
    this.counters = new ThreadCounters(this.control, worker);
    const budget = new SharedWords(memory.control);
    const pagesMax = Math.floor(settings.memoryBytesMax / 4096);
    const mayGrow = (bytes: number): boolean => {
      const used = budget.add(1, Math.ceil(bytes / 4096));
      if (used <= pagesMax || bytes < 0) return true;
      budget.add(1, -Math.ceil(bytes / 4096));
      return false;
    };
    this.partitions = memory.heaps.map((buffer, number) =>
      workerOf(number, memory.shape.workers) === worker
        ? new Partition(number, buffer, this.layouts, {
            hashSeed: settings.hashSeed,
            persistent: settings.persistent,
            changeSetBytesMax: settings.changeSetBytesMax,
            backlog: { bytesMax: settings.backlogBytesMax, ageMaxMs: settings.backlogAgeMaxMs },
            mayGrow,
          })
        : undefined,
    );
    this.own = this.partitions.filter((partition) => partition !== undefined);
    for (const partition of this.own) partition.onTouch = (touched) => this.touchedPartitions.push(touched);
    this.requests = Array.from({ length: memory.shape.clients }, (_, client) => {
      const { rings, shape } = memory;
      return new RingConsumer(rings.requests, ringOffset(shape, client, worker, rings.ringBytes), rings.ringBytes);
    });
    this.replies = new ReplyLanes(memory, this.control, worker);
    this.steps = new StepTable(settings.hashSeed);
    this.running = new RunningMark(this.control, worker);
    const { running } = this;
    this.shapes = new ShapeTable(settings.hashSeed);
    this.leftovers = new Leftovers(settings.hashSeed);
    this.kept = new KeptRequests(settings.hashSeed, memory.shape.clients);
    this.runner = new TurnRunner(this.replies, this.counters, this.steps, this.kept, running);
    this.runner.onUnheard = (activation, handler, error) =>
      surroundings.unheard(`${activation.name}.${handler.name}`, error);
    const ownBell = surroundings.bell(this.control, worker);
    this.runner.onStep = (activation) => {
      this.watches.touched(activation);
      // An asynchronous handler went on by itself, maybe while the thread slept: what it wrote is to be sent and stored.
      ownBell.ring();
      this.wakeDurability();
    };
    this.reminders = new Reminders(settings.hashSeed, types);
    this.once = new OnceTable(settings.hashSeed, this.clock, settings.onceWindowMs, this.counters, (...reply) =>
      this.runner.sendKept(...reply),
    );
    this.watches = new Watches(this.replies, this.counters, settings.hashSeed, (partition, layout) =>
      this.mailbox.residents.reader(partition, layout),
    );
    this.expiry = new Expiry(this.own, settings.hashSeed, (...actor) => this.noteChanged(...actor));
    for (const { keeping } of this.own) {
      keeping.counters = this.counters;
      keeping.clock = this.clock;
    }
    this.client = new ClientThread(memory, this.control, worker, surroundings);
    this.control.activateClient(worker);
    this.offload = offload;
    const caller = new ActorCaller(this.client, types, memory.shape.partitions, settings, surroundings);
    this.outgoing = new Outgoing(settings.hashSeed, this.clock, (message, once) => {
      this.counters.add(MESSAGES, 1);
      return caller.deliver(message, once);
    });
    this.runner.onMessages = (partition, id) => this.outgoing.release(partition, id);
    this.access = new AccessClock();
    this.link = new RowLink();
    this.loads = new ActorLoads(
      { link: this.link, applierFor: (partition, home) => this.applierFor(partition, home) },
      this.counters,
    );
    this.mailbox = new Mailbox({
      partitions: this.partitions,
      layouts: this.layouts,
      services: {
        steps: this.runner,
        outgoing: this.outgoing,
        reminders: this.reminders,
        clock: this.clock,
        typeOf: (definition) => caller.typeOf(definition),
        actorCalls: (from, definition, key, beforeCommand) =>
          caller.callsFrom([...from.path, from.name], definition, key, beforeCommand),
        offload: (task, input) => this.offload.run(task, input),
      },
      runner: this.runner,
      running,
      counters: this.counters,
      watches: this.watches,
      once: this.once,
      suspectFrame: data.suspectFrame,
      quarantined: data.quarantined,
      hashSeed: settings.hashSeed,
      defaultDurable: settings.ack === 'durable',
      frames: this.requests.map(
        (ring, client) =>
          new RequestFrame(
            ring,
            new BulkConsumer(
              ring,
              memory.rings.largeRequests[pairOf(memory.shape, client, worker)] as SharedArrayBuffer,
            ),
          ),
      ),
      kept: this.kept,
      loads: this.loads,
      access: this.access,
    });
    this.loads.onLoaded = (waiting) => {
      this.unloader.noteLoaded();
      this.mailbox.runLoaded(waiting);
    };
    this.loads.onFailed = (waiting, error) => this.mailbox.refuseLoading(waiting, error);
    this.loads.onAnswer = () => ownBell.ring();
    this.unloader = new Unloader({
      // Without a store there is nowhere to unload to.
      partitions: settings.persistent ? this.own : [],
      layouts: this.layouts,
      counters: this.counters,
      access: this.access,
      roomLeft: () => Math.max(0, pagesMax - budget.load(1)) * 4096,
      lacksRoom: (partition) => this.loads.busy && this.loads.lacksRoom(partition),
      hurry: () => this.link.hurry(),
      release: (partition, layout, key) => this.mailbox.release(partition, layout, key),
    });
    this.interrupted = [];
    this.draining = undefined;
    this.nextSweepAt = 0;
    this.sweptTo = 0;
    this.somethingCame = () => this.hasWork();
    this.isBlocked = (client) => this.replies.isBlocked(client);
  }

  /** Takes over the heaps; returns the partitions that hold nothing yet. */
  attach(): readonly number[] {
    const fresh: number[] = [];
    for (const partition of this.own) if (partition.attach()) fresh.push(partition.number);
    return fresh;
  }

  async load(number: number, port: MessagePort): Promise<void> {
    const partition = this.partitions[number] as Partition;
    const applier = this.applierFor(partition);
    const unloading = this.layouts.filter((layout) => layout.unloaded !== undefined);
    const end = await loadPartition(
      port,
      applier,
      unloading.map((layout) => typePrefix(layout.type.name)),
    );
    applier.finish();
    this.leftovers.keep(partition, applier.leftovers);
    // What the code can't read is told now, not when an actor is first called.
    for (const layout of unloading) this.shapes.refuseUnreadable(partition, layout);
    // Sequences behind the watermark may have been given out before: a new epoch tells those turns from the coming ones.
    partition.heap.restoreSequence(end.sequence, end.epoch + 1);
  }

  private applierFor(partition: Partition, home?: ActorHome): RowApplier {
    const { hashSeed } = this.data.settings;
    return new RowApplier(partition, this.reminders, this.once, this.outgoing, this.shapes, hashSeed, this.clock, home);
  }

  /** The way to the store, from now on. */
  useStore(port: MessagePort): void {
    this.link.use(port);
  }

  /** Begins to serve; returns at once. */
  start(): void {
    // After the answer to whoever called this has left: the loop may sleep at once.
    setImmediate(() => void this.run());
  }

  /** Answers again what a predecessor may not have answered, and takes what stands in the rings. Once, before the first round. */
  takeOver(): void {
    this.control.controlCame(this.worker);
    for (const partition of this.own) {
      if (partition.persistent) {
        this.shapes.register(partition);
        this.leftovers.drop(partition);
      }
      StagedActor.discardAll(partition);
      this.reminders.load(partition);
      this.outgoing.load(partition);
      this.answerAgain(partition);
      this.readInterrupted(partition);
    }
    this.expiry.load();
    // What a predecessor kept is older than what stands in the rings.
    for (const partition of this.own) for (const number of this.kept.load(partition)) this.mailbox.receiveKept(number);
    // What stands in the rings from before is taken first: then nothing committed can come out of them any more.
    for (let client = 0; client < this.requests.length; client++) {
      const ring = this.requests[client] as RingConsumer;
      for (let frame = ring.next(); frame >= 0; frame = ring.next()) this.mailbox.receive(client, frame);
      ring.release();
    }
    this.mailbox.requests.forgetConsumed();
    // Before anybody learns that this thread serves: where threads die in quick succession each gets a little further.
    this.replies.flush();
  }

  /** A round that also forgets at once every actor that is idle by now. For who drives the time. */
  roundWithSweep(): boolean {
    const worked = this.round();
    this.passivateIdle(0, this.mailbox.residents.table.bucketCount, this.clock.now());
    return worked;
  }

  /** When the next reminder, deadline of a call between actors, or passivation is due. Looks at everything. */
  nextDueAt(): number {
    return Math.min(
      this.reminders.due.nextAt,
      this.expiry.nextAt,
      this.outgoing.nextAt,
      this.client.calls.nextDeadline(),
      this.mailbox.residents.nextIdleAt(),
    );
  }

  /** True while a turn is open. */
  get inTurn(): boolean {
    return this.own.some((partition) => partition.heap.open);
  }

  /**
   * As if the thread had died here: handlers that await something go on into the void, and a successor may take over. For a
   * loop that shares its thread; between rounds and turns only.
   */
  abandon(): void {
    assert(!this.inTurn, 'no turn is open when the loop ends');
    this.runner.end();
    this.client.abandon();
    this.mailbox.residents.abandon();
  }

  shapeNumbers(partition: number): readonly number[] {
    this.control.controlCame(this.worker);
    return (this.partitions[partition] as Partition).shapeNumbers;
  }

  judge(question: RowQuestion): JudgedRows {
    this.control.controlCame(this.worker);
    return this.mender(question.partition).judge(question);
  }

  mend(mending: RowMending): MendedRows {
    this.control.controlCame(this.worker);
    const mended = this.mender(mending.partition).mend(mending);
    this.wakeDurability();
    return mended;
  }

  private mender(partition: number): PartitionMend {
    const { hashSeed } = this.data.settings;
    return new PartitionMend(
      this.partitions[partition] as Partition,
      this.shapes,
      hashSeed,
      () => this.clock.now(),
      (...actor) => this.noteChanged(...actor),
    );
  }

  /** A turn that was no command of it has changed an actor, or written rows of it again: it leaves memory only behind that. */
  private noteChanged(partition: Partition, layout: StateLayout, key: string): void {
    this.watches.changed(partition, layout, key);
    if (layout.unloaded !== undefined) this.mailbox.noteChanged(partition, layout, key);
  }

  /** Resolves when everything taken is answered and durable as asked. */
  drain(): Promise<void> {
    this.control.controlCame(this.worker);
    return new Promise((resolve) => {
      this.draining = resolve;
    });
  }

  /**
   * A predecessor committed these and may not have answered them: they are answered again, and their requests are consumed.
   * Callers drop what they have.
   */
  private answerAgain(partition: Partition): void {
    const { heap } = partition;
    const answered = heap.committed - unansweredTurns(heap);
    partition.outbox.forEachEntry((entry) => {
      const client = heap.i32[entry + ENTRY_CLIENT] as number;
      const flags = heap.i32[entry + ENTRY_FLAGS] as number;
      if (client === NOBODY || entrySequence(heap.i32, entry) <= answered) return;
      const number = heap.i32[entry + ENTRY_REQUEST] as number;
      this.mailbox.requests.noteConsumed(client, number);
      if (!isAnswered(client)) return;
      const durable = (flags & ENTRY_DURABLE) !== 0 && partition.persistent;
      this.runner.deliver(partition, entry, { client, number, durable }, entrySequence(heap.i32, entry));
    });
  }

  private readInterrupted(partition: Partition): void {
    const steps = new Map<string, number>();
    this.steps.read(partition, steps);
    if (steps.size === 0) return;
    this.mailbox.requests.noteInterrupted(steps);
    this.interrupted.push({ partition, ids: [...steps.keys()] });
  }

  /** Once their callers have the answers, interrupted commands need not be known any more. */
  private forgetInterrupted(): void {
    if (this.mailbox.requests.hasUnfinished) return;
    // Where a full heap has no room for that they are forgotten in a later round.
    const left = this.interrupted.filter(({ partition, ids }) => !this.steps.forget(partition, ids));
    this.interrupted.splice(0, this.interrupted.length, ...left);
  }

  private async run(): Promise<void> {
    for (let rounds = 0; ; rounds++) {
      const startedAt = performance.now();
      const calls = this.client.busy;
      this.running.leaveLoop();
      const worked = this.round();
      if (worked) this.counters.add(BUSY_MICROS, (performance.now() - startedAt) * 1000);
      if (this.mailbox.asyncRunning > 0) this.running.enterLoop(this.mailbox.onlyRunning);
      // A message of the supervisor is on its way: the event loop runs until it has come.
      if (this.control.controlAsked(this.worker)) await nextTurnOfTheLoop();
      if (this.draining !== undefined && this.isDrained()) {
        this.draining();
        // Others may still be draining and call actors here, so this goes on until the supervisor ends the thread.
        this.draining = undefined;
        await nextTurnOfTheLoop();
      }
      if (worked) {
        if (this.needsEventLoop && rounds % ROUNDS_MAX === 0) await nextTurnOfTheLoop();
        else if (this.mailbox.asyncRunning > 0) await Promise.resolve();
        // What hangs on answers to messages, and to calls that no handler waits for, would not run before the thread sleeps.
        else if (calls) await nextTurnOfTheLoop();
        continue;
      }
      const sleepMs = this.sleepMs();
      if (sleepMs <= 0) continue;
      if (this.needsEventLoop) await this.doorbell.parkAsync(sleepMs, this.somethingCame);
      else this.doorbell.parkBlocking(sleepMs, this.somethingCame);
    }
  }

  /** One round over everything. True when something was done. */
  round(): boolean {
    this.clock.tick();
    if (this.unloads) this.access.read();
    let worked = this.client.poll();
    if (this.data.settings.persistent && this.touchedPartitions.length > 0 && this.runParked()) worked = true;
    for (let client = 0; client < this.requests.length; client++) if (this.take(client) > 0) worked = true;
    if (this.loads.busy && this.loads.round(this.access.tick)) worked = true;
    if (this.fireReminders()) worked = true;
    if (this.expiry.round(this.clock.now())) worked = true;
    if (this.outgoing.round()) worked = true;
    if (this.data.settings.persistent) {
      for (const partition of this.own) if (partition.gate.size > 0 && partition.gate.open()) worked = true;
    }
    if (this.watches.pending) {
      this.watches.run(WATCH_BUDGET);
      worked = true;
    }
    if (this.client.busy) {
      this.client.expire(this.clock.now());
      this.client.failUnavailable();
    }
    // Waking a sleeper costs as much as several turns: once for up to 256 replies.
    if (this.replies.flush()) worked = true;
    this.mailbox.requests.finishAnswered(this.isBlocked);
    this.kept.sweep();
    if (this.interrupted.length > 0) this.forgetInterrupted();
    this.client.flush();
    if (worked) this.wakeDurability();
    const more = this.tidy();
    this.clock.endRound();
    return more || worked;
  }

  private take(client: number): number {
    const state = this.control.clientState(client);
    if (state === CLIENT_FREE) return 0;
    const ring = this.requests[client] as RingConsumer;
    if (this.replies.isBlocked(client) && state === CLIENT_ACTIVE) return 0;
    let taken = 0;
    for (; taken < FAIR_REQUESTS; taken++) {
      const frame = ring.next();
      if (frame < 0) break;
      this.mailbox.receive(client, frame);
      // Its ring is full: no more is done for it than it can take.
      if (this.replies.isBlocked(client) && state === CLIENT_ACTIVE) break;
    }
    ring.release();
    // Half of the ring is kept by what waits at its beginning: it is kept elsewhere from now on.
    if (ring.heldBytes > ring.dataBytes >>> 1 && this.mailbox.requests.keepAside(client)) ring.release();
    if (taken === 0 && state !== CLIENT_ACTIVE && this.control.isHeld(client, this.worker)) this.letGo(client);
    return taken;
  }

  /** Commands that waited for the backlog go on where it is below its limits again. True when some did. */
  private runParked(): boolean {
    let ran = false;
    const nowMs = this.clock.now();
    for (const partition of this.touchedPartitions) {
      if (partition.checkBacklog(nowMs)) this.durability.ring();
      if (partition.parked.length > 0 && this.mailbox.runParked(partition)) ran = true;
    }
    return ran;
  }

  private letGo(client: number): void {
    this.mailbox.forgetClient(client);
    this.watches.removeClient(client);
    this.replies.drop(client);
    (this.requests[client] as RingConsumer).release();
    this.control.letGoOfClient(client, this.worker);
  }

  private fireReminders(): boolean {
    const nowMs = this.clock.now();
    let fired = false;
    for (let item = this.reminders.due.take(nowMs); item !== undefined; item = this.reminders.due.take(nowMs)) {
      fired = true;
      this.fire(item, nowMs);
    }
    return fired;
  }

  private fire(item: DueReminder, nowMs: number): void {
    const call = this.reminders.read(item.partition, item.id, item.storedAt);
    if (call === undefined) return;
    const layout = this.layouts[call.type.index] as StateLayout;
    const ran =
      !item.partition.holdsCommands &&
      this.mailbox.runInternal(item.partition, layout, call.key, call.handler, call.args, () =>
        this.reminders.fired(item.partition, item.id, call, nowMs),
      );
    if (ran) this.counters.add(REMINDERS_FIRED, 1);
    else this.reminders.postpone(item, nowMs);
  }

  private wakeDurability(): void {
    if (this.data.settings.persistent) this.durability.ring();
  }

  /** Gives memory back and forgets idle actors, in small steps. True when more is to be done now. */
  private tidy(): boolean {
    let more = false;
    const touched = this.touchedPartitions;
    let kept = 0;
    for (const partition of touched) {
      const { number, backlog, parked, gate } = partition;
      if (this.data.settings.persistent) this.control.setBacklog(number, backlog.bytes, parked.length + gate.size);
      partition.keeping.settle();
      let step = 0;
      while (step < RECLAIM_STEPS && partition.heap.maintain(RECLAIM_BUDGET)) step++;
      const waits = partition.holdsCommands || partition.parked.length > 0;
      // What is over its limit is looked at again, however much was stored since the last look: nothing else would.
      if (partition.trim(this.replies.holds) || step > 0 || waits) {
        touched[kept++] = partition;
        if (step === RECLAIM_STEPS) more = true;
      } else {
        partition.touched = false;
      }
    }
    touched.length = kept;
    const nowMs = this.clock.now();
    if (nowMs >= this.nextSweepAt) {
      this.nextSweepAt = nowMs + SWEEP_MS;
      this.sweptTo = this.passivateIdle(this.sweptTo, SWEEP_BUCKETS, nowMs);
      for (const partition of this.own) this.once.sweep(partition);
      this.counters.set(
        QUEUED,
        this.requests.reduce((bytes, ring) => bytes + ring.usedBytes(), 0),
      );
    }
    if (this.unloads && this.unloader.round(nowMs)) more = true;
    return more;
  }

  private passivateIdle(from: number, buckets: number, nowMs: number): number {
    return this.mailbox.residents.table.sweep(from, buckets, (activation) => {
      if (nowMs - activation.usedAt > activation.layout.type.idleMs) this.mailbox.residents.passivate(activation);
    });
  }

  private get needsEventLoop(): boolean {
    return this.mailbox.asyncRunning > 0 || this.draining !== undefined || this.offload.running > 0 || this.loads.busy;
  }

  private hasWork(): boolean {
    for (let client = 0; client < this.requests.length; client++) {
      if ((this.requests[client] as RingConsumer).hasMore() || this.control.isHeld(client, this.worker)) return true;
    }
    if (this.client.hasReplies() || this.replies.hasWritten || this.watches.pending || this.outgoing.hasReady)
      return true;
    if (this.loads.busy && this.loads.hasReady()) return true;
    for (const partition of this.own) if (partition.gate.oldest <= durableSequence(partition.heap)) return true;
    return this.control.controlAsked(this.worker);
  }

  private sleepMs(): number {
    const dueAt = Math.min(
      this.reminders.due.nextAt,
      this.expiry.nextAt,
      this.outgoing.nextAt,
      this.unloads ? this.unloader.dueAt : Number.POSITIVE_INFINITY,
    );
    const untilDue = dueAt - this.clock.now();
    const limit =
      this.touchedPartitions.length > 0 || this.loads.busy
        ? TIDY_MS
        : this.replies.holds || this.client.waitsForRoom
          ? 1
          : this.client.busy
            ? ClientThread.deadlineCheckMs
            : SLEEP_MS_MAX;
    return Math.min(limit, Math.max(0, untilDue));
  }

  private isDrained(): boolean {
    return (
      this.mailbox.asyncRunning === 0 &&
      !this.loads.busy &&
      this.outgoing.idle &&
      !this.replies.holds &&
      this.requests.every((ring) => !ring.hasMore()) &&
      this.own.every((partition) => partition.gate.size === 0 && partition.parked.length === 0)
    );
  }
}
