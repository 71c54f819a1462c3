/**
 * Takes requests from the rings to their actors. A request stays in its ring until it is answered; an actor that is busy with
 * an asynchronous command keeps the places of those that wait. Queries never wait.
 */
import {
  ActivationFailedError,
  ActorQuarantinedError,
  AssertionFailed,
  CallCycleError,
  CallTimeoutError,
  InvalidKeyError,
  type KeyBytes,
  KeyScratch,
  OutcomeUnknownError,
  START_CANCELLED,
  STARTS_MAX,
  UnknownActorError,
  UnknownMethodError,
  WorkerLostError,
} from '@spacegrid/core';
import { ACTIVATIONS, COMMANDS, ERRORS, QUERIES, REFUSED, type ThreadCounters } from '../control/counters.ts';
import {
  ACK_DEFAULT,
  ACK_DURABLE,
  KIND_QUERY,
  KIND_REACHED,
  KIND_UNWATCH,
  KIND_WATCH,
  KIND_WATCH_TAKEN,
  STATUS_REFUSED,
  STATUS_WATCH_ERROR,
} from '../control/frames.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import { PartitionSight } from '../state/read-sight.ts';
import { StateReader } from '../state/readable-state.ts';
import type { StateLayout } from '../state/state-layout.ts';
import { isStub } from '../state/stubs.ts';
import type { AccessClock } from './access-clock.ts';
import { Activation } from './activation.ts';
import { ActivationTable } from './activation-table.ts';
import type { ActorLoads } from './actor-loads.ts';
import type { KeptRequests } from './kept-requests.ts';
import type { OnceTable } from './once-table.ts';
import type { Partition, WaitingRequest } from './partition.ts';
import { NOBODY, tellerOf } from './requester.ts';
import type { RequestFrame } from './request-frame.ts';
import type { RunningActor, RunningHandler, RunningMark } from './running-mark.ts';
import { idOf } from './step-table.ts';
import type { Caller, TurnRunner } from './turn-runner.ts';
import type { TurnServices } from './turn-services.ts';
import type { Watches } from './watches.ts';

export interface MailboxParts {
  readonly partitions: readonly (Partition | undefined)[];
  readonly layouts: readonly StateLayout[];
  readonly services: TurnServices;
  readonly runner: TurnRunner;
  readonly running: RunningMark;
  readonly counters: ThreadCounters;
  readonly watches: Watches;
  readonly once: OnceTable;
  readonly suspectFrame: number;
  readonly quarantined: readonly RunningActor[];
  readonly hashSeed: number;
  readonly defaultDurable: boolean;
  /** One for each client slot. */
  readonly frames: readonly RequestFrame[];
  readonly kept: KeptRequests;
  readonly loads: ActorLoads;
  readonly access: AccessClock;
}

interface Asker extends Caller {
  /** The request, while its answer waits for the watermark. */
  readonly waiting: WaitingRequest | undefined;
}

export class Mailbox {
  readonly table: ActivationTable;
  /** Asynchronous commands under way. */
  asyncRunning: number;
  /** Whose they are. */
  private readonly following: Set<Activation>;
  private readonly parts: MailboxParts;
  private readonly readers: (StateReader | undefined)[][];
  private readonly keys: KeyScratch;
  private readonly consumed: Set<string>;
  /** Commands with steps that a predecessor left half done: committed steps by client and number. */
  private readonly interrupted: Map<string, number>;
  /** Requests that are answered by a reply which is not published yet, by client: finished then. */
  private readonly unfinished: number[][];
  private answeredCount: number;
  /** Requests that wait or run long, by client, oldest first. */
  private readonly held: Set<WaitingRequest>[];
  /** Stands for a client where a request is none of a ring but a kept one. */
  private readonly keptLane: number;

