/**
 * The durability actor: drains the outboxes into the journal, one synced commit for a batch, then moves the watermarks in
 * shared memory. What is folded into rows, and when, is in folder.ts; what a start reads back in recovery.ts.
 *
 * Crash-only: its state is in the files. A successor in the same process opens them, reads the watermarks, and resumes each
 * outbox there; the partitions free nothing of their outboxes before the watermark has passed it.
 */
import { type MessagePort } from 'node:worker_threads';
import {
  AssertionFailed,
  type BackupResult,
  Doorbell,
  type DurabilityControl,
  DurabilityUnavailableError,
  type DurabilityOpened,
  type DurabilityStatus,
  type DurabilityThreadData,
  type DurablePosition,
  Heap,
  isGridError,
  loadDigest64,
  storeDurableSequence,
  storeFoldedSequence,
  StorageFailedError,
  StorageFullError,
} from '@spacegrid/core';
import { BackOff } from './back-off.ts';
import { makeBackup } from './backup.ts';
import { sqliteCode } from './database.ts';
import { Drain } from './drain.ts';
import { FlushWaiters } from './flush-waiters.ts';
import { FoldHost } from './fold-host.ts';
import { Folder } from './folder.ts';
import { Incidents } from './incidents.ts';
import { Journal } from './journal.ts';
import { Pause } from './pause.ts';
import { Recovery } from './recovery.ts';
import { RowReads } from './row-reads.ts';
import type { ResolvedSqliteOptions } from './sqlite-options.ts';
import { healthOf, type Trouble } from './trouble.ts';
import { StoreVerifier } from './verify/store-verifier.ts';

const SLEEP_MS = 60_000;
const RETRY_MS_MAX = 2000;
/** More of a tail than this is folded before it is loaded: the tail is held in memory. */
const TAIL_BYTES_MAX = 64 * 1024 * 1024;

interface Opened {
  readonly journal: Journal;
  readonly folder: Folder;
}

export class DurabilityActor implements DurabilityControl {
  private readonly data: DurabilityThreadData;
  private readonly options: ResolvedSqliteOptions;
  private readonly doorbell: Doorbell;
  private readonly workers: readonly Doorbell[];
  private readonly heaps: readonly Heap[];
  private readonly flushWaiters: FlushWaiters;
  private readonly incidents: Incidents;
  private readonly backOff: BackOff;
  private readonly pause: Pause;
  private opened: Opened | undefined;
  private watermarks: Map<number, DurablePosition>;
  private recovery: Recovery | undefined;
  private reads: RowReads | undefined;
  private drain: Drain | undefined;
  private running: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private closed: boolean;
  private trouble: Trouble | undefined;
  private lastFlushAt: number;
  private lastFlushMs: number;
  private flushes: number;
  private filesSetAside: number;

  constructor(data: DurabilityThreadData) {
    this.data = data;
    this.options = data.options as ResolvedSqliteOptions;
    const words = new Int32Array(data.doorbells);
    this.doorbell = new Doorbell(words, data.ownDoorbell);
    this.workers = data.workerDoorbells.map((index) => new Doorbell(words, index));
    this.heaps = data.heaps.map((buffer) => new Heap(buffer));
    this.flushWaiters = new FlushWaiters(this.heaps);
    this.incidents = new Incidents();
    this.backOff = new BackOff(20, RETRY_MS_MAX);
    this.pause = new Pause();
    this.opened = undefined;
    this.watermarks = new Map();
    this.recovery = undefined;
    this.reads = undefined;
    this.drain = undefined;
    this.running = undefined;
    this.closing = undefined;
    this.closed = false;
    this.trouble = undefined;
    this.lastFlushAt = 0;
    this.lastFlushMs = 0;
    this.flushes = 0;
    this.filesSetAside = 0;
  }

  async open(): Promise<DurabilityOpened> {
    await loadDigest64();
    const { directory } = this.options;
    let journal: Journal | undefined;
    try {
      journal = new Journal(directory, this.data.identity);
      const folder = await Folder.open(journal, new FoldHost(directory, journal.identity), this.incidents);
      this.opened = { journal, folder };
      await folder.catchUp(TAIL_BYTES_MAX);
    } catch (error) {
      if (this.opened === undefined) journal?.close();
      throw asStoreError(directory, error);
    }
    this.watermarks = journal.watermarks();
    const { folder } = this.files();
    this.reads = new RowReads(journal, folder, new Map(this.watermarks));
    folder.onFolded = () => this.moveFolded(folder);
    const { storeId: _, ...identity } = journal.identity;
    return { identity, fresh: journal.fresh, durable: this.heaps.map((_heap, partition) => this.watermark(partition)) };
  }

