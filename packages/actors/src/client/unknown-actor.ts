/** What is said to who refers to an actor that the grid does not have. */
import { UnknownActorError } from '@spacegrid/core';

export function unknownActor(definition: unknown): UnknownActorError {
  const name =
    typeof definition === 'object' && definition !== null && 'name' in definition ? definition.name : undefined;
  if (typeof name !== 'string')
    return new UnknownActorError('an actor is referred to by what defineActor returned: grid.actor(Board, key)');
  return new UnknownActorError(`no actor is named ${name}: export it from the actors module`);
}
