/**
 * The store as a VerifiedSide: holds the folds while a partition is compared, so that its rows stand still, and gives the fold
 * thread what is journalled meanwhile. Durability thread only; the work is the fold thread's.
 *
 * Bound: HELD_BYTES_MAX journalled while a partition's rows are held, of which its own changes are kept in memory; then the
 * comparison is given up.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import {
  assert,
  callControl,
  type DamagedBatch,
  type DurablePosition,
  DurabilityUnavailableError,
  handOver,
  serveControl,
  type SideDigests,
  type SideMending,
  type SideScan,
  type SideState,
  type StatesQuestion,
  StorageFailedError,
  StoreCorruptError,
  type VerifiedSide,
} from '@spacegrid/core';
import type { StoredBatch } from '../batch.ts';
import type { Folder } from '../folder.ts';
import type { Journal } from '../journal.ts';
import { lastChangeOf } from '../kept-changes.ts';
import { blankBatch } from './blank-batch.ts';
import type { HeldRowsApi } from './held-rows-api.ts';

/** What is handed to the fold thread at a time. */
const PIECE_BYTES = 1024 * 1024;
const HELD_BYTES_MAX = 512 * 1024 * 1024;

export class StoreVerifier implements VerifiedSide {
  private readonly journal: Journal;
  private readonly folder: Folder;
  private readonly watermark: (partition: number) => DurablePosition;
  private readonly flush: () => Promise<void>;
  private api: HeldRowsApi | undefined;
  private release: (() => void) | undefined;
  /** Who asked is gone: nothing is held any more. */
  private closed: boolean;
  private followed: number;
  private heldBytes: number;
  private damaged: Map<number, DamagedBatch>;

  constructor(
    journal: Journal,
    folder: Folder,
    watermark: (partition: number) => DurablePosition,
    flush: () => Promise<void>,
  ) {
    this.journal = journal;
    this.folder = folder;
    this.watermark = watermark;
    this.flush = flush;
    this.api = undefined;
    this.release = undefined;
    this.closed = false;
    this.followed = 0;
    this.heldBytes = 0;
    this.damaged = new Map();
  }

  /** Until the port closes. */
  serve(port: MessagePort): void {
    port.once('close', () => {
      this.closed = true;
      this.letGo();
    });
    const side: VerifiedSide = {
      begin: (partition) => this.begin(partition),
      compare: (partition, window) => this.compare(partition, window),
      pairs: (partition, ranges) => this.pairs(partition, ranges),
      keysOf: (partition, keyHashes) => this.keysOf(partition, keyHashes),
      states: (partition, question) => this.states(partition, question),
      mend: (partition, mending) => this.mend(partition, mending),
      end: () => this.end(),
    };
    serveControl(port, side);
  }

  async begin(partition: number): Promise<SideScan> {
    this.letGo();
    // What was read before is in SQLite's cache: damage on disk would not be seen.
    this.journal.forgetCache();
    // What is folded need not be followed, and folds have their turn between two partitions.
    if (this.journal.newestBatch > this.folder.folded) await this.folder.foldNow();
    const release = await this.folder.hold();
    if (this.closed) {
      release();
      throw new DurabilityUnavailableError('who compared the store is gone');
    }
    this.release = release;
    this.followed = this.folder.folded;
    this.heldBytes = 0;
    this.damaged = new Map();
    const { port1, port2 } = new MessageChannel();
    await this.folder.verify(handOver(port2));
    this.api = callControl<HeldRowsApi>(port1);
    const kept = this.folder.marks
      .filter((mark) => mark.partition === partition && mark.key.length > 0)
      .map((mark) => lastChangeOf(this.journal, mark));
    return this.held((api) => api.begin(partition, kept));
  }

  async compare(partition: number, { from, to }: { from: number; to: number }): Promise<SideDigests> {
    await this.follow(partition, to);
    const compared = await this.held((api) => api.compare(from));
    return {
      ...compared,
      damagedBatches: [...this.damaged.values()],
      quarantined: this.folder.marks.filter((mark) => mark.partition === partition).map(({ key }) => key),
    };
  }

  async pairs(_partition: number, ranges: readonly number[]): Promise<Uint32Array> {
    return this.held((api) => api.pairs(ranges));
  }

  async keysOf(_partition: number, keyHashes: Uint32Array): Promise<readonly Uint8Array[]> {
    return this.held((api) => api.keysOf(keyHashes));
  }

  async states(partition: number, question: StatesQuestion): Promise<readonly SideState[]> {
    await this.follow(partition, question.sequence);
    return this.held((api) => api.states(question));
  }

  async mend(partition: number, { rows, batches, unread, sequence }: SideMending): Promise<void> {
    await this.follow(partition, sequence);
    // The rows that take their place are in the journal, and are folded when this lets go.
    if (rows.length > 0) await this.held((api) => api.drop(rows));
    if (unread) await this.held((api) => api.forgetUnread(partition));
    for (const batch of batches) blankBatch(this.journal, this.folder.positions, this.watermark, batch);
  }

  async end(): Promise<void> {
    try {
      if (this.api !== undefined) await this.held((api) => api.end());
    } finally {
      this.letGo();
    }
  }

  private letGo(): void {
    this.release?.();
    this.release = undefined;
    this.api = undefined;
  }

  private held<T>(ask: (api: HeldRowsApi) => Promise<T>): Promise<T> {
    const { api } = this;
    assert(api !== undefined, 'a partition is held before it is asked about');
    return this.folder.during(() => ask(api));
  }

  /** Gives the fold thread all batches up to a sequence of the partition. Batches that fail their checksum are noted. */
  private async follow(partition: number, sequence: number): Promise<void> {
    if (this.watermark(partition).sequence < sequence) await this.flush();
    // Bound: up to what is newest now; more comes with the next call.
    const { newestBatch } = this.journal;
    while (this.followed < newestBatch) {
      const piece: StoredBatch[] = [];
      let bytes = 0;
      for (const batch of this.journal.looseBatches(this.followed)) {
        if (batch instanceof StoreCorruptError) {
          const id = Number(batch.details['batch']);
          this.damaged.set(id, { batch: id, message: batch.message });
          this.followed = id;
        } else {
          piece.push(batch);
          bytes += batch.runs.length + batch.data.length;
          this.followed = batch.id;
        }
        if (bytes >= PIECE_BYTES) break;
      }
      this.heldBytes += bytes;
      if (this.heldBytes > HELD_BYTES_MAX)
        throw new StorageFailedError(
          `over ${HELD_BYTES_MAX} bytes were journalled while partition ${partition} was compared: verify when less is written`,
        );
      if (piece.length === 0) break;
      await this.held((api) => api.follow(piece));
    }
  }
}
