/**
 * Runs handlers. A synchronous command is one turn: begun, run, flushed, sealed with its reply in the outbox, committed by one
 * store; a throw undoes it and commits its error in its place, so that the request is consumed either way. An asynchronous
 * command runs outside of turns, writes in steps, and ends in a turn that holds its reply.
 */
import {
  AssertionFailed,
  AsyncWriteError,
  ENTRY_REPLY_BYTES,
  PackWriter,
  ENTRY_ANSWERED,
  ENTRY_FLAGS,
  ENTRY_WORDS,
  ENTRY_CHANGE_BYTES,
  padWords,
  encodeError,
  OverloadedError,
  isGridError,
  WorkerLostError,
  writeValue,
} from '@spacegrid/core';
import { ERRORS, type ThreadCounters, UNDONE } from '../control/counters.ts';
import { STATUS_ERROR, STATUS_REFUSED, STATUS_VALUE } from '../control/frames.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import { isThenable, refusePromise } from '../define/refuse-promise.ts';
import type { Activation } from './activation.ts';
import type { KeptRequests } from './kept-requests.ts';
import type { Partition } from './partition.ts';
import type { ReplyLanes } from './reply-lanes.ts';
import { refuseLargeAnswer } from './refuse-large-answer.ts';
import { isAnswered, NOBODY } from './requester.ts';
import type { RunningMark } from './running-mark.ts';
import type { StepTable } from './step-table.ts';
import type { TurnObject } from './turn-object.ts';
import type { TurnOwner } from './turn-owner.ts';
import type { DrivenTurn, StepRunner } from './turn-services.ts';

/** Who waits for an answer; `client` is a requester (requester.ts). */
export interface Caller {
  readonly client: number;
  readonly number: number;
  /** The reply waits for the durable watermark. */
  readonly durable: boolean;
  /** Told when a reply that had to wait for the watermark was written. */
  readonly onSent?: () => void;
}

/** Entry flag beside ENTRY_ANSWERED: the reply is an error. */
export const ENTRY_FAILED = 2;
/** Entry flag: the reply waits for the watermark. */
export const ENTRY_DURABLE = 4;

/** Bound: bytes of answers to queries that wait for the watermark of one partition. */
const GATED_BYTES_MAX: number = 64 * 1024 * 1024;

export class TurnRunner implements StepRunner {
  private readonly replies: ReplyLanes;
  private readonly counters: ThreadCounters;
  private readonly running: RunningMark;
  private readonly scratch: PackWriter;
  /** Told of messages that may leave. */
  onMessages: (partition: Partition, id: string) => void;
  /** Told after each step and the end of an asynchronous command. */
  onStep: (activation: Activation) => void;
  /** Told when a command failed that nobody waits for. */
  onUnheard: (activation: Activation, handler: CompiledHandler, error: unknown) => void;
  private readonly steps: StepTable;
  /** Another thread has taken over: handlers that still await something write and answer nothing. */
  private ended: boolean;
  private readonly kept: KeptRequests;
  private isAnswerLoose: boolean;

  constructor(
    replies: ReplyLanes,
    counters: ThreadCounters,
    steps: StepTable,
    kept: KeptRequests,
    running: RunningMark,
  ) {
    this.replies = replies;
    this.running = running;
    this.counters = counters;
    this.steps = steps;
    this.ended = false;
    this.kept = kept;
    this.isAnswerLoose = false;
    this.onStep = () => undefined;
    this.onUnheard = () => undefined;
    this.scratch = PackWriter.growing(4096);
    this.onMessages = () => undefined;
  }

  /** Runs a command. Returns the promise of an asynchronous one, which settles when it is answered; else undefined. */
  command(
    activation: Activation,
    turn: TurnObject,
    handler: CompiledHandler,
    args: readonly unknown[],
    client: number,
    number: number,
    durable: boolean,
  ): Promise<void> | undefined {
    const { partition } = activation;
    const { beforeReply } = turn;
    turn.isRepeatable = true;
    // Bound: each time actors have left memory.
    for (;;) {
      turn.beforeReply = beforeReply;
      try {
        partition.begin(activation);
        turn.beginCommand(durable);
        const result = call(handler, turn, args);
        if (isThenable(result))
          return this.asynchronous(activation, turn, handler, result, { client, number, durable });
        // After a step there was no room to open the command's turn again, and the handler went on all the same.
        if (!partition.heap.open) partition.begin(activation);
        activation.flush();
        this.commitValue(partition, turn, result, client, number, durable);
        if (turn.beforeTurn !== undefined) turn.settled();
      } catch (error) {
        if (turn.isRepeatable && this.madeRoom(partition, error)) continue;
        if (turn.beforeTurn !== undefined) this.settleAlone(partition, turn);
        this.fail(partition, error, { client, number, durable });
        if (!isAnswered(client)) this.onUnheard(activation, handler, error);
      }
      return undefined;
    }
  }

