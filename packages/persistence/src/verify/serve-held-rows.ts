/** Serves HeldRows to the durability thread: one partition at a time. Fold thread only. */
import type { MessagePort } from 'node:worker_threads';
import { assert, serveControl } from '@spacegrid/core';
import type { RowsFile } from '../rows-file.ts';
import { HeldRows } from './held-rows.ts';
import type { HeldRowsApi } from './held-rows-api.ts';

export function serveHeldRows(
  port: MessagePort,
  file: () => RowsFile,
  forgetUnread: (partition: number) => void,
): void {
  let held: HeldRows | undefined;
  const rows = (): HeldRows => {
    assert(held !== undefined, 'rows are held before they are asked for');
    return held;
  };
  const api: HeldRowsApi = {
    async begin(partition, kept) {
      held = new HeldRows(file(), partition, kept);
      return held.scan();
    },
    async follow(batches) {
      rows().follow(batches);
    },
    async compare(from) {
      return rows().compare(from);
    },
    async pairs(ranges) {
      return rows().pairsOf(ranges);
    },
    async keysOf(keyHashes) {
      return rows().keysOf(keyHashes);
    },
    async states(question) {
      return rows().states(question);
    },
    async drop(keys) {
      return rows().drop(keys);
    },
    async forgetUnread(partition) {
      forgetUnread(partition);
    },
    async end() {
      held = undefined;
    },
  };
  serveControl(port, api);
}
