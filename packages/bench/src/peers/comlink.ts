/** A counter in a worker thread behind comlink. */
import { type Endpoint, wrap } from 'comlink';
// @ts-expect-error comlink ships no types for its Node adapter
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { Worker } from 'node:worker_threads';

export interface ComlinkCounter {
  add(by: number): number;
}

export interface ComlinkPeer {
  add(by: number): Promise<number>;
  close(): Promise<void>;
}

const toEndpoint = nodeEndpoint as (worker: Worker) => Endpoint;

export function startComlinkPeer(): ComlinkPeer {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./comlink-thread.${extension}`, import.meta.url), { name: 'bench-comlink' });
  const counter = wrap<ComlinkCounter>(toEndpoint(worker));
  return {
    add: (by) => counter.add(by),
    async close() {
      await worker.terminate();
    },
  };
}
