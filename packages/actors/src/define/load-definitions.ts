/** Loads the user's actors module in the calling thread. */
import { CreateInWorkerError, InvalidDefinitionError } from '@spacegrid/core';
import { type ActorType, compileActorTypes } from './actor-type.ts';
import type { AnyDefinition } from './define-actor.ts';

const loading = Symbol.for('spacegrid.loadingActors');
const flags = globalThis as { [loading]?: string };

/** Imports the module and compiles every actor that it exports. Throws InvalidDefinitionError. */
export async function loadDefinitions(module: string): Promise<readonly ActorType[]> {
  flags[loading] = module;
  let exports: Record<string, unknown>;
  try {
    exports = (await import(module)) as Record<string, unknown>;
  } catch (cause) {
    if (cause instanceof CreateInWorkerError) throw cause;
    throw new InvalidDefinitionError(
      `the actors module ${module} can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  } finally {
    delete flags[loading];
  }
  const definitions = new Set<AnyDefinition>();
  for (const value of Object.values(exports)) {
    if (isDefinition(value)) definitions.add(value);
  }
  if (definitions.size === 0) {
    throw new InvalidDefinitionError(`the actors module ${module} exports no actor: export what defineActor returns`);
  }
  return compileActorTypes([...definitions]);
}

/** Throws CreateInWorkerError when called while a grid's thread is loading its actors module. */
export function refuseWhileLoading(): void {
  if (flags[loading] === undefined) return;
  throw new CreateInWorkerError(
    `createGrid is called while a thread of the grid loads its actors from ${flags[loading]}: move the definitions to a file of their own, e.g. actors.ts, and pass new URL('./actors.ts', import.meta.url)`,
  );
}

/** True for what defineActor returns. */
export function isDefinition(value: unknown): value is AnyDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'spec' in value &&
    Object.isFrozen(value) &&
    typeof value.spec === 'object'
  );
}
