/** What a turn object needs of the thread that it lives on. */
import type { Clock } from '@spacegrid/core';
import type { ActorType } from '../define/actor-type.ts';
import type { AnyDefinition } from '../define/define-actor.ts';
import type { OffloadTask } from '../define/offload-task.ts';
import type { Message } from './outgoing.ts';
import type { Partition } from './partition.ts';
import type { TurnOwner } from './turn-owner.ts';

/** The turn object, as the runner drives it. */
export interface DrivenTurn {
  /** What it sends waits until its turn is durable. */
  readonly durable: boolean;
  /** For whom the command runs: a requester (requester.ts). */
  readonly client: number;
  readonly number: number;
  /** Steps of the running command that are committed. */
  readonly stepsSoFar: number;
  beginTurn(): void;
  /** Does in the open turn what must be done with the command's first commit. */
  begun(): void;
  /** In a step's turn, before it is committed. */
  stepping(): void;
  /** That commit has happened. */
  settled(): void;
  /** Stores the turn's messages with it; what to release when its ack level is reached. */
  storeMessages(): string | undefined;
}

/** Says of an idempotency key that its command is under way, and takes that back. In a turn. */
export interface OnceMark {
  mark(): void;
  forget(): void;
}

export interface StepRunner {
  /** Runs one step as a turn of its own, and returns what `change` returns. */
  step<R>(owner: TurnOwner, turn: DrivenTurn, change: (state: never) => R): R;
  /** Between turns: the running command has an effect elsewhere, so a successor of this thread must not run it again. */
  noteEffect(owner: TurnOwner, turn: DrivenTurn): void;
}

export interface ReminderScheduler {
  schedule(owner: TurnOwner, dueAt: number, periodMs: number, handler: string, args: readonly unknown[]): string;
  cancel(owner: TurnOwner, id: string): boolean;
}

export interface MessageStore {
  store(partition: Partition, messages: readonly Message[]): string;
}

export interface TurnServices {
  readonly outgoing: MessageStore;
  readonly steps: StepRunner;
  readonly reminders: ReminderScheduler;
  readonly clock: Clock;
  typeOf(definition: AnyDefinition): ActorType;
  /** Calls on another actor, carrying the path of callers. */
  actorCalls(from: TurnOwner, definition: AnyDefinition, key: string, beforeCommand: () => void): object;
  offload<A, R>(task: OffloadTask<A, R>, input: A): Promise<R>;
}