  constructor(parts: MailboxParts) {
    this.parts = parts;
    this.table = new ActivationTable();
    this.asyncRunning = 0;
    this.following = new Set();
    this.readers = parts.partitions.map(() => new Array<StateReader | undefined>(parts.layouts.length).fill(undefined));
    this.keys = new KeyScratch(parts.hashSeed);
    this.consumed = new Set();
    this.interrupted = new Map();
    this.keptLane = parts.frames.length;
    this.unfinished = Array.from({ length: parts.frames.length + 1 }, () => []);
    this.held = parts.frames.map(() => new Set());
    this.answeredCount = 0;
  }

  /** Handles the frame of a client; it is finished now or later, when it is answered. */
  receive(client: number, frame: number): void {
    const request = this.at(client, frame);
    const partition = this.parts.partitions[request.partition];
    const layout = this.parts.layouts[request.type];
    if (partition === undefined || (this.consumed.size > 0 && this.isConsumed(client, frame, request))) {
      this.drop(frame, request);
      return;
    }
    const { kind } = request;
    if (kind === KIND_WATCH_TAKEN || kind === KIND_UNWATCH) {
      if (kind === KIND_UNWATCH) this.unwatch(client, request.number);
      else this.parts.watches.taken(client, request.number);
      this.drop(frame, request);
      return;
    }
    if (kind === KIND_REACHED) {
      this.reached(client, frame, request, partition);
      return;
    }
    const handler = layout?.type.handlers[request.handler];
    if (layout === undefined || handler === undefined) {
      const error =
        layout === undefined
          ? new UnknownActorError(
              `the partition thread knows no actor type ${request.type}: all threads must load the same actors module`,
            )
          : new UnknownMethodError(`${layout.type.name} has no handler ${request.handler}`);
      this.refuse(client, frame, request, partition, error);
      return;
    }
    if (this.interrupted.size > 0) {
      const stepsCommitted = this.interrupted.get(idOf(this.requesterOf(client, frame, request), request.number));
      if (stepsCommitted !== undefined) {
        const error = new OutcomeUnknownError(
          `the thread of ${layout.type.name}.${handler.name} died after ${stepsCommitted} steps of it were committed: they stay`,
          { details: { stepsCommitted } },
        );
        this.refuse(client, frame, request, partition, error);
        return;
      }
    }
    this.admit(client, frame, request, partition, layout, handler);
  }

  /** Runs a request, or lets it wait for what it needs. */
  private admit(
    client: number,
    frame: number,
    request: RequestFrame,
    partition: Partition,
    layout: StateLayout,
    handler: CompiledHandler,
  ): void {
    const { kind } = request;
    if (layout.unloaded !== undefined && this.awaitsLoad(client, frame, request, partition, layout)) return;
    if (kind === KIND_WATCH || kind === KIND_QUERY) this.query(client, frame, request, partition, layout, handler);
    else if (partition.holdsCommands || partition.parked.length > 0) partition.park(this.hold(client, frame));
    else this.command(client, frame, request, partition, layout, handler);
  }

  /** Commands that waited for the partition's backlog, until it is at its limit again. True when some ran. */
  runParked(partition: Partition): boolean {
    const { parked } = partition;
    let ran = 0;
    // Bound: those that are there; each run may park no other.
    for (; ran < parked.length && !partition.holdsCommands; ran++) {
      const waiting = parked[ran] as WaitingRequest;
      const { client, frame } = waiting;
      this.letGo(waiting);
      const request = this.at(client, frame);
      const layout = this.parts.layouts[request.type] as StateLayout;
      if (layout.unloaded !== undefined && this.awaitsLoad(client, frame, request, partition, layout)) continue;
      this.command(client, frame, request, partition, layout, layout.type.handlers[request.handler] as CompiledHandler);
    }
    parked.splice(0, ran);
    return ran > 0;
  }

  /** Requests whose actor was loaded go on, in order. */
  runLoaded(waiting: readonly WaitingRequest[]): void {
    for (const one of waiting) {
      const { client, frame } = one;
      this.letGo(one);
      const request = this.at(client, frame);
      const partition = this.parts.partitions[request.partition] as Partition;
      const layout = this.parts.layouts[request.type] as StateLayout;
      const handler = layout.type.handlers[request.handler] as CompiledHandler;
      this.admit(client, frame, request, partition, layout, handler);
    }
  }

