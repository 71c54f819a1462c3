/** Loads the user's actors module in the calling thread. */
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { CreateInWorkerError, InvalidDefinitionError } from '@spacegrid/core';
import { type ActorType, compileActorTypes } from './actor-type.ts';
import type { AnyDefinition } from './define-actor.ts';

const loading = Symbol.for('spacegrid.loadingActors');
const flags = globalThis as { [loading]?: string };
/** Bound: how long a module may take to load. What started the program is loaded already, or waits for createGrid itself. */
const LOAD_MS_MAX = 30_000;
const LOAD_ENTRY_MS_MAX = 1000;
const REMEDY =
  "move the definitions to a file of their own, e.g. actors.ts, and pass new URL('./actors.ts', import.meta.url)";

/** Imports the module and compiles every actor that it exports. Throws InvalidDefinitionError, CreateInWorkerError. */
export async function loadDefinitions(module: string): Promise<readonly ActorType[]> {
  let exports: Record<string, unknown>;
  try {
    exports = await importInTime(module);
  } catch (cause) {
    if (cause instanceof CreateInWorkerError) throw cause;
    throw new InvalidDefinitionError(
      `the actors module ${module} can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
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

/** The same in a thread of the grid, where the module must not start a grid of its own. */
export async function loadDefinitionsInGridThread(module: string): Promise<readonly ActorType[]> {
  flags[loading] = module;
  try {
    return await loadDefinitions(module);
  } finally {
    delete flags[loading];
  }
}

/** Throws CreateInWorkerError when called while a grid's thread is loading its actors module. */
export function refuseWhileLoading(): void {
  if (flags[loading] === undefined) return;
  throw new CreateInWorkerError(
    `createGrid is called while a thread of the grid loads its actors from ${flags[loading]}: ${REMEDY}`,
  );
}

async function importInTime(module: string): Promise<Record<string, unknown>> {
  const [, entry] = process.argv;
  const isEntry = isMainThread && entry !== undefined && module === pathToFileURL(entry).href;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        reject(
          isEntry
            ? new CreateInWorkerError(
                `createGrid waits for ${module} to be loaded, which waits for createGrid: ${REMEDY}`,
              )
            : new Error(`it was not loaded within ${LOAD_MS_MAX} ms`),
        );
      },
      isEntry ? LOAD_ENTRY_MS_MAX : LOAD_MS_MAX,
    );
  });
  try {
    return await Promise.race([import(module) as Promise<Record<string, unknown>>, late]);
  } finally {
    clearTimeout(timer);
  }
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
