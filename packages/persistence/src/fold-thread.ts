/** Entry of the fold thread: the one connection to rows.db. It moves journal batches into rows, off the critical path. */
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { ChangeSetWriter, loadDigest64, PackWriter, serveControl } from '@spacegrid/core';
import { foldBatches } from './fold-batches.ts';
import type { FoldApi } from './fold-messages.ts';
import { RowsFile } from './rows-file.ts';

const PAGE_ROWS = 4000;

let file: RowsFile | undefined;

function rows(): RowsFile {
  if (file === undefined) throw new Error('open comes first');
  return file;
}

const api: FoldApi = {
  async open(directory) {
    await loadDigest64();
    file = new RowsFile(directory);
    return file.foldedBatch();
  },

  async fold(batches) {
    return foldBatches(rows(), batches);
  },

  async read(partition, after) {
    const page = rows().read(partition, after, PAGE_ROWS);
    const writer = PackWriter.growing(256 * 1024, 1024 ** 3);
    const changes = new ChangeSetWriter(writer);
    for (const { key, value } of page.rows) changes.put(key, value);
    const last = page.rows.length < PAGE_ROWS ? undefined : page.rows[page.rows.length - 1]?.key;
    return { changes: writer.written().slice(), rows: page.rows.length, last, damaged: page.damaged };
  },

  async bytes() {
    return rows().bytes();
  },

  async backup(target) {
    await rows().backup(target);
  },

  async close() {
    file?.close();
    file = undefined;
  },
};

serveControl((workerData as { readonly port: MessagePort }).port, api);