  /** Runs one step of an asynchronous command as a turn, and returns what `change` returns. */
  step<R>(owner: TurnOwner, turn: DrivenTurn, change: (state: never) => R): R {
    // Every owner of a turn object is an activation: turn-owner.ts only keeps the files apart.
    const activation = owner as Activation;
    const { partition } = activation;
    if (this.ended) throw new WorkerLostError('the thread of this command has ended: the step did not run');
    const { keyBytes, layout } = activation;
    const marked = this.running.enterAlone(layout.type.index, activation.running, partition.number, keyBytes);
    try {
      // Bound: each time actors have left memory.
      for (;;) {
        try {
          return this.stepOnce(activation, turn, change);
        } catch (error) {
          if (!this.madeRoom(partition, error)) throw error;
        }
      }
    } finally {
      if (marked) this.running.leaveStep();
    }
  }

  private stepOnce<R>(activation: Activation, turn: DrivenTurn, change: (state: never) => R): R {
    const { partition } = activation;
    partition.begin(activation);
    try {
      turn.beginTurn();
      turn.begun();
      const result = change(activation.state as never);
      if (isThenable(result)) {
        result.then(undefined, () => undefined);
        throw new AsyncWriteError('a step is a synchronous function: this one returned a promise');
      }
      activation.flush();
      turn.stepping();
      const messages = turn.storeMessages();
      if (turn.client !== NOBODY) this.steps.note(partition, turn.client, turn.number, turn.stepsSoFar + 1);
      partition.commit(-1, 0, ENTRY_ANSWERED, partition.changes.endPart(), 0);
      if (turn.client !== NOBODY) this.steps.noted(turn.client, turn.number);
      turn.settled();
      this.release(partition, messages, turn.durable);
      this.onStep(activation);
      return result;
    } catch (error) {
      if (partition.heap.open) partition.undo();
      this.counters.add(UNDONE, 1);
      throw error;
    }
  }

  /** True when a turn, which is undone, found no room in memory, and actors have left it now. A map at its own limit is no such. */
  private madeRoom(partition: Partition, error: unknown): boolean {
    if (partition.makeRoom === undefined || !isGridError(error, 'CAPACITY') || !partition.heap.isStarved) return false;
    if (partition.heap.open) partition.undo();
    return partition.makeRoom();
  }

  /** From now on handlers that still await something write and answer nothing. */
  end(): void {
    this.ended = true;
  }

  noteEffect(owner: TurnOwner, turn: DrivenTurn): void {
    if (turn.client === NOBODY || this.steps.has(turn.client, turn.number)) return;
    const { partition } = owner;
    partition.begin(undefined);
    try {
      this.steps.note(partition, turn.client, turn.number, turn.stepsSoFar);
      turn.stepping();
      partition.commitInternal();
      this.steps.noted(turn.client, turn.number);
    } catch (error) {
      partition.undo();
      throw error;
    }
  }

  /** Runs a query between turns and replies at once, or when what it saw is durable. */
  query(partition: Partition, view: object, handler: CompiledHandler, args: readonly unknown[], caller: Caller): void {
    const { scratch } = this;
    scratch.at = 0;
    let status = STATUS_VALUE;
    try {
      writeValue(scratch, refusePromise(handler.name, call(handler, view, args)));
      refuseLargeAnswer(scratch.at);
    } catch (error) {
      if (error instanceof AssertionFailed) throw error;
      this.counters.add(ERRORS, 1);
      status = STATUS_ERROR;
      scratch.at = 0;
      encodeError(scratch, error);
    }
    this.send(partition, caller, status, partition.heap.committed, scratch.bytes, 0, scratch.at, undefined);
  }

  /** Answers without having run anything. */
  refuse(partition: Partition, error: unknown, caller: Caller, status: number = STATUS_REFUSED): void {
    const { scratch } = this;
    this.counters.add(ERRORS, 1);
    scratch.at = 0;
    encodeError(scratch, error);
    this.send(partition, { ...caller, durable: false }, status, 0, scratch.bytes, 0, scratch.at, undefined);
  }

