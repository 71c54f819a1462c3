/**
 * The journal: its file of today, and how a file that failed is replaced by a fresh one. Numbers batches. Durability thread only.
 *
 * After a failed write or sync nothing is written to that file any more. `replace` makes the next one, whole and synced in one
 * transaction: watermarks as acknowledged, and every batch that the rows don't hold yet. Until that is done the old file is the
 * store; from then on it is the new one, also for a process that starts after a crash between the two.
 */
import type { DurablePosition, GridIdentity, StoreCorruptError } from '@spacegrid/core';
import { dirname, join } from 'node:path';
import type { BatchWriter, StoredBatch } from './batch.ts';
import { isFileFailure, syncDirectory } from './database.ts';
import { type FoldedBatches, JournalFile } from './journal-file.ts';
import { keepLog, openNewest, removeDatabaseFile, setFileAside, storeFileName } from './store-files.ts';
import type { StoreIdentity } from './store-identity.ts';

const LOG_BYTES_LONG = 4 * 1024 * 1024;

export class Journal {
  private readonly directory: string;
  private file: JournalFile;
  /** The last write to the file failed: it is not written any more. */
  private broken: boolean;
  private newestGeneration: number;
  private lastId: number;
  private folded: FoldedBatches;
  private dropDue: boolean;

  /** Takes the directory's lock. Throws StoreLockedError, StoreIdentityError, StoreCorruptError. */
  constructor(directory: string, identity: GridIdentity) {
    this.directory = directory;
    this.file = openNewest(directory, 'journal', (generation, mayCreate) =>
      JournalFile.open(directory, generation, identity, mayCreate),
    );
    this.broken = false;
    this.newestGeneration = this.file.generation;
    this.lastId = this.file.newestBatch();
    this.folded = { upTo: 0, kept: [] };
    this.dropDue = false;
    // What a failed sync left in the kernel's cache may be read here and still not be on disk: this makes it so, or fails.
    this.file.checkpoint();
    if (!this.file.fresh) return;
    syncDirectory(directory);
    syncDirectory(dirname(directory));
  }

  get fresh(): boolean {
    return this.file.fresh;
  }

  get identity(): StoreIdentity {
    return this.file.identity;
  }

  get name(): string {
    return this.file.name;
  }

  get newestBatch(): number {
    return this.lastId;
  }

  /** True after a failed write: `replace` comes next. */
  get isBroken(): boolean {
    return this.broken;
  }

  watermarks(): Map<number, DurablePosition> {
    return this.file.watermarks();
  }

  /** Appends a batch and returns its number when it is synced to disk. Throws what SQLite says; the batch is then not there. */
  append(batch: BatchWriter): number {
    const id = this.lastId + 1;
    this.guarded(() => this.file.append(id, batch, this.dropDue ? this.folded : undefined));
    this.lastId = id;
    this.dropDue = false;
    return id;
  }

  /** Notes what the rows hold: it is dropped with the next batch. */
  noteFolded(folded: FoldedBatches): void {
    this.folded = folded;
    this.dropDue = true;
  }

  /** Long enough to be copied into the file when there is nothing else to do. */
  get isLogLong(): boolean {
    return this.file.logBytes > LOG_BYTES_LONG;
  }

  /** So long that it is copied between two batches. */
  get isLogVeryLong(): boolean {
    return this.file.logBytes > LOG_BYTES_LONG * 4;
  }

  /** Copies the write-ahead log into the file, so that it is written again from its start. Throws what SQLite says. */
  checkpoint(): void {
    this.guarded(() => this.file.checkpoint());
  }

  /** Goes on in a fresh file; throws when that can't be made either. The name of the one that is left. */
  replace(): string {
    const older = this.file;
    this.newestGeneration++;
    const generation = this.newestGeneration;
    try {
      this.file = JournalFile.replace(this.directory, older, generation, this.folded);
    } catch (error) {
      removeDatabaseFile(join(this.directory, storeFileName('journal', generation)));
      throw error;
    }
    this.broken = false;
    try {
      older.close();
    } finally {
      setFileAside(this.directory, 'journal', older.generation);
      syncDirectory(this.directory);
    }
    return older.name;
  }

  batches(after: number): Generator<StoredBatch> {
    return this.file.batches(after);
  }

  looseBatches(after: number): Generator<StoredBatch | StoreCorruptError> {
    return this.file.looseBatches(after);
  }

  /** Puts a batch without changes in the place of one that is damaged. Throws what SQLite says. */
  blank(id: number, batch: BatchWriter): void {
    this.guarded(() => this.file.blank(id, batch));
  }

  forgetCache(): void {
    this.file.forgetCache();
  }

  batch(id: number): StoredBatch | undefined {
    return this.file.batch(id);
  }

  batchBytes(after: number): number {
    return this.file.batchBytes(after);
  }

  bytes(): number {
    return this.file.bytes();
  }

  backup(file: string): Promise<unknown> {
    return this.file.backup(file);
  }

  close(): void {
    this.file.close();
  }

  private guarded(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (isFileFailure(error)) {
        this.broken = true;
        try {
          keepLog(this.file.name);
        } catch (second) {
          // One more thing that the disk refuses; the first error says enough, and this one goes along.
          (error as Error).cause ??= second;
        }
      }
      throw error;
    }
  }
}
