/** What a turn object needs of the thread that it lives on. */
import type { Clock } from '@spacegrid/core';
import type { ActorType } from '../define/actor-type.ts';
import type { AnyDefinition } from '../define/define-actor.ts';
import type { OffloadTask } from '../define/offload-task.ts';
import type { Activation } from './activation.ts';
import type { Reminders } from './reminders.ts';
import type { TurnRunner } from './turn-runner.ts';

export interface TurnServices {
  readonly runner: TurnRunner;
  readonly reminders: Reminders;
  readonly clock: Clock;
  typeOf(definition: AnyDefinition): ActorType;
  /** Calls on another actor, carrying the path of callers. */
  actorCalls(from: Activation, definition: AnyDefinition, key: string): object;
  offload<A, R>(task: OffloadTask<A, R>, input: A): Promise<R>;
}