  async recover(partition: number, port: MessagePort): Promise<void> {
    const { journal, folder } = this.files();
    const recovery = this.recovery ?? new Recovery(journal, folder, this.watermarks);
    // Shared by the partitions of a start, which have one tail; later ones have another.
    if (this.drain === undefined) this.recovery = recovery;
    await recovery.send(partition, port);
  }

  async serveRows(port: MessagePort): Promise<void> {
    if (this.reads === undefined) throw new DurabilityUnavailableError('the store is not open');
    this.reads.serve(port);
  }

  async start(): Promise<void> {
    // Two drains of one outbox would store what it holds twice.
    if (this.drain !== undefined) return;
    const { folder } = this.files();
    this.recovery = undefined;
    this.moveFolded(folder);
    // A predecessor may have died between its commit and this.
    for (const [partition, { sequence }] of this.watermarks) this.moveWatermark(partition, sequence);
    this.drain = new Drain(this.heaps, this.data.pinSlot, this.watermarks, this.options.batchBytes);
    this.running = this.run(this.drain);
    folder.schedule();
  }

  flush(): Promise<void> {
    if (this.closing !== undefined) return Promise.reject(closedError());
    const flushed = this.flushWaiters.add();
    this.doorbell.ring();
    return flushed;
  }

  async status(): Promise<DurabilityStatus> {
    const { opened } = this;
    const backlog = this.drain?.backlog() ?? { bytes: 0, bytesMax: 0, ageMs: 0 };
    const { health, reason } = healthOf(this.trouble, opened?.folder.problem, backlog, this.data.backlog);
    return {
      health: this.closed ? 'closed' : this.drain === undefined ? 'opening' : health,
      ...(reason === undefined ? {} : { reason }),
      unpersistedBytes: backlog.bytes,
      unpersistedAgeMs: backlog.ageMs,
      lastFlushAt: this.lastFlushAt,
      lastFlushMs: this.lastFlushMs,
      flushes: this.flushes,
      foldLagBytes: opened?.folder.lagBytes ?? 0,
      journalBytes: this.closed ? 0 : (opened?.journal.bytes() ?? 0),
      rowBytes: opened?.folder.bytes ?? 0,
      quarantined: opened?.folder.quarantined() ?? [],
      quarantinedCount: opened?.folder.marks.length ?? 0,
      filesSetAside: this.filesSetAside + (opened?.folder.filesSetAside ?? 0),
      errors: this.incidents.all(),
    };
  }

  async backup(directory: string): Promise<BackupResult> {
    const { journal, folder } = this.files();
    await this.flush();
    return makeBackup(directory, journal, folder);
  }

  async verify(port: MessagePort): Promise<void> {
    const { journal, folder } = this.files();
    new StoreVerifier(
      journal,
      folder,
      (partition) => this.watermark(partition),
      () => this.flush(),
    ).serve(port);
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    // Not before `closing` is set, which the loop looks at.
    await Promise.resolve();
    this.pause.end();
    this.doorbell.ring();
    await this.running;
    const left = this.drain?.backlog().bytes ?? 0;
    this.flushWaiters.fail(closedError());
    this.closed = true;
    const { opened } = this;
    try {
      await opened?.folder.close();
    } finally {
      opened?.journal.close();
    }
    if (left === 0) return;
    const message = `${left} bytes that were committed could not be stored: ${this.trouble?.reason ?? 'the store was closed'}`;
    throw this.trouble?.health === 'full' ? new StorageFullError(message) : new StorageFailedError(message);
  }

  private files(): Opened {
    if (this.opened === undefined || this.closed) throw new DurabilityUnavailableError('the store is not open');
    return this.opened;
  }

  private watermark(partition: number): DurablePosition {
    return this.watermarks.get(partition) ?? { epoch: 0, sequence: 0 };
  }

  /** Until it is closed. Each pass lets the event loop run: control messages and folds go on under any load. */
  private async run(drain: Drain): Promise<void> {
    const { journal } = this.files();
    for (;;) {
      drain.look(false);
      const batch = drain.fill();
      if (batch || journal.isBroken) {
        if (this.mend(journal) && (!batch || this.write(drain))) {
          // Under load there is no better time to come.
          if (journal.isLogVeryLong) this.shortenLog();
          await new Promise((resolve) => setImmediate(resolve));
        } else if (this.closing !== undefined) return;
        else await this.pause.wait(this.backOff.failed());
        continue;
      }
      this.flushWaiters.settle();
      if (this.closing !== undefined) return;
      if (journal.isLogLong) this.shortenLog();
      if (journal.isBroken) continue;
      await this.doorbell.parkAsync(SLEEP_MS, () => this.isWanted(drain) || drain.hasMore());
      drain.look(true);
      // Nobody waits: a little company makes a better batch.
      if (!this.isWanted(drain)) await this.gatherCompany(drain);
    }
  }

