/** What is said to who refers to an actor that the grid does not have. */
import { inspect } from 'node:util';
import { UnknownActorError } from '@spacegrid/core';
import type { AnyDefinition } from '../define/define-actor.ts';

/** The name to look up. A definition may be undefined in spite of its type: where modules import each other in a circle. */
export function nameOf(definition: AnyDefinition | undefined): string {
  return definition?.name ?? '';
}

export function unknownActor(definition: unknown): UnknownActorError {
  const name =
    typeof definition === 'object' && definition !== null && 'name' in definition ? definition.name : undefined;
  if (typeof name !== 'string')
    return new UnknownActorError(
      `an actor is referred to by what defineActor returned, as in grid.actor(Board, key): this is ${inspect(definition, { depth: 0 })}`,
    );
  return new UnknownActorError(`no actor is named ${name}: export it from the actors module`);
}
