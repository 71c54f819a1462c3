/**
 * Decides when batches are folded into rows, and when the journal may forget them. Durability thread only.
 *
 * ```
 *   idle ── lag, after a while or at once when it is much ──→ folding ──→ idle
 *     ↑                                                          │ failed
 *     └────────────── back-off (and a new thread) ───────────────┘
 *   held: no fold begins while a backup copies.
 * ```
 */
import type { MessagePort } from 'node:worker_threads';
import {
  type DurablePosition,
  DurabilityUnavailableError,
  type QuarantinedRow,
  StoreCorruptError,
} from '@spacegrid/core';
import { BackOff } from './back-off.ts';
import type { StoredBatch } from './batch.ts';
import { sqliteCode } from './database.ts';
import type { FoldHost } from './fold-host.ts';
import type { FoldState, GroupRange, QuarantineMark, RowPage } from './fold-messages.ts';
import type { Incidents } from './incidents.ts';
import type { Journal } from './journal.ts';
import type { RowRange } from './row-key.ts';
import type { Trouble } from './trouble.ts';

/** So much lag is folded at once: the more, the more changes of one row are one write; the less, the less a start has to read. */
const URGENT_BYTES = 8 * 1024 * 1024;
/** Less of it waits until nothing was journalled for a while, so that a lone batch has the disk for itself, */
const QUIET_MS = 250;
/** but not for ever. */
const LAG_MS_MAX = 5000;
/** What is read from the journal and handed over at a time: batches are appended in between. */
const PIECE_BYTES = 1024 * 1024;
const RETRY_MS_MAX = 10_000;
const KEPT_MAX = 100;

interface FoldWaiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Folder {
  private readonly journal: Journal;
  private readonly host: FoldHost;
  private readonly incidents: Incidents;
  private readonly backOff: BackOff;
  private state: FoldState;
  private lag: number;
  private lagSince: number;
  private journalledAt: number;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private holds: number;
  private closed: boolean;
  private trouble: Trouble | undefined;
  private replacedCount: number;
  private readonly waiting: FoldWaiter[];
  /** Told when more is folded. */
  onFolded: () => void;

  private constructor(journal: Journal, host: FoldHost, state: FoldState, incidents: Incidents) {
    this.journal = journal;
    this.host = host;
    this.incidents = incidents;
    this.backOff = new BackOff(50, RETRY_MS_MAX);
    this.state = state;
    this.lag = 0;
    this.lagSince = 0;
    this.journalledAt = 0;
    this.running = undefined;
    this.timer = undefined;
    this.holds = 0;
    this.closed = false;
    this.trouble = undefined;
    this.replacedCount = 0;
    this.waiting = [];
    this.onFolded = () => undefined;
    host.onDeath = (cause) => this.died(cause);
  }

  /** Opens the rows. Throws StoreLockedError, StoreIdentityError, StoreCorruptError. */
  static async open(journal: Journal, host: FoldHost, incidents: Incidents): Promise<Folder> {
    const folder = new Folder(journal, host, await host.open(), incidents);
    folder.lag = journal.batchBytes(folder.state.folded);
    return folder;
  }

  get folded(): number {
    return this.state.folded;
  }

  /** By partition: up to where the rows go. */
  get positions(): ReadonlyMap<number, DurablePosition> {
    return this.state.positions;
  }

  get marks(): readonly QuarantineMark[] {
    return this.state.quarantine;
  }

  /** Journalled and not folded. */
  get lagBytes(): number {
    return this.lag;
  }

  /** What keeps it from folding. */
  get problem(): Trouble | undefined {
    return this.trouble;
  }

  get filesSetAside(): number {
    return this.replacedCount;
  }

  quarantined(): QuarantinedRow[] {
    return this.marks.slice(0, KEPT_MAX).map(({ partition, key, reason, quarantinedAt }) => ({
      partition,
      key: Buffer.from(key).toString('hex'),
      reason,
      quarantinedAt,
    }));
  }