  /** Sends an answer that is kept elsewhere. */
  sendKept(
    partition: Partition,
    caller: Caller,
    status: number,
    sequence: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void {
    this.send(partition, caller, status, sequence, bytes, from, length, undefined);
  }

  /** Answers, with nothing, when the turn `sequence` is durable. */
  reached(partition: Partition, sequence: number, caller: Caller): void {
    this.scratch.at = 0;
    writeValue(this.scratch, undefined);
    this.send(partition, caller, STATUS_VALUE, sequence, this.scratch.bytes, 0, this.scratch.at, undefined);
  }

  /** Sends the reply that a committed entry holds: at once, or through the gate. */
  deliver(partition: Partition, entry: number, caller: Caller, sequence: number): void {
    const { i32 } = partition.heap;
    const status = ((i32[entry + ENTRY_FLAGS] as number) & ENTRY_FAILED) !== 0 ? STATUS_ERROR : STATUS_VALUE;
    this.send(
      partition,
      caller,
      status,
      sequence,
      partition.heap.u8,
      replyOffset(i32, entry),
      i32[entry + ENTRY_REPLY_BYTES] as number,
      entry,
    );
  }

  private commitValue(
    partition: Partition,
    turn: TurnObject,
    result: unknown,
    client: number,
    number: number,
    durable: boolean,
  ): void {
    const { changes } = partition;
    turn.answering(result);
    const messages = turn.storeMessages();
    const changeBytes = changes.endPart();
    let replyBytes = 0;
    if (isAnswered(client)) {
      changes.value(result);
      replyBytes = changes.endPart();
      refuseLargeAnswer(replyBytes);
    }
    this.finish(partition, client, number, durable, 0, changeBytes, replyBytes);
    this.release(partition, messages, durable);
  }

  /** Undoes the open turn and commits the error as the request's answer. */
  private fail(partition: Partition, error: unknown, caller: Caller, turn?: TurnObject): void {
    if (partition.heap.open) partition.undo();
    // Our own bug: the state can't be trusted. The thread ends, and its successor starts from the committed state.
    if (error instanceof AssertionFailed) throw error;
    this.counters.add(ERRORS, 1);
    this.counters.add(UNDONE, 1);
    // What nobody waits for and has committed no step leaves nothing to be remembered: running it again is harmless.
    if (!isAnswered(caller.client) && !this.steps.has(caller.client, caller.number)) return;
    try {
      partition.begin(undefined);
      const { changes } = partition;
      turn?.failing();
      const changeBytes = changes.endPart();
      this.scratch.at = 0;
      if (isAnswered(caller.client)) {
        encodeError(this.scratch, error);
        changes.room(this.scratch.at);
        changes.writer.raw(this.scratch.bytes, 0, this.scratch.at);
      }
      this.finish(
        partition,
        caller.client,
        caller.number,
        caller.durable,
        ENTRY_FAILED,
        changeBytes,
        changes.endPart(),
      );
    } catch (second) {
      // Not even the answer fits: it is sent without being kept. A request that changed nothing may run again; of one with
      // steps these stay noted, until the next thread has told its caller so.
      if (partition.heap.open) partition.undo();
      if (second instanceof AssertionFailed) throw second;
      this.isAnswerLoose = true;
      this.refuse(partition, error, caller);
    }
  }

  /** True once after a command whose answer is in no committed turn: its request is to wait until that is published. */
  takeLoose(): boolean {
    const { isAnswerLoose } = this;
    this.isAnswerLoose = false;
    return isAnswerLoose;
  }

  private finish(
    partition: Partition,
    client: number,
    number: number,
    durable: boolean,
    flags: number,
    changeBytes: number,
    replyBytes: number,
  ): void {
    const remembered = this.steps.size > 0 || this.kept.size > 0;
    if (remembered) this.forgetRequest(partition, client, number);
    if (!isAnswered(client)) {
      partition.commit(client, number, flags | ENTRY_ANSWERED, changeBytes, 0);
      if (remembered) this.forgotten(client, number);
      return;
    }
    if (durable) {
      const entry = partition.commit(client, number, flags | ENTRY_DURABLE, changeBytes, replyBytes);
      if (remembered) this.forgotten(client, number);
      this.deliver(partition, entry, { client, number, durable }, partition.heap.committed);
      return;
    }
    const entry = partition.commit(client, number, flags, changeBytes, replyBytes);
    if (remembered) this.forgotten(client, number);
    const { heap } = partition;
    const status = (flags & ENTRY_FAILED) !== 0 ? STATUS_ERROR : STATUS_VALUE;
    this.replies.reply(
      client,
      number,
      status,
      heap.committed,
      partition.number,
      heap.u8,
      replyOffset(heap.i32, entry),
      replyBytes,
    );
  }

  /** In the turn that answers: what else is kept of the request goes with it. */
  private forgetRequest(partition: Partition, client: number, number: number): void {
    this.steps.end(partition, client, number);
    this.kept.end(partition, client, number);
  }

  /** That turn is committed. */
  private forgotten(client: number, number: number): void {
    this.steps.ended(client, number);
    this.kept.committed(client, number);
  }

  /** Lets stored messages leave: at once, or when their turn is durable. */
  private release(partition: Partition, messages: string | undefined, durable: boolean): void {
    if (messages === undefined) return;
    if (durable)
      partition.gate.hold({ sequence: partition.heap.committed, open: () => this.onMessages(partition, messages) });
    else this.onMessages(partition, messages);
  }

  private send(
    partition: Partition,
    caller: Caller,
    status: number,
    sequence: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    entry: number | undefined,
  ): void {
    if (!isAnswered(caller.client)) return;
    if (!caller.durable) {
      this.replies.reply(caller.client, caller.number, status, sequence, partition.number, bytes, from, length);
      return;
    }
    // Entries stay where they are until they are durable and answered; anything else is copied.
    if (entry === undefined && partition.gate.heldBytes + length > GATED_BYTES_MAX) {
      this.giveUp(partition, caller);
      return;
    }
    const kept = entry === undefined ? bytes.slice(from, from + length) : undefined;
    partition.gate.hold({
      sequence,
      bytes: kept === undefined ? 0 : length,
      open: () => {
        this.replies.reply(
          caller.client,
          caller.number,
          status,
          sequence,
          partition.number,
          kept ?? partition.heap.u8,
          kept === undefined ? from : 0,
          length,
        );
        caller.onSent?.();
      },
    });
  }

  /** Too much waits for the disk: the caller of a query may ask again. */
  private giveUp(partition: Partition, caller: Caller): void {
    const { gate } = partition;
    const error = new OverloadedError(
      `${gate.heldBytes} bytes of answers to queries wait until partition ${partition.number} is durable: ask again later`,
    );
    gate.hold({
      // Opens at once, in its own time: until then the request waits as others do.
      sequence: 0,
      open: () => {
        this.refuse(partition, error, caller);
        caller.onSent?.();
      },
    });
  }

  /** The handler returned a promise: nothing it did so far may have been a write. */
  private asynchronous(
    activation: Activation,
    turn: TurnObject,
    handler: CompiledHandler,
    result: PromiseLike<unknown>,
    caller: Caller,
  ): Promise<void> | undefined {
    const { partition } = activation;
    const wrote = partition.writes > 0 || turn.hasMessages;
    // Not open where a step before the first await left no room to open it again.
    if (partition.heap.open) partition.undo();
    if (wrote) {
      result.then(undefined, () => undefined);
      throw new AsyncWriteError(
        `${activation.layout.type.name}.${handler.name} wrote and then returned a promise: an asynchronous command writes inside turn.step(state => …)`,
      );
    }
    if (turn.beforeTurn !== undefined) this.settleAlone(partition, turn);
    turn.beginAsync();
    return Promise.resolve(result).then(
      (value) =>
        this.endAsync(activation, turn, caller, () =>
          this.commitValue(partition, turn, value, caller.client, caller.number, caller.durable),
        ),
      (error: unknown) => {
        const failure = withSteps(error, turn.stepsCommitted);
        if (!this.ended && !isAnswered(caller.client)) this.onUnheard(activation, handler, failure);
        if (caller.client === NOBODY) this.counters.add(ERRORS, 1);
        return this.endAsync(activation, turn, caller, () => this.fail(partition, failure, caller, turn));
      },
    );
  }

  private endAsync(
    activation: Activation,
    turn: TurnObject,
    caller: Caller,
    commit: () => void,
  ): Promise<void> | undefined {
    if (this.ended) return new Promise<void>(() => undefined);
    turn.endAsync();
    const { partition } = activation;
    try {
      if (caller.client !== NOBODY) {
        partition.begin(undefined);
        commit();
      }
    } catch (error) {
      this.fail(partition, error, caller, turn);
    }
    // In the same go as the commit: a death in between would make a successor run the command again.
    turn.answered();
    this.onStep(activation);
    return undefined;
  }

  /** Commits what belongs to the command's first turn on its own, since the command committed none. */
  private settleAlone(partition: Partition, turn: TurnObject): void {
    if (partition.heap.open) partition.undo();
    try {
      partition.begin(undefined);
      turn.begun();
      partition.commitInternal();
    } catch (error) {
      if (partition.heap.open) partition.undo();
      if (error instanceof AssertionFailed) throw error;
      this.counters.add(ERRORS, 1);
    }
    turn.settled();
  }
}

function replyOffset(i32: Int32Array, entry: number): number {
  return (entry + ENTRY_WORDS + padWords(i32[entry + ENTRY_CHANGE_BYTES] as number)) * 4;
}

function call(handler: CompiledHandler, first: object, args: readonly unknown[]): unknown {
  switch (args.length) {
    case 0:
      return handler.run(first);
    case 1:
      return handler.run(first, args[0]);
    case 2:
      return handler.run(first, args[0], args[1]);
    case 3:
      return handler.run(first, args[0], args[1], args[2]);
    default:
      return handler.run(first, ...args);
  }
}

function withSteps(error: unknown, stepsCommitted: number): unknown {
  if (stepsCommitted > 0 && error instanceof Error && !('stepsCommitted' in error)) {
    Object.defineProperty(error, 'stepsCommitted', { value: stepsCommitted, enumerable: true });
  }
  return error;
}
