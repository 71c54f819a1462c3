/** What the journal keeps of keys that could not be folded. */
import {
  CHANGE_CLEAR_PREFIX,
  CHANGE_PUT,
  ChangeSetWriter,
  forEachChange,
  PackWriter,
  StoreCorruptError,
} from '@spacegrid/core';
import { forEachRun } from './batch.ts';
import type { QuarantineMark } from './fold-messages.ts';
import type { Journal } from './journal.ts';
import { beginsWith } from './row-key.ts';

/** The last change of such a key, as a change set of its own. Throws StoreCorruptError when it can't be read. */
export function lastChangeOf(journal: Journal, { partition, key, batch, reason }: QuarantineMark): Uint8Array {
  const stored = journal.batch(batch);
  if (stored === undefined || key.length === 0) {
    throw new StoreCorruptError(
      `batch ${batch} of ${journal.name} holds changes of partition ${partition} that could not be folded (${reason}), and ${stored === undefined ? 'is not there any more' : 'can’t be read'}`,
      { details: { partition, batch } },
    );
  }
  const changes = new ChangeSetWriter(PackWriter.growing(key.length + 64, 256 * 1024 * 1024));
  forEachRun(stored.runs, stored.data, (run) => {
    if (run.partition !== partition) return;
    const { changes: bytes } = run;
    forEachChange(bytes, 0, bytes.length, (kind, keyAt, keyLength, valueAt, valueLength) => {
      const own = bytes.subarray(keyAt, keyAt + keyLength);
      const concerns = kind === CHANGE_CLEAR_PREFIX ? beginsWith(key, own) : Buffer.compare(own, key) === 0;
      if (!concerns) return;
      changes.writer.at = 0;
      if (kind === CHANGE_PUT) changes.put(key, bytes.subarray(valueAt, valueAt + valueLength));
      else changes.delete(key);
    });
  });
  return changes.writer.written();
}
