/**
 * Looks at every checksum of a store that no grid has open, and whether a start would load it to exactly its watermarks. Takes out
 * of the way what a start can do without; and, when it is told to trust the store, what is damaged, with what that held.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type DurablePosition,
  InvalidOptionError,
  isGridError,
  loadDigest64,
  StoreCorruptError,
} from '@spacegrid/core';
import { type BatchRun, forEachRun } from '../batch.ts';
import { findGap } from '../find-gap.ts';
import type { QuarantineMark } from '../fold-messages.ts';
import { Journal } from '../journal.ts';
import { lastChangeOf } from '../kept-changes.ts';
import { keyBehind } from '../row-key.ts';
import { RowsFile } from '../rows-file.ts';
import { generationsOf, storeFileName } from '../store-files.ts';
import { openOwned, partitionsOf } from '../store-identity.ts';
import { blankBatch } from './blank-batch.ts';
import { latin1, TailVersions } from './tail-versions.ts';

export interface CheckStoreOptions {
  /** What `sqlite({ directory })` was given. */
  readonly directory: string;
  /** Takes damaged rows away that a start does not need, since the journal has a later change of theirs. Default false. */
  readonly repair?: boolean;
  /**
   * With `repair`: takes away every damaged row and empties every damaged batch, so that a start loads what is left. What they held
   * is lost. Default: they stay, and so the store can't be started.
   */
  readonly trust?: 'store';
}

export interface CheckedStore {
  readonly directory: string;
  readonly rows: number;
  /** Of keys and values of the rows. */
  readonly bytes: number;
  readonly batches: number;
  /** By partition: the turn up to which a start would load. */
  readonly positions: readonly DurablePosition[];
  readonly problems: readonly StoreProblem[];
  readonly repaired: number;
}

export interface StoreProblem {
  /** A row or batch fails its checksum, turns are missing, or a change that could not be folded can't be read. */
  readonly kind: 'batch' | 'gap' | 'quarantine' | 'row';
  readonly partition?: number;
  /** Of the row: bytes that are no printable ASCII as dots. */
  readonly key?: string;
  readonly message: string;
  readonly isRepaired: boolean;
}

const PAGE_ROWS = 4000;
const DAMAGED_KEYS_MAX = 100_000;

/** Throws InvalidOptionError, StoreLockedError while a grid has it open, StoreIdentityError, StoreCorruptError. Blocks its thread. */
export async function checkStore(options: CheckStoreOptions): Promise<CheckedStore> {
  const { repair = false, trust } = options;
  const directory = resolve(options.directory);
  if (trust !== undefined && !repair)
    throw new InvalidOptionError('checkStore.trust says how to repair: give repair with it');
  if (!existsSync(directory) || generationsOf(directory, 'journal').length === 0)
    throw new InvalidOptionError(`checkStore.directory is ${directory}, which holds no store`);
  await loadDigest64();
  const partitions = readPartitions(directory);
  const journal = new Journal(directory, { partitions, hashSeed: 0 });
  try {
    const rows = RowsFile.open(directory, journal.identity);
    try {
      return new StoreCheck(directory, journal, rows, repair, trust === 'store').run();
    } finally {
      rows.close();
    }
  } finally {
    journal.close();
  }
}

function readPartitions(directory: string): number {
  const [newest] = generationsOf(directory, 'journal');
  const file = join(directory, storeFileName('journal', newest as number));
  const database = openOwned(file);
  try {
    return partitionsOf(file, database);
  } finally {
    database.close();
  }
}

class StoreCheck {
  private readonly directory: string;
  private readonly journal: Journal;
  private readonly rows: RowsFile;
  private readonly repair: boolean;
  private readonly trusted: boolean;
  private readonly problems: StoreProblem[] = [];
  private readonly tail: Map<number, BatchRun[]> = new Map();

  constructor(directory: string, journal: Journal, rows: RowsFile, repair: boolean, trusted: boolean) {
    this.directory = directory;
    this.journal = journal;
    this.rows = rows;
    this.repair = repair;
    this.trusted = trusted;
  }