  /** Requests whose actor could not be loaded are answered with why. */
  refuseLoading(waiting: readonly WaitingRequest[], error: Error): void {
    for (const one of waiting) {
      const { client, frame } = one;
      this.letGo(one);
      const request = this.at(client, frame);
      this.refuse(client, frame, request, this.parts.partitions[request.partition] as Partition, error);
    }
  }

  /** An actor was changed by a turn that was no command of it: it is as if used, since it may leave memory only behind that. */
  noteChanged(partition: Partition, layout: StateLayout, key: string): void {
    const table = partition.table(layout.type.index);
    const record = table?.find(this.keys.set(key)) ?? 0;
    if (record !== 0) table?.touch(record, this.parts.access.tick);
  }

  /** Forgets an actor that is to be unloaded. False when it is in use. */
  release(partition: Partition, layout: StateLayout, key: KeyBytes): boolean {
    const { index } = layout.type;
    if (this.parts.watches.has(index, partition.number, key)) return false;
    const activation = this.table.find(index, key.hash, key.bytes, key.offset, key.length);
    if (activation === undefined) return true;
    if (activation.busy || activation.queue.length > 0) return false;
    this.passivate(activation);
    return true;
  }

  /** A predecessor committed this request: when it comes out of its ring, it is only finished. */
  noteConsumed(client: number, number: number): void {
    this.consumed.add(idOf(client, number));
  }

  /** A predecessor committed steps of these commands and died: they are not run again. */
  noteInterrupted(steps: ReadonlyMap<string, number>): void {
    for (const [id, count] of steps) this.interrupted.set(id, count);
  }

  /** All requests from before this thread have come out of their rings. */
  forgetConsumed(): void {
    this.consumed.clear();
    this.interrupted.clear();
  }

  /**
   * After replies were published: ends the requests that they answered. Until then a death of this thread makes its successor
   * answer them again, since nothing else keeps the answers of queries and refusals.
   */
  finishAnswered(isBlocked: (client: number) => boolean): void {
    if (this.answeredCount === 0) return;
    for (let client = 0; client < this.keptLane; client++) {
      const frames = this.unfinished[client] as number[];
      if (frames.length === 0 || isBlocked(client)) continue;
      for (const frame of frames) this.at(client, frame).ring.finish(frame);
      this.answeredCount -= frames.length;
      frames.length = 0;
    }
    // Kept requests are of many clients.
    const kept = this.unfinished[this.keptLane] as number[];
    if (kept.length === 0) return;
    const held: number[] = [];
    for (const number of kept) {
      if (isBlocked(this.parts.kept.clientOf(number))) held.push(number);
      else this.at(this.keptLane, number).ring.finish(number);
    }
    this.answeredCount -= kept.length - held.length;
    this.unfinished[this.keptLane] = held;
  }

  /** The one asynchronous command under way; undefined when there are several, or none. */
  get onlyRunning(): RunningHandler | undefined {
    if (this.asyncRunning !== 1) return undefined;
    for (const { layout, running, partition, keyBytes } of this.following)
      return { type: layout.type.index, handler: running, partition: partition.number, key: keyBytes };
    return undefined;
  }

  /** True while replies that answer requests are not published. */
  get hasUnfinished(): boolean {
    return this.answeredCount > 0;
  }

  /**
   * Takes requests of a client that wait out of its ring, where they keep the room of all that came after them. True when
   * there were any.
   */
  keepAside(client: number): boolean {
    const { kept, partitions } = this.parts;
    let any = false;
    for (const waiting of this.held[client] as Set<WaitingRequest>) {
      const request = this.at(client, waiting.frame);
      const { ring } = request;
      const partition = partitions[request.partition] as Partition;
      const starts = ring.startsOf(waiting.frame);
      // Taken back by its caller: it ends when its turn comes. Once it is marked as started, that can't happen any more.
      if (starts === START_CANCELLED || (starts === 0 && ring.start(waiting.frame) === START_CANCELLED)) continue;
      const number = kept.keep(partition, client, this.requesterOf(client, waiting.frame, request), request, starts);
      if (number < 0) break;
      ring.finish(waiting.frame);
      this.letGo(waiting);
      waiting.client = this.keptLane;
      waiting.frame = number;
      any = true;
    }
    return any;
  }

