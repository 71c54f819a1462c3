/** What a command is given first: one for each activation. Its public face is `Turn` in define-actor.ts. */
import { AsyncWriteError, encodeKey, InvalidArgumentError, InvalidDefinitionError } from '@spacegrid/core';
import type { AnyDefinition } from '../define/define-actor.ts';
import type { OffloadTask } from '../define/offload-task.ts';
import { retireStructure } from '../state/retire-structure.ts';
import type { Message } from './outgoing.ts';
import { NOBODY } from './requester.ts';
import type { TurnOwner } from './turn-owner.ts';
import type { OnceMark, TurnServices } from './turn-services.ts';

/** Most messages of one turn. */
const MESSAGES_MAX = 10_000;

export class TurnObject {
  readonly key: string;
  /** Steps of the running asynchronous command that are committed. */
  stepsCommitted: number;
  /** What the running command sends waits until its turn is durable. */
  durable: boolean;
  /** The running command has committed no step and called nobody: undone, it may run once more. */
  isRepeatable: boolean;
  /** For whom the running command runs: a requester (requester.ts). */
  client: number;
  number: number;
  /** Done with the first turn that the next command commits, or on its own when it commits none: a reminder's firing. */
  beforeTurn: (() => void) | undefined;
  /** Told once, right after an asynchronous command's answer was committed. */
  afterReply: (() => void) | undefined;
  /** What a running command with an idempotency key does in the turn of its first step, and in that of its failure. */
  once: OnceMark | undefined;
  /** Done with the next command's result, in the turn that answers. */
  beforeReply: ((result: unknown) => void) | undefined;
  private readonly activation: TurnOwner;
  private readonly services: TurnServices;
  private nowMs: number;
  private awaiting: boolean;
  private readonly messages: Message[];
  private insideSteps: number;
  /** A step runs: its function is on the stack. */
  private inStep: boolean;

  constructor(activation: TurnOwner, services: TurnServices) {
    this.key = activation.key;
    this.stepsCommitted = 0;
    this.durable = false;
    this.isRepeatable = false;
    this.client = NOBODY;
    this.number = 0;
    this.beforeTurn = undefined;
    this.afterReply = undefined;
    this.beforeReply = undefined;
    this.once = undefined;
    this.activation = activation;
    this.services = services;
    this.nowMs = 0;
    this.awaiting = false;
    this.messages = [];
    this.insideSteps = 0;
    this.inStep = false;
  }

  get state(): object {
    return this.activation.state;
  }

  get now(): number {
    return this.nowMs;
  }

  step<R>(change: (state: never) => R): R {
    const { partition } = this.activation;
    if (this.inStep || (this.awaiting && partition.heap.open))
      throw new AsyncWriteError('turn.step is called inside of a step: a step is one turn');
    if (!this.awaiting) {
      // Before its first await nothing tells an asynchronous command from a synchronous one: its turn is the open one.
      if (partition.open === this.activation) return this.stepInside(change);
      throw new AsyncWriteError('turn.step is called after its command has ended');
    }
    const result = this.runStep(change);
    this.stepsCommitted++;
    return result;
  }

  actor(definition: AnyDefinition, key: string): object {
    return this.services.actorCalls(this.activation, definition, key, () => this.noteEffect());
  }

  send(definition: AnyDefinition, key: string): object {
    const type = this.services.typeOf(definition);
    // A key that is none could never be delivered to.
    encodeKey(key, 0);
    const sends: Record<string, (...args: readonly unknown[]) => void> = {};
    for (const handler of type.handlers) {
      if (!handler.command) continue;
      sends[handler.name] = (...args) => {
        this.activation.assertWritable();
        if (this.messages.length >= MESSAGES_MAX)
          throw new InvalidArgumentError(`a turn sends at most ${MESSAGES_MAX} messages`);
        this.messages.push([type.name, handler.name, key, args]);
      };
    }
    return sends;
  }

  after(delayMs: number, command: string, ...args: readonly unknown[]): string {
    if (!Number.isFinite(delayMs))
      throw new InvalidArgumentError(`turn.after(${delayMs}): a number of milliseconds is needed`);
    return this.at(this.nowMs + delayMs, command, ...args);
  }

  at(timeMs: number, command: string, ...args: readonly unknown[]): string {
    return this.schedule(timeMs, 0, command, args);
  }

  every(periodMs: number, command: string, ...args: readonly unknown[]): string {
    if (!(periodMs >= 10)) throw new InvalidArgumentError(`turn.every(${periodMs}): at least 10 ms are allowed`);
    return this.schedule(this.nowMs + periodMs, periodMs, command, args);
  }

