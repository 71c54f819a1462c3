/** Calls from actors to actors: by the partition thread's own rings, carrying the path of callers and a deadline. */
import { CallCycleError, isGridError, UnknownActorError } from '@spacegrid/core';
import type { Surroundings } from '../control/surroundings.ts';
import type { ActorType } from '../define/actor-type.ts';
import type { AnyDefinition } from '../define/define-actor.ts';
import type { Delivery, Message } from '../runtime/outgoing.ts';
import { call, createCalls, settingsWithOnce, settingsWithPath } from './actor-calls.ts';
import type { ClientThread } from './client-thread.ts';
import { routeOf } from './route.ts';
import { wasAnswered, wasThrown } from './thrown-errors.ts';
import { nameOf, unknownActor } from './unknown-actor.ts';

/** A call between actors waits this long: for the deadlocks that no path shows. */
const DEADLINE_MS = 5000;

/** The receiver may run it when it is asked again. */
const PASSING: ReadonlySet<string> = new Set([
  'ACTIVATION_FAILED',
  'CAPACITY',
  'OVERLOADED',
  'TIMEOUT',
  'WORKER_UNAVAILABLE',
]);
/** It killed the receiver's thread, or this one ends: not again before something has changed. */
const UNTIL_RESTART: ReadonlySet<string> = new Set(['ACTOR_QUARANTINED', 'GRID_CLOSED', 'WORKER_LOST']);

export class ActorCaller {
  private readonly client: ClientThread;
  private readonly byName: ReadonlyMap<string, ActorType>;
  private readonly partitions: number;
  private readonly hashSeed: number;
  private readonly surroundings: Surroundings;

  constructor(
    client: ClientThread,
    types: readonly ActorType[],
    partitions: number,
    settings: { readonly hashSeed: number },
    surroundings: Surroundings,
  ) {
    this.client = client;
    this.byName = new Map(types.map((type) => [type.name, type]));
    this.partitions = partitions;
    this.hashSeed = settings.hashSeed;
    this.surroundings = surroundings;
  }

  typeOf(definition: AnyDefinition): ActorType {
    const type = this.byName.get(nameOf(definition));
    if (type === undefined) throw unknownActor(definition);
    return type;
  }

  /**
   * Sends a stored message. `done`: its receiver has run it, or never will (there is nobody to tell but the logger). `later`:
   * the receiver could not run it now. Rejects when it is to leave again by the next start of this thread only.
   */
  async deliver([typeName, handlerName, key, args]: Message, once: string): Promise<Delivery> {
    const type = this.byName.get(typeName);
    const handler = type?.handlerByName.get(handlerName);
    if (type === undefined || handler === undefined)
      throw new UnknownActorError(`a stored message is for ${typeName}.${handlerName}, which is not defined`);
    try {
      // `partitionBy` is the program's, and may throw: then there is nobody to deliver to.
      const route = routeOf(type, key, this.partitions, this.hashSeed);
      await call({ client: this.client, route, settings: settingsWithOnce(once) }, handler, args);
      return 'done';
    } catch (error) {
      if (hadNoRoom(error)) return 'later';
      if (!wasThrown(error) && isGridError(error)) {
        if (UNTIL_RESTART.has(error.code)) throw error;
        if (PASSING.has(error.code)) return 'later';
        // Its thread was given up before it answered: the message may not have run. Sent again it takes effect once.
        if (error.code === 'OUTCOME_UNKNOWN' && !wasAnswered(error)) throw error;
      }
      this.surroundings.unheard(`${typeName}/${key}.${handlerName}`, error);
      return 'done';
    }
  }

  /** Calls on an actor, on behalf of the last one in `path`. Throws CallCycleError when it waits for the caller already. */
  callsFrom(path: readonly string[], definition: AnyDefinition, key: string, beforeCommand: () => void): object {
    const type = this.typeOf(definition);
    const name = `${type.name}/${key}`;
    const at = path.indexOf(name);
    if (at >= 0) {
      const loop = [...path.slice(at), name];
      throw new CallCycleError(`actors would wait for each other: ${loop.join(' → ')}`, { details: { path: loop } });
    }
    return createCalls({
      client: this.client,
      route: routeOf(type, key, this.partitions, this.hashSeed),
      settings: settingsWithPath(path, DEADLINE_MS, beforeCommand),
    });
  }
}

/** The receiver's turn was undone for want of memory, which may come back. Not so when steps of it are committed. */
function hadNoRoom(error: unknown): boolean {
  return isGridError(error, 'CAPACITY') && !('stepsCommitted' in error);
}