  /** Goes on with a request that a predecessor kept. */
  receiveKept(number: number): void {
    const request = this.at(this.keptLane, number);
    const id = idOf(this.requesterOf(this.keptLane, number, request), request.number);
    this.receive(this.keptLane, number);
    // The predecessor may have died before it took the request out of its ring.
    this.consumed.add(id);
  }

  /** A client is gone: what it wanted to watch may still wait for its actor. */
  forgetClient(client: number): void {
    this.dropWatches((owner) => owner === client);
  }

  private unwatch(client: number, number: number): void {
    this.parts.watches.remove(client, number);
    // It may still wait for its actor.
    this.dropWatches((owner, request) => owner === client && request.number === number);
  }

  private dropWatches(isDropped: (client: number, request: RequestFrame) => boolean): void {
    const { loads } = this.parts;
    if (!loads.busy) return;
    loads.drop(
      (waiting) => {
        const request = this.at(waiting.client, waiting.frame);
        return request.kind === KIND_WATCH && isDropped(this.ownerOf(waiting.client, waiting.frame), request);
      },
      (waiting) => {
        this.letGo(waiting);
        this.drop(waiting.frame, this.at(waiting.client, waiting.frame));
      },
    );
  }

  /** True when the actor is in the store alone: the request waits until it is loaded. */
  private awaitsLoad(
    client: number,
    frame: number,
    request: RequestFrame,
    partition: Partition,
    layout: StateLayout,
  ): boolean {
    const table = partition.table(layout.type.index);
    const key = this.keys.point(request.ring.u8, request.keyOffset, request.keyLength, request.keyHash);
    const record = table?.find(key) ?? 0;
    if (table === undefined || record === 0) return false;
    if (isStub(partition.heap, layout, record)) {
      this.parts.loads.wait(partition, layout, key, this.hold(client, frame));
      return true;
    }
    table.touch(record, this.parts.access.tick);
    return false;
  }

  private at(client: number, frame: number): RequestFrame {
    return client === this.keptLane ? this.parts.kept.at(frame) : (this.parts.frames[client] as RequestFrame).at(frame);
  }

  /** The client that a request in a lane is of. */
  private ownerOf(lane: number, frame: number): number {
    return lane === this.keptLane ? this.parts.kept.clientOf(frame) : lane;
  }

  private hold(client: number, frame: number): WaitingRequest {
    const waiting = { client, frame };
    this.holdWaiting(waiting);
    return waiting;
  }

  private holdWaiting(waiting: WaitingRequest): void {
    if (waiting.client !== this.keptLane) (this.held[waiting.client] as Set<WaitingRequest>).add(waiting);
  }

  private letGo(waiting: WaitingRequest): void {
    if (waiting.client !== this.keptLane) (this.held[waiting.client] as Set<WaitingRequest>).delete(waiting);
  }

  private finishLater(client: number, frame: number): void {
    (this.unfinished[client] as number[]).push(frame);
    this.answeredCount++;
  }

  private isConsumed(client: number, frame: number, request: RequestFrame): boolean {
    return this.consumed.has(idOf(this.requesterOf(client, frame, request), request.number));
  }