  cancel(reminder: string): boolean {
    this.activation.assertWritable();
    if (typeof reminder !== 'string')
      throw new InvalidArgumentError('turn.cancel takes the id that after, at or every returned: a text');
    return this.services.reminders.cancel(this.activation, reminder);
  }

  forget(): void {
    const { activation } = this;
    activation.forget((slot, header) => retireStructure(activation.partition.heap, slot, header));
  }

  offload<A, R>(task: OffloadTask<A, R>, input: A): Promise<R> {
    return this.services.offload(task, input);
  }

  // ---- for the runner ----

  beginCommand(durable: boolean): void {
    this.durable = durable;
    this.insideSteps = 0;
    this.beginTurn();
    this.begun();
  }

  begun(): void {
    this.beforeTurn?.();
  }

  settled(): void {
    this.beforeTurn = undefined;
  }

  stepping(): void {
    if (this.stepsSoFar === 0) this.once?.mark();
  }

  /** In the turn that commits an asynchronous command's failure. */
  failing(): void {
    this.once?.forget();
  }

  get stepsSoFar(): number {
    return this.awaiting ? this.stepsCommitted : this.insideSteps;
  }

  /** Tells who remembers the answer. In the turn that answers. */
  answering(result: unknown): void {
    const remember = this.beforeReply;
    this.beforeReply = undefined;
    remember?.(result);
  }

  beginTurn(): void {
    this.nowMs = this.activation.partition.now(this.services.clock.now());
    // Setting the length costs 30 ns, even to what it is.
    if (this.messages.length > 0) this.messages.length = 0;
  }

  get hasMessages(): boolean {
    return this.messages.length > 0;
  }

  beginAsync(): void {
    this.awaiting = true;
    this.stepsCommitted = this.insideSteps;
    this.insideSteps = 0;
  }

  endAsync(): void {
    this.awaiting = false;
    this.stepsCommitted = 0;
  }

  /** The asynchronous command's answer is committed, or nobody waits for one. */
  answered(): void {
    const tell = this.afterReply;
    this.afterReply = undefined;
    tell?.();
  }

  /** Stores the turn's messages with it. Returns what to release when its ack level is reached; undefined without any. */
  storeMessages(): string | undefined {
    if (this.messages.length === 0) return undefined;
    const id = this.services.outgoing.store(this.activation.partition, this.messages);
    this.messages.length = 0;
    return id;
  }

  /**
   * A step before the command's first await. The open bracket has written nothing yet (else it could not be told whose writes
   * these are), so it is given up, the step runs as a turn of its own, and the bracket is opened again.
   */
  private stepInside<R>(change: (state: never) => R): R {
    const { partition } = this.activation;
    if (partition.writes > 0 || this.messages.length > 0) {
      throw new AsyncWriteError('a command writes either in turn.step or directly, not both');
    }
    partition.undo();
    try {
      const result = this.runStep(change);
      this.isRepeatable = false;
      this.insideSteps++;
      return result;
    } finally {
      partition.begin(this.activation);
      this.beginTurn();
    }
  }

  private runStep<R>(change: (state: never) => R): R {
    this.inStep = true;
    try {
      return this.services.steps.step(this.activation, this, change);
    } catch (error) {
      // What the undone step sent goes with it: the command may catch this and commit later turns.
      this.messages.length = 0;
      throw error;
    } finally {
      this.inStep = false;
    }
  }

  /** A command is sent to another actor: from here on this one is not run again when its thread dies. */
  private noteEffect(): void {
    const { partition } = this.activation;
    this.isRepeatable = false;
    if (!partition.heap.open) {
      this.services.steps.noteEffect(this.activation, this);
      return;
    }
    // In a step the step itself is noted; what wrote before will be refused.
    if (this.awaiting || partition.writes > 0 || this.messages.length > 0) return;
    partition.undo();
    try {
      this.services.steps.noteEffect(this.activation, this);
    } finally {
      partition.begin(this.activation);
      this.beginTurn();
    }
  }

  private schedule(dueAt: number, periodMs: number, command: string, args: readonly unknown[]): string {
    this.activation.assertWritable();
    if (!Number.isFinite(dueAt))
      throw new InvalidArgumentError(`a reminder is due at ${dueAt}: a finite time is needed`);
    const handler = this.activation.layout.type.handlerByName.get(command);
    if (handler === undefined || !handler.command) {
      throw new InvalidDefinitionError(
        `${this.activation.layout.type.name} has no command ${command} to be reminded of`,
      );
    }
    return this.services.reminders.schedule(this.activation, dueAt, periodMs, handler.name, args);
  }
}
