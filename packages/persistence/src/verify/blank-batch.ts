/**
 * Takes a batch that fails its checksum out of the way, once every row that it may have changed was written again: a batch of the
 * same turns takes its place, with no changes. Its turns are known from what stands before and behind it. Durability thread only.
 */
import { type DurablePosition, StoreCorruptError } from '@spacegrid/core';
import { BatchWriter, forEachRun } from '../batch.ts';
import type { Journal } from '../journal.ts';

interface Turns {
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

export function blankBatch(
  journal: Journal,
  folded: ReadonlyMap<number, DurablePosition>,
  watermark: (partition: number) => DurablePosition,
  id: number,
): void {
  const before = new Map<number, number>([...folded].map(([partition, { sequence }]) => [partition, sequence]));
  const missing = new Map<number, Turns>();
  const partitions = new Set<number>(folded.keys());
  for (const batch of journal.looseBatches(0)) {
    // Another one that is damaged: what is missing can't be told apart. The next repair takes it.
    if (batch instanceof StoreCorruptError) continue;
    forEachRun(batch.runs, batch.data, ({ partition, epoch, first, last }) => {
      partitions.add(partition);
      if (batch.id < id) before.set(partition, Math.max(before.get(partition) ?? 0, last));
      else if (!missing.has(partition) && first > (before.get(partition) ?? 0) + 1)
        missing.set(partition, { epoch, first: (before.get(partition) ?? 0) + 1, last: first - 1 });
      else if (!missing.has(partition)) missing.set(partition, { epoch, first: 0, last: -1 });
    });
  }
  for (const partition of journal.watermarks().keys()) partitions.add(partition);
  const writer = new BatchWriter();
  for (const partition of [...partitions].sort((a, b) => a - b)) {
    const { epoch, sequence } = watermark(partition);
    const known = before.get(partition) ?? 0;
    const turns = missing.get(partition) ?? { epoch, first: known + 1, last: sequence };
    if (turns.last >= turns.first) writer.endRun(partition, turns.epoch, turns.first, turns.last);
  }
  journal.blank(id, writer);
}