  /**
   * Runs a command that no client sent (a reminder). True when it ran or began to run; false while the actor is busy, being
   * loaded, set aside, or not to be activated.
   */
  runInternal(
    partition: Partition,
    layout: StateLayout,
    key: string,
    handler: CompiledHandler,
    args: readonly unknown[],
    before: () => void,
  ): boolean {
    const bytes = this.keys.set(key);
    if (layout.unloaded !== undefined) {
      const record = partition.table(layout.type.index)?.find(bytes) ?? 0;
      if (record !== 0 && isStub(partition.heap, layout, record)) {
        this.parts.loads.want(partition, layout, bytes);
        return false;
      }
    }
    let activation: Activation;
    try {
      activation = this.resident(partition, layout, bytes.hash, bytes.bytes, 0, bytes.length);
    } catch (error) {
      if (error instanceof AssertionFailed) throw error;
      this.parts.counters.add(ERRORS, 1);
      return false;
    }
    if (activation.busy || this.isSetAside(activation)) return false;
    activation.turn.beforeTurn = before;
    activation.turn.beforeReply = undefined;
    activation.turn.once = undefined;
    activation.path = [];
    const running = this.run(activation, handler, args, NOBODY, 0, false, -1);
    if (running !== undefined) this.follow(activation, running);
    return true;
  }

  private query(
    client: number,
    frame: number,
    request: RequestFrame,
    partition: Partition,
    layout: StateLayout,
    handler: CompiledHandler,
  ): void {
    const { parts } = this;
    const { ring } = request;
    const starts = ring.start(frame);
    if (starts === START_CANCELLED) {
      ring.finish(frame);
      return;
    }
    const durable = partition.persistent && durableOf(request.ack, layout, parts.defaultDurable);
    if (this.isBlamed(client, frame, starts)) {
      const error = new WorkerLostError(
        `${layout.type.name}.${handler.name}: the query was started ${starts} times and its thread died each time`,
      );
      this.refuse(client, frame, request, partition, error);
      return;
    }
    const reader = this.reader(partition, layout);
    const key = this.keys.point(ring.u8, request.keyOffset, request.keyLength, request.keyHash);
    try {
      if (handler.command)
        throw new UnknownMethodError(`${layout.type.name}.${handler.name} is a command, not a query`);
      // Decoding the key costs a fifth of a query: only for those that ask for it.
      reader.find(undefined, key);
      const args = request.args();
      if (request.kind === KIND_WATCH) {
        const text = textOf(ring.u8, request.keyOffset, request.keyLength);
        const owner = this.ownerOf(client, frame);
        parts.watches.add(owner, request.number, partition, layout, text, handler, args);
      } else {
        parts.counters.add(QUERIES, 1);
        // Only what stands in a ring can be read there by others.
        if (client === this.keptLane) parts.running.enterAlone(layout.type.index, handler.index, partition.number, key);
        else parts.running.enter(layout.type.index, handler.index, partition.number, request.keyHash, frame);
        const asker = this.asker(client, frame, request, durable);
        parts.runner.query(partition, reader.view, handler, args, asker);
        parts.running.leave();
        this.answered(client, frame, asker);
      }
    } catch (error) {
      if (error instanceof AssertionFailed) throw error;
      this.refuse(client, frame, request, partition, error);
      return;
    }
    // A watch is registered again by its client when this thread dies; a query must be answered again.
    if (request.kind === KIND_WATCH) ring.finish(frame);
  }

  /** Answers when the turn of a receipt is durable. */
  private reached(client: number, frame: number, request: RequestFrame, partition: Partition): void {
    const starts = request.ring.start(frame);
    if (starts === START_CANCELLED) {
      request.ring.finish(frame);
      return;
    }
    const [sequence, epoch] = request.args() as readonly number[];
    const { heap } = partition;
    if (epoch !== heap.epoch || sequence === undefined || sequence > heap.committed) {
      const error = new OutcomeUnknownError(
        `the receipt of turn ${sequence} in epoch ${epoch} of partition ${partition.number} is from before the grid was started (now epoch ${heap.epoch}): read the state instead`,
      );
      this.refuse(client, frame, request, partition, error);
      return;
    }
    // Memory is the disk of a partition without a store (which only tests ask).
    const asker = this.asker(client, frame, request, partition.persistent);
    this.parts.runner.reached(partition, sequence, asker);
    this.answered(client, frame, asker);
  }

