/**
 * The durability actor: drains the outboxes into the journal, one synced commit for a batch, then moves the watermarks in
 * shared memory; behind that it has batches folded into rows and drops them from the journal.
 *
 * Crash-only: its state is in the files. A successor in the same process opens them, reads the watermarks, and resumes each
 * outbox there; the partitions free nothing of their outboxes before the watermark has passed it.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import {
  BackupFailedError,
  callControl,
  Doorbell,
  type DurabilityControl,
  type DurabilityHealth,
  type DurabilityIncident,
  type DurabilityThreadData,
  Heap,
  loadDigest64,
  type QuarantinedRow,
  storeDurableSequence,
  durableSequence,
} from '@spacegrid/core';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TailRun } from './batch.ts';
import { sqliteCode } from './database.ts';
import { Drain } from './drain.ts';
import type { FoldApi, NumberedBatch } from './fold-messages.ts';
import { Journal, type Watermark } from './journal.ts';
import { sendRecovery } from './send-recovery.ts';
import type { ResolvedSqliteOptions } from './sqlite-options.ts';

const SLEEP_MS = 60_000;
const FOLD_BYTES = 4 * 1024 * 1024;
const RETRY_MS_MAX = 5000;
const KEPT_MAX = 100;
const INCIDENTS_MAX = 20;

export class DurabilityActor implements DurabilityControl {
  private readonly data: DurabilityThreadData;
  private readonly options: ResolvedSqliteOptions;
  private readonly doorbell: Doorbell;
  private readonly workers: readonly Doorbell[];
  private readonly heaps: readonly Heap[];
  private journal: Journal | undefined;
  private fold: FoldApi | undefined;
  private foldThread: Worker | undefined;
  private drain: Drain | undefined;
  private watermarks: Map<number, Watermark>;
  private tail: Map<number, TailRun[]> | undefined;
  private foldedBatch: number;
  private running: Promise<void> | undefined;
  private folding: Promise<void> | undefined;
  private closing: boolean;
  private health: DurabilityHealth;
  private reason: string | undefined;
  private retryMs: number;
  private readonly flushWaiters: { readonly reached: readonly number[]; readonly resolve: () => void }[];
  private lastFlushAt: number;
  private lastFlushMs: number;
  private flushes: number;
  private readonly quarantined: QuarantinedRow[];
  private quarantinedCount: number;
  private readonly incidents: DurabilityIncident[];

  constructor(data: DurabilityThreadData) {
    this.data = data;
    this.options = data.options as ResolvedSqliteOptions;
    const words = new Int32Array(data.doorbells);
    this.doorbell = new Doorbell(words, data.ownDoorbell);
    this.workers = data.workerDoorbells.map((index) => new Doorbell(words, index));
    this.heaps = data.heaps.map((buffer) => new Heap(buffer));
    this.watermarks = new Map();
    this.foldedBatch = 0;
    this.closing = false;
    this.health = 'opening';
    this.retryMs = 0;
    this.flushWaiters = [];
    this.lastFlushAt = 0;
    this.lastFlushMs = 0;
    this.flushes = 0;
    this.quarantined = [];
    this.quarantinedCount = 0;
    this.incidents = [];
  }

  async open(): ReturnType<DurabilityControl['open']> {
    await loadDigest64();
    const { directory } = this.options;
    this.journal = new Journal(directory, this.data.identity);
    this.watermarks = this.journal.watermarks();
    const { port1, port2 } = new MessageChannel();
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.foldThread = new Worker(new URL(`./fold-thread.${extension}`, import.meta.url), {
      workerData: { port: port2 },
      transferList: [port2],
      name: 'spacegrid-fold',
    });
    this.foldThread.on('error', (error) => this.note(error));
    this.fold = callControl<FoldApi>(port1);
    this.foldedBatch = await this.fold.open(directory);
    const durable = this.heaps.map((_, partition) => this.watermarks.get(partition) ?? { epoch: 0, sequence: 0 });
    return { identity: this.journal.identity, fresh: this.journal.fresh, durable };
  }

  async recover(partition: number, port: MessagePort): Promise<void> {
    this.tail ??= this.readTail();
    await sendRecovery(
      port,
      this.open_().fold,
      partition,
      this.tail.get(partition) ?? [],
      this.watermarks.get(partition) ?? { epoch: 0, sequence: 0 },
    );
  }

  async start(): Promise<void> {
    this.tail = undefined;
    for (const [partition, { sequence }] of this.watermarks)
      storeDurableSequence(this.heaps[partition] as Heap, sequence);
    this.drain = new Drain(this.heaps, this.data.pinSlot, this.watermarks, this.options.batchBytes);
    this.health = 'healthy';
    this.running = this.run(this.drain);
  }

  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.flushWaiters.push({ reached: this.heaps.map((heap) => heap.sequence()), resolve });
      this.doorbell.ring();
    });
  }

  async status(): ReturnType<DurabilityControl['status']> {
    const { journal } = this;
    const behind = this.heaps.some(
      (heap, partition) => heap.sequence() > (this.watermarks.get(partition)?.sequence ?? 0),
    );
    return {
      health: this.health,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      unpersistedBytes: this.drain?.batch.bytes ?? 0,
      unpersistedAgeMs: behind && this.lastFlushAt > 0 ? Date.now() - this.lastFlushAt : 0,
      lastFlushAt: this.lastFlushAt,
      lastFlushMs: this.lastFlushMs,
      flushes: this.flushes,
      foldLagBytes: journal === undefined ? 0 : journal.bytes(),
      journalBytes: journal?.bytes() ?? 0,
      rowBytes: (await this.fold?.bytes()) ?? 0,
      quarantined: this.quarantined,
      quarantinedCount: this.quarantinedCount,
      errors: this.incidents,
    };
  }

  async backup(directory: string): ReturnType<DurabilityControl['backup']> {
    const { fold, journal } = this.open_();
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (readdirSync(directory).length > 0)
      throw new BackupFailedError(`${directory} is not empty: a backup goes to an empty directory`);
    await this.flush();
    await this.folding;
    // Rows first: batches that are dropped meanwhile are in them; the journal's copy then holds all behind.
    const hold = this.holdFold();
    try {
      await fold.backup(join(directory, 'rows.db'));
      await journal.backup(join(directory, 'journal.db'));
    } finally {
      hold();
    }
    const positions = this.heaps.map((_, partition) => this.watermarks.get(partition) ?? { epoch: 0, sequence: 0 });
    return { directory, bytes: journal.bytes() + (await fold.bytes()), positions };
  }

  async close(): Promise<void> {
    if (this.closing) {
      await this.running;
      return;
    }
    this.closing = true;
    this.doorbell.ring();
    await this.running;
    await this.folding;
    await this.fold?.close();
    await this.foldThread?.terminate();
    this.journal?.close();
    this.health = 'closed';
  }

  private open_(): { readonly fold: FoldApi; readonly journal: Journal } {
    const { fold, journal } = this;
    if (fold === undefined || journal === undefined) throw new Error('open comes first');
    return { fold, journal };
  }

  private async run(drain: Drain): Promise<void> {
    for (;;) {
      if (this.health !== 'failed' && drain.fill()) {
        if (!this.write(drain)) {
          await this.sleep(this.retryMs);
          if (this.closing) return;
        }
        continue;
      }
      this.settleFlushes();
      this.startFold();
      if (this.closing) return;
      await this.doorbell.parkAsync(
        SLEEP_MS,
        () => this.closing || this.flushWaiters.length > 0 || (this.health !== 'failed' && drain.hasMore()),
      );
      // Nobody waits: a little company makes a better batch.
      if (!this.closing && this.flushWaiters.length === 0 && !drain.isAwaited()) await this.gatherCompany(drain);
    }
  }

  /** Waits for the flush interval, or until a reply waits for the disk. */
  private async gatherCompany(drain: Drain): Promise<void> {
    const until = performance.now() + this.options.flushIntervalMs;
    for (let leftMs = this.options.flushIntervalMs; leftMs > 0.5; leftMs = until - performance.now()) {
      await this.doorbell.parkAsync(leftMs, () => this.closing || this.flushWaiters.length > 0 || drain.isAwaited());
      if (this.closing || this.flushWaiters.length > 0 || drain.isAwaited()) return;
    }
  }

  /** Journals the batch and moves the watermarks. False when it could not be written: it is kept. */
  private write(drain: Drain): boolean {
    const { batch } = drain;
    const startedAt = performance.now();
    try {
      this.open_().journal.append(batch);
    } catch (error) {
      this.failed(error);
      return false;
    }
    this.health = 'healthy';
    this.reason = undefined;
    this.retryMs = 0;
    this.lastFlushAt = Date.now();
    this.lastFlushMs = performance.now() - startedAt;
    this.flushes++;
    for (const [partition, reached] of batch.reached) {
      this.watermarks.set(partition, reached);
      if (storeDurableSequence(this.heaps[partition] as Heap, reached.sequence))
        (this.workers[partition] as Doorbell).ring();
    }
    batch.clear();
    return true;
  }

  private failed(error: unknown): void {
    this.note(error);
    const code = sqliteCode(error);
    this.reason = error instanceof Error ? error.message : String(error);
    this.retryMs = Math.min(RETRY_MS_MAX, Math.max(50, this.retryMs * 2));
    // After a failed sync the kernel may have dropped the pages and say nothing: that file is never written again.
    this.health = code === 'SQLITE_FULL' ? 'full' : 'failed';
  }

  private startFold(): void {
    if (this.folding !== undefined || this.closing || this.health !== 'healthy') return;
    const { fold, journal } = this.open_();
    if (journal.newestBatch <= this.foldedBatch) return;
    const batches: NumberedBatch[] = [];
    let bytes = 0;
    for (const { id, data } of journal.batches(this.foldedBatch)) {
      batches.push({ id, data });
      bytes += data.length;
      if (bytes >= FOLD_BYTES) break;
    }
    const last = batches[batches.length - 1];
    if (last === undefined) return;
    this.folding = fold
      .fold(batches)
      .then(
        (poisoned) => {
          for (const row of poisoned) this.quarantine(row.partition, row.key, row.reason);
          this.foldedBatch = last.id;
          if (poisoned.length === 0) journal.drop(last.id);
        },
        (error: unknown) => this.note(error),
      )
      .then(() => {
        this.folding = undefined;
        this.doorbell.ring();
        setImmediate(() => this.startFold());
      });
  }

  /** Keeps batches in the journal until the returned function is called. */
  private holdFold(): () => void {
    const held = new Promise<void>(() => undefined);
    this.folding = held;
    return () => {
      this.folding = undefined;
      this.startFold();
    };
  }

  private settleFlushes(): void {
    for (let index = this.flushWaiters.length - 1; index >= 0; index--) {
      const waiter = this.flushWaiters[index];
      if (
        waiter === undefined ||
        waiter.reached.some((sequence, partition) => durableSequence(this.heaps[partition] as Heap) < sequence)
      )
        continue;
      this.flushWaiters.splice(index, 1);
      waiter.resolve();
    }
  }

  private readTail(): Map<number, TailRun[]> {
    return this.open_().journal.tail(this.foldedBatch);
  }

  private quarantine(partition: number, key: Uint8Array, reason: string): void {
    this.quarantinedCount++;
    if (this.quarantined.length < KEPT_MAX) {
      this.quarantined.push({ partition, key: Buffer.from(key).toString('hex'), reason, quarantinedAt: Date.now() });
    }
  }

  private note(error: unknown): void {
    this.incidents.push({
      occurredAt: Date.now(),
      code: sqliteCode(error) || 'UNEXPECTED',
      message: error instanceof Error ? error.message : String(error),
    });
    if (this.incidents.length > INCIDENTS_MAX) this.incidents.shift();
  }

  private async sleep(ms: number): Promise<void> {
    await this.doorbell.parkAsync(ms, () => this.closing);
  }
}
