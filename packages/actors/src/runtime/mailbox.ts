/**
 * Takes requests from the rings to their actors. A request stays in its ring until it is answered; an actor that is busy with
 * an asynchronous command keeps the places of those that wait. Queries never wait.
 */
import {
  ActorQuarantinedError,
  AssertionFailed,
  CallCycleError,
  CallTimeoutError,
  type KeyBytes,
  KeyScratch,
  OutcomeUnknownError,
  START_CANCELLED,
  STARTS_MAX,
  UnknownActorError,
  UnknownMethodError,
  WorkerLostError,
} from '@spacegrid/core';
import { COMMANDS, ERRORS, QUERIES, REFUSED, type ThreadCounters } from '../control/counters.ts';
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
import type { StateLayout } from '../state/state-layout.ts';
import { isStub } from '../state/stubs.ts';
import type { AccessClock } from './access-clock.ts';
import { type Activation } from './activation.ts';
import type { ActorLoads } from './actor-loads.ts';
import type { KeptRequests } from './kept-requests.ts';
import type { OnceTable } from './once-table.ts';
import type { Partition, WaitingRequest } from './partition.ts';
import { NOBODY } from './requester.ts';
import type { RequestFrame } from './request-frame.ts';
import { RequestLedger } from './request-ledger.ts';
import { Residents } from './residents.ts';
import type { RunningActor, RunningHandler, RunningMark } from './running-mark.ts';
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
  /** What has come and is not through. */
  readonly requests: RequestLedger;
  readonly residents: Residents;
  /** Asynchronous commands under way. */
  asyncRunning: number;
  /** Whose they are. */
  private readonly following: Set<Activation>;
  private readonly parts: MailboxParts;
  private readonly keys: KeyScratch;

  constructor(parts: MailboxParts) {
    const { counters, frames, hashSeed, kept, layouts, partitions, services } = parts;
    this.parts = parts;
    this.requests = new RequestLedger(frames, kept, partitions);
    this.residents = new Residents(partitions, layouts, services, counters, hashSeed);
    this.asyncRunning = 0;
    this.following = new Set();
    this.keys = new KeyScratch(hashSeed);
  }

  /** Handles the frame of a client; it is finished now or later, when it is answered. */
  receive(client: number, frame: number): void {
    const request = this.requests.at(client, frame);
    const partition = this.parts.partitions[request.partition];
    const layout = this.parts.layouts[request.type];
    if (partition === undefined || this.requests.isConsumed(client, frame, request)) {
      this.requests.drop(frame, request);
      return;
    }
    const { kind } = request;
    if (kind === KIND_WATCH_TAKEN || kind === KIND_UNWATCH) {
      if (kind === KIND_UNWATCH) this.unwatch(client, request.number);
      else this.parts.watches.taken(client, request.number);
      this.requests.drop(frame, request);
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
    const stepsCommitted = this.requests.stepsOf(client, frame, request);
    if (stepsCommitted !== undefined) {
      const error = new OutcomeUnknownError(
        `the thread of ${layout.type.name}.${handler.name} died after ${stepsCommitted} steps of it were committed: they stay`,
        { details: { stepsCommitted } },
      );
      this.refuse(client, frame, request, partition, error);
      return;
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
    else if (partition.holdsCommands || partition.parked.length > 0) partition.park(this.requests.hold(client, frame));
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
      this.requests.letGo(waiting);
      const request = this.requests.at(client, frame);
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
      this.requests.letGo(one);
      const request = this.requests.at(client, frame);
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
      this.requests.letGo(one);
      const request = this.requests.at(client, frame);
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
    const activation = this.residents.table.find(index, key.hash, key.bytes, key.offset, key.length);
    if (activation === undefined) return true;
    if (activation.busy || activation.queue.length > 0) return false;
    this.residents.passivate(activation);
    return true;
  }

  /** The one asynchronous command under way; undefined when there are several, or none. */
  get onlyRunning(): RunningHandler | undefined {
    if (this.asyncRunning !== 1) return undefined;
    for (const { layout, running, partition, keyBytes } of this.following)
      return { type: layout.type.index, handler: running, partition: partition.number, key: keyBytes };
    return undefined;
  }

  /** Goes on with a request that a predecessor kept. */
  receiveKept(number: number): void {
    const request = this.requests.at(this.requests.keptLane, number);
    const { number: call } = request;
    const requester = this.requests.requesterOf(this.requests.keptLane, number, request);
    this.receive(this.requests.keptLane, number);
    // The predecessor may have died before it took the request out of its ring.
    this.requests.noteConsumed(requester, call);
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
        const request = this.requests.at(waiting.client, waiting.frame);
        return request.kind === KIND_WATCH && isDropped(this.requests.ownerOf(waiting.client, waiting.frame), request);
      },
      (waiting) => {
        this.requests.letGo(waiting);
        this.requests.drop(waiting.frame, this.requests.at(waiting.client, waiting.frame));
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
      this.parts.loads.wait(partition, layout, key, this.requests.hold(client, frame));
      return true;
    }
    table.touch(record, this.parts.access.tick);
    return false;
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
      activation = this.residents.resident(partition, layout, bytes.hash, bytes.bytes, 0, bytes.length);
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
    const reader = this.residents.reader(partition, layout);
    const key = this.keys.point(ring.u8, request.keyOffset, request.keyLength, request.keyHash);
    try {
      if (handler.command)
        throw new UnknownMethodError(`${layout.type.name}.${handler.name} is a command, not a query`);
      // Decoding the key costs a fifth of a query: only for those that ask for it.
      reader.find(undefined, key);
      const args = request.args();
      if (request.kind === KIND_WATCH) {
        const text = textOf(ring.u8, request.keyOffset, request.keyLength);
        const owner = this.requests.ownerOf(client, frame);
        parts.watches.add(owner, request.number, partition, layout, text, handler, args);
      } else {
        parts.counters.add(QUERIES, 1);
        // Only what stands in a ring can be read there by others.
        if (client === this.requests.keptLane)
          parts.running.enterAlone(layout.type.index, handler.index, partition.number, key);
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
    const requester = this.requests.requesterOf(client, frame, request);
    if (!durable || request.isTell) return { client: requester, number, durable: false, waiting: undefined };
    const waiting = { client, frame };
    const onSent = (): void => {
      this.requests.letGo(waiting);
      this.requests.finishLater(waiting.client, waiting.frame);
    };
    return { client: requester, number, durable, onSent, waiting };
  }

  /** The request of `asker` has its answer: it is finished when that is published, or keeps waiting for the watermark. */
  private answered(client: number, frame: number, { waiting }: Asker): void {
    if (waiting === undefined) this.requests.finishLater(client, frame);
    else this.requests.holdWaiting(waiting);
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
      activation = this.residents.resident(
        partition,
        layout,
        request.keyHash,
        ring.u8,
        request.keyOffset,
        request.keyLength,
      );
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
      activation.queue.push(this.requests.hold(client, frame));
      return;
    }
    this.startCommand(client, frame, activation, handler);
  }

  private startCommand(client: number, frame: number, activation: Activation, handler: CompiledHandler): void {
    const { parts } = this;
    const request = this.requests.at(client, frame);
    const { partition, turn } = activation;
    const { ring } = request;
    const starts = ring.start(frame);
    if (starts === START_CANCELLED) {
      ring.finish(frame);
      return;
    }
    const durable = partition.persistent && durableOf(request.ack, activation.layout, parts.defaultDurable);
    const { number } = request;
    const answerTo = this.requests.requesterOf(client, frame, request);
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
    const ringFrame = client === this.requests.keptLane ? -1 : frame;
    const running = this.run(activation, handler, args, answerTo, number, durable, ringFrame);
    if (running === undefined) {
      if (parts.runner.takeLoose()) this.requests.finishLater(client, frame);
      else ring.finish(frame);
      return;
    }
    const held = this.requests.hold(client, frame);
    turn.afterReply = () => {
      this.requests.letGo(held);
      if (parts.runner.takeLoose()) this.requests.finishLater(held.client, held.frame);
      else this.requests.at(held.client, held.frame).ring.finish(held.frame);
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
      this.requests.letGo(next);
      const request = this.requests.at(next.client, next.frame);
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
    return suspectFrame < 0 || (lane !== this.requests.keptLane && frame === suspectFrame);
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

  private refuse(client: number, frame: number, request: RequestFrame, partition: Partition, error: unknown): void {
    this.parts.counters.add(REFUSED, 1);
    // Unless its caller took it back, which needs no answer. What was started before is not started once more to be refused.
    const starts = request.ring.startsOf(frame);
    if (starts !== START_CANCELLED && (starts > 0 || request.ring.start(frame) !== START_CANCELLED)) {
      const caller = {
        client: this.requests.requesterOf(client, frame, request),
        number: request.number,
        durable: false,
      };
      // Numbers of watches are not those of calls.
      const status = request.kind === KIND_WATCH ? STATUS_WATCH_ERROR : STATUS_REFUSED;
      this.parts.runner.refuse(partition, error, caller, status);
      this.requests.finishLater(client, frame);
      return;
    }
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