  /** Who asked; a request whose answer waits for the watermark is finished when that is sent. */
  private asker(client: number, frame: number, request: RequestFrame, durable: boolean): Asker {
    const { number } = request;
    const requester = this.requesterOf(client, frame, request);
    if (!durable || request.isTell) return { client: requester, number, durable: false, waiting: undefined };
    const waiting = { client, frame };
    const onSent = (): void => {
      this.letGo(waiting);
      this.finishLater(waiting.client, waiting.frame);
    };
    return { client: requester, number, durable, onSent, waiting };
  }

  /** The request of `asker` has its answer: it is finished when that is published, or keeps waiting for the watermark. */
  private answered(client: number, frame: number, { waiting }: Asker): void {
    if (waiting === undefined) this.finishLater(client, frame);
    else this.holdWaiting(waiting);
  }

  private requesterOf(lane: number, frame: number, request: RequestFrame): number {
    const client = this.ownerOf(lane, frame);
    return request.isTell ? tellerOf(client) : client;
  }

  private command(
    client: number,
    frame: number,
    request: RequestFrame,
    partition: Partition,
    layout: StateLayout,
    handler: CompiledHandler,
  ): void {
    const { ring } = request;
    if (!handler.command) {
      this.refuse(
        client,
        frame,
        request,
        partition,
        new UnknownMethodError(`${layout.type.name}.${handler.name} is a query, not a command`),
      );
      return;
    }
    let activation: Activation;
    try {
      activation = this.resident(partition, layout, request.keyHash, ring.u8, request.keyOffset, request.keyLength);
    } catch (error) {
      if (error instanceof AssertionFailed) throw error;
      this.refuse(client, frame, request, partition, error);
      return;
    }
    if (activation.busy || activation.queue.length > 0) {
      const path = request.path();
      const cycle = path.indexOf(activation.name);
      if (cycle >= 0) {
        const loop = [...path.slice(cycle), activation.name];
        this.refuse(
          client,
          frame,
          request,
          partition,
          new CallCycleError(`actors wait for each other: ${loop.join(' → ')}`, { details: { path: loop } }),
        );
        return;
      }
      activation.queue.push(this.hold(client, frame));
      return;
    }
    this.startCommand(client, frame, activation, handler);
  }

  private startCommand(client: number, frame: number, activation: Activation, handler: CompiledHandler): void {
    const { parts } = this;
    const request = this.at(client, frame);
    const { partition, turn } = activation;
    const { ring } = request;
    const starts = ring.start(frame);
    if (starts === START_CANCELLED) {
      ring.finish(frame);
      return;
    }
    const durable = partition.persistent && durableOf(request.ack, activation.layout, parts.defaultDurable);
    const { number } = request;
    const answerTo = this.requesterOf(client, frame, request);
    let args: readonly unknown[];
    turn.beforeReply = undefined;
    turn.once = undefined;
    try {
      args = request.args();
      const once = request.hasExtra ? request.once() : undefined;
      if (once !== undefined) {
        // Before all that refuses it: a retry of what took effect has its answer, whatever befell its own thread.
        const asker = this.asker(client, frame, request, durable);
        if (parts.once.replay(activation, handler, once, args, asker)) {
          this.answered(client, frame, asker);
          return;
        }
        turn.beforeReply = parts.once.remember(activation, handler, once, args);
        turn.once = parts.once.underWay(activation, handler, once, args);
      }
      const failure = this.failureOf(request, activation, this.isBlamed(client, frame, starts) ? starts : 0);
      if (failure !== undefined) throw failure;
      if (request.hasExtra) activation.path = request.path();
      else if (activation.path.length > 0) activation.path = [];
    } catch (error) {
      this.refuse(client, frame, request, partition, error);
      return;
    }
    const ringFrame = client === this.keptLane ? -1 : frame;
    const running = this.run(activation, handler, args, answerTo, number, durable, ringFrame);
    if (running === undefined) {
      if (parts.runner.takeLoose()) this.finishLater(client, frame);
      else ring.finish(frame);
      return;
    }
    const held = this.hold(client, frame);
    turn.afterReply = () => {
      this.letGo(held);
      if (parts.runner.takeLoose()) this.finishLater(held.client, held.frame);
      else this.at(held.client, held.frame).ring.finish(held.frame);
    };
    this.follow(activation, running);
  }