  /** True when somebody waits for what is committed to be durable. */
  private isWanted(drain: Drain): boolean {
    return this.closing !== undefined || this.flushWaiters.pending || drain.isAwaited();
  }

  /** Waits for the flush interval, or until somebody waits for the disk. */
  private async gatherCompany(drain: Drain): Promise<void> {
    const until = performance.now() + this.options.flushIntervalMs;
    for (let leftMs = this.options.flushIntervalMs; leftMs > 0.5; leftMs = until - performance.now()) {
      await this.doorbell.parkAsync(leftMs, () => this.isWanted(drain));
      if (this.isWanted(drain)) return;
    }
  }

  /** Journals the batch and moves the watermarks. False when it could not be written: it is kept. */
  private write(drain: Drain): boolean {
    const { journal, folder } = this.files();
    const { batch } = drain;
    const startedAt = performance.now();
    try {
      // What was written and then freed can be written again once the log is back in the file.
      if (this.trouble?.health === 'full') journal.checkpoint();
      journal.append(batch);
    } catch (error) {
      this.failed(error, `${journal.name} failed a write`);
      return false;
    }
    this.trouble = undefined;
    this.backOff.succeeded();
    this.lastFlushAt = Date.now();
    this.lastFlushMs = performance.now() - startedAt;
    this.flushes++;
    folder.journalled(batch.runs().length + batch.data().length);
    for (const [partition, reached] of batch.reached) {
      this.watermarks.set(partition, reached);
      this.moveWatermark(partition, reached.sequence);
    }
    drain.written();
    this.flushWaiters.settle();
    return true;
  }

  private moveFolded(folder: Folder): void {
    for (const [partition, { sequence }] of folder.positions) {
      const heap = this.heaps[partition];
      if (heap !== undefined) storeFoldedSequence(heap, sequence);
    }
  }

  private moveWatermark(partition: number, sequence: number): void {
    if (storeDurableSequence(this.heaps[partition] as Heap, sequence)) (this.workers[partition] as Doorbell).ring();
  }

  /** After a failed write: goes on in a fresh file. False when that can't be made either. */
  private mend(journal: Journal): boolean {
    if (!journal.isBroken) return true;
    try {
      const left = journal.replace();
      this.incidents.note('STORAGE_FAILED', `${left} was set aside; ${journal.name} takes its place`);
    } catch (error) {
      this.failed(error, `no fresh file could be made in the place of ${journal.name}`);
      return false;
    }
    this.filesSetAside++;
    this.trouble = undefined;
    return true;
  }

  private failed(error: unknown, what: string): void {
    if (error instanceof AssertionFailed || !(error instanceof Error)) throw error;
    const full = sqliteCode(error) === 'SQLITE_FULL';
    const reason = full
      ? `the disk is full: ${what} (${error.message}); everything is kept in memory and tried again`
      : `${what} (${error.message}); everything above the watermark is kept, to be written to a fresh file`;
    // Each trouble once: a disk that is full for a day would drive out all else.
    if (this.trouble?.reason !== reason) this.incidents.noteError(what, error);
    this.trouble = { health: full ? 'full' : 'failed', reason };
  }

  /** The write-ahead log is copied into the file. When the disk is too full for that it stays as long as it is. */
  private shortenLog(): void {
    const { journal } = this.files();
    try {
      journal.checkpoint();
    } catch (error) {
      if (journal.isBroken) this.failed(error, `${journal.name} failed a write`);
      else this.incidents.noteError(`copying the log into ${journal.name}`, error);
    }
  }
}

function closedError(): DurabilityUnavailableError {
  return new DurabilityUnavailableError('the store is being closed');
}

/** What the store or the file system says at the start, as an error of the grid. */
function asStoreError(directory: string, error: unknown): unknown {
  if (isGridError(error) || !(error instanceof Error) || !('code' in error)) return error;
  const message = `the store in ${directory} can't be opened: ${error.message}`;
  const details = { directory };
  if (sqliteCode(error) === 'SQLITE_FULL' || error.code === 'ENOSPC')
    return new StorageFullError(message, { cause: error, details });
  return new StorageFailedError(message, { cause: error, details });
}
