/** Entry of a partition thread: attaches to its heaps, loads what the store holds, then serves until it is drained. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { machine } from '../control/surroundings.ts';
import { fingerprint } from '../define/actor-type.ts';
import { loadDefinitionsInGridThread } from '../define/load-definitions.ts';
import type { PartitionWorkerData } from '../supervise/grid-thread-data.ts';
import { InvalidDefinitionError, serveControl } from '@spacegrid/core';
import { UnheardNews } from './unheard-news.ts';
import type { WorkerApi } from './worker-api.ts';
import { WorkerLoop } from './worker-loop.ts';

const data = workerData as PartitionWorkerData;
const types = loadDefinitionsInGridThread(data.settings.actorsModule);
let loop: WorkerLoop | undefined;

const api: WorkerApi = {
  async attach() {
    const loaded = await types;
    if (fingerprint(loaded) !== data.settings.fingerprint) {
      throw new InvalidDefinitionError(
        'the actors module defines other actors in this thread than in the main thread: definitions must not depend on where they are loaded',
      );
    }
    const news = new UnheardNews(data.worker, machine.clock, (event) => parentPort?.postMessage(event));
    loop = new WorkerLoop(data, loaded, { ...machine, unheard: (command, error) => news.tell(command, error) });
    return loop.attach();
  },

  async load(partition: number, port: MessagePort) {
    await loopOrThrow().load(partition, port);
  },

  async useStore(port: MessagePort) {
    loopOrThrow().useStore(port);
  },

  async takeOver() {
    loopOrThrow().takeOver();
  },

  async serve() {
    loopOrThrow().start();
  },

  async shapeNumbers(partition) {
    return loopOrThrow().shapeNumbers(partition);
  },

  async judge(question) {
    return loopOrThrow().judge(question);
  },

  async mend(mending) {
    return loopOrThrow().mend(mending);
  },

  async drain() {
    await loopOrThrow().drain();
  },
};

function loopOrThrow(): WorkerLoop {
  if (loop === undefined) throw new Error('attach comes first');
  return loop;
}

types.catch(() => undefined);
serveControl(data.port, api);
