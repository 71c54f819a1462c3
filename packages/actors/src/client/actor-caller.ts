/** Calls from actors to actors: by the partition thread's own rings, carrying the path of callers and a deadline. */
import { CallCycleError, isGridError, UnknownActorError } from '@spacegrid/core';
import type { Surroundings } from '../control/surroundings.ts';
import type { ActorType } from '../define/actor-type.ts';
import type { AnyDefinition } from '../define/define-actor.ts';
import type { Message } from '../runtime/outgoing.ts';
import { call, createCalls, settingsWithOnce, settingsWithPath } from './actor-calls.ts';
import type { ClientThread } from './client-thread.ts';
import { routeOf } from './route.ts';

/** A call between actors waits this long: for the deadlocks that no path shows. */
const DEADLINE_MS = 5000;

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
    const type = this.byName.get(definition.name);
    if (type === undefined)
      throw new UnknownActorError(`no actor is named ${definition.name}: export it from the actors module`);
    return type;
  }

  /**
   * Sends a stored message. Resolves when its receiver has run it or refused it (there is nobody to tell: the refusal is
   * counted at the receiver); rejects when it could not, and is to be sent again by the next start.
   */
  async deliver([typeName, handlerName, key, args]: Message, once: string): Promise<void> {
    const type = this.byName.get(typeName);
    const handler = type?.handlerByName.get(handlerName);
    if (type === undefined || handler === undefined)
      throw new UnknownActorError(`a stored message is for ${typeName}.${handlerName}, which is not defined`);
    const route = routeOf(type, key, this.partitions, this.hashSeed);
    try {
      await call({ client: this.client, route, settings: settingsWithOnce(once) }, handler, args);
    } catch (error) {
      if (
        isGridError(error, 'GRID_CLOSED') ||
        isGridError(error, 'OUTCOME_UNKNOWN') ||
        isGridError(error, 'OVERLOADED') ||
        isGridError(error, 'WORKER_UNAVAILABLE')
      )
        throw error;
      this.surroundings.unheard(`${typeName}/${key}.${handlerName}`, error);
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
