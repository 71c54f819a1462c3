/** A counter in a worker thread, exposed by comlink. */
import { type Endpoint, expose } from 'comlink';
// @ts-expect-error comlink ships no types for its Node adapter
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { ComlinkCounter } from './comlink.ts';

const toEndpoint = nodeEndpoint as (port: MessagePort) => Endpoint;
let count = 0;
const counter: ComlinkCounter = {
  add(by) {
    count += by;
    return count;
  },
};
if (parentPort !== null) expose(counter, toEndpoint(parentPort));
