import { type MessagePort, isMarkedAsUntransferable } from 'node:worker_threads';
import { InvalidArgumentError } from '@spacegrid/core';
import type { GridMemory } from '../control/grid-memory.ts';
import { loadDefinitions } from '../define/load-definitions.ts';
import type { GridClient, GridHandle } from './grid.ts';
import { LocalClient, type LocalSettings } from './local-client.ts';

/** What a handle carries. */
export interface HandleContents {
  readonly memory: GridMemory;
  readonly settings: LocalSettings;
  readonly actorsModule: string;
  readonly slot: number;
  /** Its closing tells the supervisor that the thread is gone. */
  readonly port: MessagePort;
}

/**
 * The grid in one of your own threads, from the handle that `grid.handle()` made for it: its own rings to every partition and
 * the same peeks; nothing passes through the main thread. Throws InvalidArgumentError for anything else than a handle.
 */
export async function attachGrid(handle: GridHandle): Promise<GridClient> {
  const contents = (handle as Partial<GridHandle> | undefined)?.spacegrid as Partial<HandleContents> | undefined;
  if (contents?.memory === undefined || contents.port === undefined || isMarkedAsUntransferable(contents.port)) {
    throw new InvalidArgumentError(
      'attachGrid takes what grid.handle() returned, posted to this thread with its transferList',
    );
  }
  const { memory, settings, actorsModule, slot, port } = contents as HandleContents;
  const types = await loadDefinitions(actorsModule);
  const local = new LocalClient(memory, settings, types, slot);
  // The port must live as long as the thread, and must not keep it alive.
  port.unref();
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    local.close();
    port.close();
  };
  return {
    actor: (definition, key) => local.actor(definition, key),
    reached: (receipt, level, options) => local.reached(receipt, level, options),
    close,
    [Symbol.asyncDispose]: close,
  };
}