  run(): CheckedStore {
    const { journal } = this;
    const batches = this.checkBatches();
    let count = 0;
    let bytes = 0;
    const positions = this.rows.positions();
    const watermarks = journal.watermarks();
    for (let partition = 0; partition < journal.identity.partitions; partition++) {
      const checked = this.checkRows(partition);
      count += checked.rows;
      bytes += checked.bytes;
      const gap = findGap(
        watermarks.get(partition)?.sequence ?? 0,
        positions.get(partition),
        this.tail.get(partition) ?? [],
      );
      if (gap !== undefined) {
        const message = `partition ${partition}: ${gap.why}: turns ${gap.first} to ${gap.last} are missing`;
        this.problems.push({ kind: 'gap', partition, message, isRepaired: false });
      }
    }
    for (const mark of this.rows.quarantine()) this.checkMark(mark);
    return {
      directory: this.directory,
      rows: count,
      bytes,
      batches,
      positions: Array.from(
        { length: journal.identity.partitions },
        (_, partition) => watermarks.get(partition) ?? { epoch: 0, sequence: 0 },
      ),
      problems: this.problems,
      repaired: this.problems.filter(({ isRepaired }) => isRepaired).length,
    };
  }

  /** How many there are; those behind the folded ones become the tail. */
  private checkBatches(): number {
    const { journal } = this;
    const damaged: StoreCorruptError[] = [];
    for (const batch of journal.looseBatches(0)) if (batch instanceof StoreCorruptError) damaged.push(batch);
    const watermarks = journal.watermarks();
    const watermark = (partition: number): DurablePosition => watermarks.get(partition) ?? { epoch: 0, sequence: 0 };
    for (const { message, details } of damaged) {
      const isRepaired = this.repair && this.trusted;
      if (isRepaired) blankBatch(journal, this.rows.positions(), watermark, Number(details['batch']));
      this.problems.push({ kind: 'batch', message, isRepaired });
    }
    let count = 0;
    const folded = this.rows.foldedBatch();
    for (const batch of journal.looseBatches(0)) {
      count++;
      if (batch instanceof StoreCorruptError || batch.id <= folded) continue;
      forEachRun(batch.runs, batch.data, (run) => {
        const runs = this.tail.get(run.partition);
        if (runs === undefined) this.tail.set(run.partition, [run]);
        else runs.push(run);
      });
    }
    return count;
  }

  private checkRows(partition: number): { readonly rows: number; readonly bytes: number } {
    let count = 0;
    let bytes = 0;
    const damaged: Uint8Array[] = [];
    for (let from: Uint8Array | undefined = new Uint8Array(0); from !== undefined; ) {
      const page = this.rows.read(partition, { from }, PAGE_ROWS);
      for (const { key, value } of page.rows) {
        count++;
        bytes += key.length + value.length;
      }
      if (damaged.length < DAMAGED_KEYS_MAX) damaged.push(...page.damaged);
      const last: Uint8Array | undefined = page.rows.at(-1)?.key;
      const next: Uint8Array | undefined = last === undefined ? undefined : keyBehind(last);
      from = page.isLast || next === undefined || Buffer.compare(next, from) <= 0 ? undefined : next;
    }
    if (damaged.length > 0) this.noteRows(partition, damaged);
    return { rows: count, bytes };
  }

  private noteRows(partition: number, damaged: readonly Uint8Array[]): void {
    const tail = new TailVersions(() => []);
    for (const run of this.tail.get(partition) ?? []) tail.add(run);
    const versions = tail.versionsOf(damaged);
    for (const key of damaged) {
      const isReplaced = (versions.get(latin1(key))?.length ?? 0) > 0;
      const isRepaired = this.repair && (isReplaced || this.trusted) && this.rows.dropDamaged(partition, [key]) === 1;
      const what = isReplaced ? 'the journal has a later change of it' : 'nothing in the store says what it held';
      const text = printable(key);
      const message = `partition ${partition}, row ${text}: fails its checksum; ${what}`;
      this.problems.push({ kind: 'row', partition, key: text, message, isRepaired });
    }
  }

  private checkMark(mark: QuarantineMark): void {
    try {
      lastChangeOf(this.journal, mark);
    } catch (error) {
      if (!isGridError(error, 'STORE_CORRUPT')) throw error;
      const { partition, key } = mark;
      const { message } = error;
      this.problems.push({ kind: 'quarantine', partition, key: printable(key), message, isRepaired: false });
    }
  }
}

function printable(key: Uint8Array): string {
  return Buffer.from(key)
    .toString('latin1')
    .replaceAll(/[^\u0020-\u007e]/g, '.');
}