  /** Runs a command; the promise of an asynchronous one. */
  private run(
    activation: Activation,
    handler: CompiledHandler,
    args: readonly unknown[],
    client: number,
    number: number,
    durable: boolean,
    frame: number,
  ): Promise<void> | undefined {
    const { parts } = this;
    const { partition } = activation;
    activation.usedAt = parts.services.clock.now();
    if (activation.layout.unloaded !== undefined) activation.noteAccess(parts.access.tick);
    activation.turn.client = client;
    activation.turn.number = number;
    parts.counters.add(COMMANDS, 1);
    const { keyBytes, layout } = activation;
    // Only what stands in a ring can be read there by others.
    if (frame < 0) parts.running.enterAlone(layout.type.index, handler.index, partition.number, keyBytes);
    else parts.running.enter(layout.type.index, handler.index, partition.number, keyBytes.hash, frame);
    activation.running = handler.index;
    const running = parts.runner.command(activation, activation.turn, handler, args, client, number, durable);
    parts.running.leave();
    parts.watches.touched(activation);
    return running;
  }

  private follow(activation: Activation, running: Promise<void>): void {
    activation.busy = true;
    this.asyncRunning++;
    this.following.add(activation);
    void running.then(() => {
      this.asyncRunning--;
      this.following.delete(activation);
      // Its steps may have come long after it began.
      if (activation.layout.unloaded !== undefined) activation.noteAccess(this.parts.access.tick);
      activation.busy = false;
      this.runQueue(activation);
      // Again: what ran now is to be sent, and the thread may sleep.
      this.parts.runner.onStep(activation);
    });
  }

  /** What waited for an asynchronous command goes on, until the next one. */
  private runQueue(activation: Activation): void {
    // Bound: each request stands in a ring; the queue is as long as the rings are.
    for (let next = activation.queue.shift(); next !== undefined; next = activation.queue.shift()) {
      if (activation.partition.holdsCommands) {
        // Before those that came later.
        activation.partition.parkFirst([next, ...activation.queue.splice(0)]);
        return;
      }
      this.letGo(next);
      const request = this.at(next.client, next.frame);
      const handler = activation.layout.type.handlers[request.handler] as CompiledHandler;
      this.startCommand(next.client, next.frame, activation, handler);
      if (activation.busy) return;
    }
  }

  /**
   * A request is started no more when threads died over it as often as they may: unless another is known to have run when the
   * last one died, beside which this one only stood.
   */
  private isBlamed(lane: number, frame: number, starts: number): boolean {
    if (starts < STARTS_MAX) return false;
    const { suspectFrame } = this.parts;
    return suspectFrame < 0 || (lane !== this.keptLane && frame === suspectFrame);
  }

  private failureOf(request: RequestFrame, activation: Activation, blamedStarts: number): Error | undefined {
    const { type } = activation.layout;
    if (blamedStarts > 0) {
      return new WorkerLostError(
        `${type.name} "${activation.key}": the call was started ${blamedStarts} times and its thread died each time`,
      );
    }
    if (this.isSetAside(activation)) {
      return new ActorQuarantinedError(
        `${type.name} "${activation.key}" was running in three deaths of its thread within a minute: it is set aside`,
      );
    }
    const { deadline } = request;
    if (deadline > 0 && deadline < this.parts.services.clock.now())
      return new CallTimeoutError('the call was not started within its time: it did not run');
    return undefined;
  }

  private isSetAside({ layout, partition, keyBytes }: Activation): boolean {
    const { quarantined } = this.parts;
    if (quarantined.length === 0) return false;
    return quarantined.some(
      ({ type, partition: number, keyHash }) =>
        type === layout.type.index && number === partition.number && keyHash === keyBytes.hash,
    );
  }

