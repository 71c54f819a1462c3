/** Entry of the thread that verifies: one partition after the other, then a report, then it is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { callControl, Heap, isGridError, loadDigest64, ReaderPin } from '@spacegrid/core';
import { loadDefinitionsInGridThread } from '../define/load-definitions.ts';
import { layoutOf, type StateLayout } from '../state/state-layout.ts';
import { MemoryRows } from './memory-rows.ts';
import { type PartitionResult, PartitionVerify } from './partition-verify.ts';
import { StoreLink } from './store-link.ts';
import type { VerifyDifference, VerifyReport } from './verify-report.ts';
import type { VerifyServices, VerifyThreadData } from './verify-services.ts';

const data = workerData as VerifyThreadData;
const services = callControl<VerifyServices>(data.port);

const DIFFERENCES_MAX = 1000;
/** Times that a partition is begun again when the store's thread died over it. */
const ATTEMPTS_MAX = 5;
const REST_MS_MIN = 1;

/** Half of the time, at most, is worked: the partitions' threads need the processors. */
function rest(workedMs: number): Promise<void> {
  return sleep(Math.max(REST_MS_MIN, workedMs));
}

async function verifyPartition(
  partition: number,
  layouts: readonly StateLayout[],
  store: StoreLink,
): Promise<PartitionResult> {
  const { memory, settings, pinSlot, choice } = data;
  const heap = new Heap(memory.heaps[partition] as SharedArrayBuffer);
  const shapes = await services.shapeNumbers(partition);
  const rows = new MemoryRows(heap, layouts, settings.hashSeed, shapes);
  for (let attempt = 1; ; attempt++) {
    try {
      return await new PartitionVerify(
        partition,
        rows,
        new ReaderPin(heap, pinSlot),
        store,
        services,
        choice,
        rest,
      ).run();
    } catch (error) {
      const isAbsent = isGridError(error, 'STORAGE_FAILED') || isGridError(error, 'DURABILITY_UNAVAILABLE');
      if (attempt === ATTEMPTS_MAX || !(store.isLost || isAbsent)) throw error;
      await store.renew();
    }
  }
}

async function verify(): Promise<VerifyReport> {
  const startedAt = Date.now();
  await loadDigest64();
  const types = await loadDefinitionsInGridThread(data.settings.actorsModule);
  const layouts = types.map(layoutOf);
  const store = new StoreLink(services);
  await store.renew();
  const differences: VerifyDifference[] = [];
  const batches = new Map<number, string>();
  let entries = 0;
  let bytes = 0;
  let rows = 0;
  let found = 0;
  let repaired = 0;
  const note = (difference: VerifyDifference): void => {
    found++;
    if (difference.outcome.startsWith('repaired')) repaired++;
    if (differences.length < DIFFERENCES_MAX) differences.push(difference);
  };
  const partitions = data.memory.heaps.length;
  for (let partition = 0; partition < partitions; partition++) {
    const result = await verifyPartition(partition, layouts, store);
    entries += result.entries;
    bytes += result.bytes;
    rows += result.rows;
    for (const { batch, message } of result.damagedBatches) batches.set(batch, message);
    result.differences.forEach(note);
  }
  const isMended = data.choice.repair && found === repaired && batches.size > 0;
  if (isMended) await store.blank([...batches.keys()]);
  for (const reason of batches.values()) {
    const outcome = isMended ? 'repaired-store' : 'nothing';
    note({ partition: -1, rowKey: '', memory: 'whole', store: 'damaged', unclear: false, reason, outcome });
  }
  return {
    startedAt,
    durationMs: Date.now() - startedAt,
    partitions,
    entries,
    bytes,
    rows,
    differences,
    found,
    repaired,
  };
}

parentPort?.postMessage(await verify());
