/**
 * Reads rows back for partition threads while the grid runs: actors that were unloaded, or that a start did not load. Durability
 * thread only; the fold thread reads, between two folds.
 *
 * Rows alone are enough. A partition drops an actor only when all it changed is folded (its folded watermark), and what was stored
 * before this thread's start is waited for here (`floor`); so no journal is searched. Only the last changes of keys that could not
 * be folded are taken from it, as a start does.
 */
import type { MessagePort } from 'node:worker_threads';
import {
  type DurablePosition,
  encodeError,
  type FoldRequest,
  PackWriter,
  type RowsAnswer,
  type RowsQuestion,
} from '@spacegrid/core';
import type { Folder } from './folder.ts';
import type { Journal } from './journal.ts';
import { lastChangeOf } from './kept-changes.ts';
import { refuseDamage } from './row-damage.ts';
import { beginsWith, endOfPrefix } from './row-key.ts';

export class RowReads {
  private readonly journal: Journal;
  private readonly folder: Folder;
  private readonly floor: ReadonlyMap<number, DurablePosition>;

  /** @param floor by partition: up to where the store went when it was opened. */
  constructor(journal: Journal, folder: Folder, floor: ReadonlyMap<number, DurablePosition>) {
    this.journal = journal;
    this.folder = folder;
    this.floor = floor;
  }

  /** Until the port closes. Bound: the asker's, which has a few questions under way. */
  serve(port: MessagePort): void {
    port.on('message', (question: RowsQuestion | FoldRequest) => {
      if ('fold' in question) this.folder.hurry();
      else void this.answer(question).then((answer) => port.postMessage(answer));
    });
  }

  private async answer(question: RowsQuestion): Promise<RowsAnswer> {
    try {
      return await this.read(question);
    } catch (error) {
      const writer = PackWriter.growing();
      encodeError(writer, error);
      return { id: question.id, error: writer.written().slice() };
    }
  }

  private async read({ id, partition, prefix, from }: RowsQuestion): Promise<RowsAnswer> {
    const floor = this.floor.get(partition);
    if (floor !== undefined) await this.folder.covers(partition, floor);
    const page = await this.folder.readSome(partition, { from, to: endOfPrefix(prefix) });
    refuseDamage(partition, page);
    const { changes, next } = page;
    return { id, changes: next === undefined ? joined(changes, this.kept(partition, prefix)) : changes, next };
  }

  /** Of keys that could not be folded: behind the last row. */
  private kept(partition: number, prefix: Uint8Array): Uint8Array[] {
    return this.folder.marks
      .filter((mark) => mark.partition === partition && (mark.key.length === 0 || beginsWith(mark.key, prefix)))
      .map((mark) => lastChangeOf(this.journal, mark));
  }
}

function joined(first: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  return others.length === 0 ? first : new Uint8Array(Buffer.concat([first, ...others]));
}