  private resident(
    partition: Partition,
    layout: StateLayout,
    hash: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): Activation {
    const { type } = layout;
    let activation = this.table.find(type.index, hash, bytes, offset, length);
    if (activation === undefined) {
      if (length === 0) throw new InvalidKeyError('a key has at least one character');
      const own = bytes.slice(offset, offset + length);
      activation = new Activation(
        partition,
        layout,
        textOf(own, 0, length),
        { bytes: own, offset: 0, length, hash },
        this.parts.services,
      );
      const { options } = type;
      if (options.onActivate !== undefined) {
        const reader = this.reader(partition, layout);
        reader.find(activation.key, activation.keyBytes);
        try {
          options.onActivate(reader.view as never);
        } catch (cause) {
          throw new ActivationFailedError(
            `${type.name} "${activation.key}" can't be activated: ${cause instanceof Error ? cause.message : String(cause)}`,
            { cause },
          );
        }
      }
      activation.usedAt = this.parts.services.clock.now();
      this.table.add(activation);
      this.parts.counters.set(ACTIVATIONS, this.table.size);
    }
    return activation;
  }

  /** Forgets an idle actor; its state stays. */
  passivate(activation: Activation): void {
    if (activation.busy || activation.queue.length > 0) return;
    const { options } = activation.layout.type;
    if (options.onPassivate !== undefined) {
      const reader = this.reader(activation.partition, activation.layout);
      reader.find(activation.key, activation.keyBytes);
      try {
        options.onPassivate(reader.view as never);
      } catch {
        // The actor is forgotten all the same; its state does not depend on the hook.
        this.parts.counters.add(ERRORS, 1);
      }
    }
    activation.retire();
    this.table.remove(activation);
    this.parts.counters.set(ACTIVATIONS, this.table.size);
  }

  /** When the next actor is idle for as long as its type allows; Infinity when none will be. Looks at every actor. */
  nextIdleAt(): number {
    let next = Number.POSITIVE_INFINITY;
    this.table.sweep(0, this.table.bucketCount, (activation) => {
      if (!activation.busy && activation.queue.length === 0)
        next = Math.min(next, activation.usedAt + activation.layout.type.idleMs + 1);
    });
    return next;
  }

  /** Lets go of all that waits for an actor, since another thread has taken over. */
  abandon(): void {
    this.table.sweep(0, this.table.bucketCount, (activation) => {
      activation.queue.length = 0;
    });
  }

  reader(partition: Partition, layout: StateLayout): StateReader {
    const readers = this.readers[partition.number] as (StateReader | undefined)[];
    const { index } = layout.type;
    let reader = readers[index];
    if (reader === undefined) {
      const sight = new PartitionSight(partition, this.parts.services.clock, this.parts.counters);
      reader = new StateReader(partition.heap, layout, new KeyScratch(this.parts.hashSeed), sight);
      readers[index] = reader;
    }
    return reader;
  }

  private refuse(client: number, frame: number, request: RequestFrame, partition: Partition, error: unknown): void {
    this.parts.counters.add(REFUSED, 1);
    // Unless its caller took it back, which needs no answer. What was started before is not started once more to be refused.
    const starts = request.ring.startsOf(frame);
    if (starts !== START_CANCELLED && (starts > 0 || request.ring.start(frame) !== START_CANCELLED)) {
      const caller = { client: this.requesterOf(client, frame, request), number: request.number, durable: false };
      // Numbers of watches are not those of calls.
      const status = request.kind === KIND_WATCH ? STATUS_WATCH_ERROR : STATUS_REFUSED;
      this.parts.runner.refuse(partition, error, caller, status);
      this.finishLater(client, frame);
      return;
    }
    request.ring.finish(frame);
  }

  /** Ends a request that needs no answer. */
  private drop(frame: number, request: RequestFrame): void {
    request.ring.start(frame);
    request.ring.finish(frame);
  }
}

function durableOf(ack: number, layout: StateLayout, byDefault: boolean): boolean {
  if (ack !== ACK_DEFAULT) return ack === ACK_DURABLE;
  const own = layout.type.options.ack;
  return own === undefined ? byDefault : own === 'durable';
}

function textOf(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');
}
