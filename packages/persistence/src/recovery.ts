/**
 * What a start reads back: for each partition the folded rows, then the last changes of keys that could not be folded, then
 * the journal's tail; to exactly the watermark. That nothing is missing between them is checked before anything is sent.
 */
import type { MessagePort } from 'node:worker_threads';
import { type DurablePosition, StoreCorruptError } from '@spacegrid/core';
import { type BatchRun, forEachRun } from './batch.ts';
import { findGap } from './find-gap.ts';
import type { Folder } from './folder.ts';
import type { Journal } from './journal.ts';
import { lastChangeOf } from './kept-changes.ts';
import { sendRecovery } from './send-recovery.ts';

const NOTHING: DurablePosition = { epoch: 0, sequence: 0 };

export class Recovery {
  private readonly journal: Journal;
  private readonly folder: Folder;
  private readonly watermarks: ReadonlyMap<number, DurablePosition>;
  private readonly tail: ReadonlyMap<number, readonly BatchRun[]>;

  /** Reads the tail. Throws StoreCorruptError for a batch that fails its checksum, and for a gap, with its range. */
  constructor(journal: Journal, folder: Folder, watermarks: ReadonlyMap<number, DurablePosition>) {
    this.journal = journal;
    this.folder = folder;
    this.watermarks = watermarks;
    const tail = new Map<number, BatchRun[]>();
    for (const { runs, data } of journal.batches(folder.folded)) {
      forEachRun(runs, data, (run) => {
        const before = tail.get(run.partition);
        if (before === undefined) tail.set(run.partition, [run]);
        else before.push(run);
      });
    }
    this.tail = tail;
    for (const partition of new Set([...watermarks.keys(), ...folder.positions.keys(), ...tail.keys()]))
      this.refuseGaps(partition);
  }

  /** Sends one partition to the thread that loads it. Throws StoreCorruptError for a row that fails its checksum. */
  async send(partition: number, port: MessagePort): Promise<void> {
    const kept = this.folder.marks
      .filter((mark) => mark.partition === partition)
      .map((mark) => lastChangeOf(this.journal, mark));
    await sendRecovery(
      port,
      this.folder,
      partition,
      [...kept, ...(this.tail.get(partition) ?? []).map((run) => run.changes)],
      this.watermarks.get(partition) ?? NOTHING,
    );
  }

  private refuseGaps(partition: number): void {
    const { journal, watermarks, folder, tail } = this;
    const watermark = watermarks.get(partition)?.sequence ?? 0;
    const gap = findGap(watermark, folder.positions.get(partition), tail.get(partition) ?? []);
    if (gap === undefined) return;
    const { first, last, why } = gap;
    throw new StoreCorruptError(
      `partition ${partition} of ${journal.name}: ${why}: sequences ${first} to ${last} are missing; restore a backup`,
      { details: { partition, first, last } },
    );
  }
}
