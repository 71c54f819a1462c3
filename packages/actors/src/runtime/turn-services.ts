/** What a turn object needs of the thread that it lives on. */
import type { Clock } from '@spacegrid/core';
import type { ActorType } from '../define/actor-type.ts';
import type { AnyDefinition } from '../define/define-actor.ts';
import type { OffloadTask } from '../define/offload-task.ts';
import type { ChangeRecorder } from '../state/change-recorder.ts';
import type { TurnOwner } from './turn-owner.ts';

/** The turn object, as the runner drives it. */
export interface DrivenTurn {
  beginTurn(): void;
  /** Appends the turn's messages to its entry; their bytes. */
  writeMessages(changes: ChangeRecorder): number;
}

export interface StepRunner {
  /** Runs one step as a turn of its own, and returns what `change` returns. */
  step<R>(owner: TurnOwner, turn: DrivenTurn, change: (state: never) => R): R;
}

export interface ReminderScheduler {
  schedule(owner: TurnOwner, dueAt: number, periodMs: number, handler: number, args: readonly unknown[]): string;
  cancel(owner: TurnOwner, id: string): boolean;
}

export interface TurnServices {
  readonly steps: StepRunner;
  readonly reminders: ReminderScheduler;
  readonly clock: Clock;
  typeOf(definition: AnyDefinition): ActorType;
  /** Calls on another actor, carrying the path of callers. */
  actorCalls(from: TurnOwner, definition: AnyDefinition, key: string): object;
  offload<A, R>(task: OffloadTask<A, R>, input: A): Promise<R>;
}
