/** Entry of the durability thread. */
import { workerData } from 'node:worker_threads';
import { type DurabilityControl, type DurabilityThreadData, serveControl } from '@spacegrid/core';
import { DurabilityActor } from './durability-actor.ts';

const data = workerData as DurabilityThreadData;
const actor = new DurabilityActor(data);

const api: DurabilityControl = {
  open: () => actor.open(),
  recover: (partition, port) => actor.recover(partition, port),
  serveRows: (port) => actor.serveRows(port),
  start: () => actor.start(),
  flush: () => actor.flush(),
  status: () => actor.status(),
  backup: (directory) => actor.backup(directory),
  verify: (port) => actor.verify(port),
  close: () => actor.close(),
};
serveControl(data.controlPort, api);