  /** A batch was journalled. */
  journalled(bytes: number): void {
    this.journalledAt = performance.now();
    if (this.lag === 0) this.lagSince = this.journalledAt;
    this.lag += bytes;
    this.schedule();
  }

  /** Sees to it that what is to be folded is, soon. */
  schedule(): void {
    if (this.closed || this.running !== undefined || this.holds > 0) return;
    // Rows are read through their thread, also where nothing is to be folded.
    if (this.journal.newestBatch <= this.folded && this.host.isOpen) return;
    if (this.trouble === undefined && this.lag >= URGENT_BYTES) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.start();
    } else if (this.timer === undefined) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        const now = performance.now();
        const due = now - this.journalledAt >= QUIET_MS || now - this.lagSince >= LAG_MS_MAX;
        if (due) this.startUnlessHeld();
        else this.schedule();
      }, QUIET_MS);
    }
  }

  /** Somebody waits: folds what there is now, unless folding fails. */
  hurry(): void {
    if (this.lag > 0 && this.trouble === undefined) this.startUnlessHeld();
  }

  /** Folds until no more than `lagBytes` are left; rejects with what keeps it from that. */
  async catchUp(lagBytes: number): Promise<void> {
    while (this.lag > lagBytes && this.journal.newestBatch > this.folded) await this.foldNext();
  }

  /** Waits for the running fold; none begins until the returned function is called. */
  async hold(): Promise<() => void> {
    this.holds++;
    await this.running;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holds--;
      this.schedule();
    };
  }

  /** Resolves when the fold that runs, or else one that begins now, has ended; whether it succeeded is not said. */
  async foldNow(): Promise<void> {
    this.startUnlessHeld();
    await this.running;
  }

  read(partition: number, range: RowRange): Promise<RowPage> {
    return this.host.call((api) => api.read(partition, range));
  }

  /** Waits for the fold thread while it is being replaced. */
  async readSome(partition: number, range: RowRange): Promise<RowPage> {
    // Bound: each pass is an attempt to start it, or ends in what that says.
    while (!this.host.isOpen) await this.nextFold();
    return this.host.call((api) => api.readSome(partition, range));
  }

  readGroups(partition: number, range: GroupRange): Promise<RowPage> {
    return this.host.call((api) => api.readGroups(partition, range));
  }

  /**
   * Resolves when the rows hold what a partition changed up to a position; folds at once for that. Rejects with what keeps it from
   * folding.
   */
  async covers(partition: number, position: DurablePosition): Promise<void> {
    // Bound: each pass is a fold, which takes in all that was journalled when it began, or ends in an error.
    while (!reaches(this.positions.get(partition), position)) {
      if (this.journal.newestBatch <= this.folded) {
        throw new StoreCorruptError(
          `the rows hold partition ${partition} up to ${this.positions.get(partition)?.sequence ?? 0}, and no batch of ${this.journal.name} goes on to ${position.sequence}: restore a backup`,
          { details: { partition, last: position.sequence } },
        );
      }
      await this.nextFold();
    }
  }

  /** Resolves at the end of the next fold, which begins now if it can; rejects with what that says. */
  private nextFold(): Promise<void> {
    if (this.closed) return Promise.reject(new DurabilityUnavailableError('the store is being closed'));
    const folded = new Promise<void>((resolve, reject) => this.waiting.push({ resolve, reject }));
    this.startUnlessHeld();
    return folded;
  }

  /** Has the fold thread serve a HeldRowsApi at the port. */
  verify(port: MessagePort): Promise<void> {
    return this.host.call((api) => api.verify(port));
  }

  /** Rejects when the fold thread dies before `work` is done. */
  during<T>(work: () => Promise<T>): Promise<T> {
    return this.host.call(work);
  }

  backup(file: string): Promise<void> {
    return this.host.call((api) => api.backup(file));
  }

  /** Of the rows' file, after the last fold. */
  get bytes(): number {
    return this.state.bytes;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const { reject } of this.waiting.splice(0))
      reject(new DurabilityUnavailableError('the store is being closed'));
    clearTimeout(this.timer);
    // A fold under way is cut short: its batches stay in the journal.
    if (this.running === undefined) await this.host.close();
    else await this.host.terminate();
    await this.running;
  }

  private startAfter(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.startUnlessHeld();
    }, ms);
  }

  private startUnlessHeld(): void {
    if (!this.closed && this.running === undefined && this.holds === 0) this.start();
  }

  private start(): void {
    this.running = this.foldOrNote().then((waitMs) => {
      this.running = undefined;
      if (this.closed) return;
      if (waitMs === 0) this.schedule();
      else this.startAfter(waitMs);
    });
  }

  /** One fold; milliseconds to wait before the next when it failed. */
  private async foldOrNote(): Promise<number> {
    try {
      await this.foldNext();
      for (const { resolve } of this.waiting.splice(0)) resolve();
      return 0;
    } catch (error) {
      for (const { reject } of this.waiting.splice(0)) reject(error);
      if (this.closed) return 0;
      this.incidents.noteError('folding batches into rows', error);
      const full = sqliteCode(error) === 'SQLITE_FULL';
      this.trouble = {
        health: full ? 'full' : 'failed',
        reason: `batches can't be folded into rows and stay in the journal: ${(error as Error).message}`,
      };
      return this.backOff.failed();
    }
  }

  private async foldNext(): Promise<void> {
    if (!this.host.isOpen) {
      this.accept(await this.host.open());
      // What its predecessor folded and did not live to say.
      this.lag = this.journal.batchBytes(this.folded);
    }
    let piece: StoredBatch[] = [];
    let pieceBytes = 0;
    let bytes = 0;
    let last = this.folded;
    let afresh = true;
    while (bytes < URGENT_BYTES && last < this.journal.newestBatch) {
      for (const batch of this.journal.batches(last)) {
        piece.push(batch);
        pieceBytes += batch.runs.length + batch.data.length;
        last = batch.id;
        if (pieceBytes >= PIECE_BYTES) break;
      }
      bytes += pieceBytes;
      pieceBytes = 0;
      if (bytes >= URGENT_BYTES || last >= this.journal.newestBatch) break;
      const handed = piece;
      piece = [];
      const begins = afresh;
      afresh = false;
      await this.host.call((api) => api.gather(handed, begins));
    }
    if (bytes > 0) {
      const handed = piece;
      this.accept(await this.host.call((api) => api.fold(handed)));
      this.lag = this.journal.newestBatch === this.folded ? 0 : Math.max(1, this.lag - bytes);
      this.lagSince = performance.now();
    }
    this.journal.noteFolded({ upTo: this.folded, kept: [...new Set(this.marks.map(({ batch }) => batch))] });
    this.trouble = undefined;
    this.backOff.succeeded();
  }

  private accept(state: FoldState): void {
    for (const { name, code, message } of state.replaced) {
      this.replacedCount++;
      this.incidents.note(
        code,
        `${name} failed a write (${message}): it was set aside, and its rows were copied to a fresh file`,
      );
    }
    this.state = state;
    this.onFolded();
  }

  private died(cause: Error): void {
    if (this.closed) return;
    this.incidents.noteError('the fold thread', cause);
    this.trouble = { health: 'failed', reason: `${cause.message}; it is being restarted` };
    if (this.running === undefined) this.startAfter(this.backOff.failed());
  }
}

function reaches(position: DurablePosition | undefined, wanted: DurablePosition): boolean {
  if (position === undefined) return wanted.sequence === 0;
  return position.epoch > wanted.epoch || (position.epoch === wanted.epoch && position.sequence >= wanted.sequence);
}
