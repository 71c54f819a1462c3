/**
 * The store's side of a comparison of one partition, in the fold thread: its rows as they stand while no fold runs, with the
 * checksum of each looked at, and the journal's changes since.
 */
import {
  assert,
  RowPairs,
  rowKeyHash,
  rowValueHash,
  type SideDigests,
  type SideScan,
  type SideState,
  type StatesQuestion,
} from '@spacegrid/core';
import { type BatchRun, forEachRun, type StoredBatch } from '../batch.ts';
import { endOfPrefix, keyBehind } from '../row-key.ts';
import type { FoldedRow, RowsFile } from '../rows-file.ts';
import { latin1, type RowVersion, TailVersions, valuesAt } from './tail-versions.ts';

/** Rows read at a time: in between, partition threads are answered that load actors. */
const PAGE_ROWS = 2000;

export class HeldRows {
  private readonly file: RowsFile;
  private readonly partition: number;
  private readonly pairs: RowPairs;
  private readonly damaged: Map<string, FoldedRow>;
  private readonly tail: TailVersions;
  /** Without those that the tail names. */
  private unchanged: RowPairs;

  /** @param kept last changes of rows that could not be folded. */
  constructor(file: RowsFile, partition: number, kept: readonly Uint8Array[]) {
    this.file = file;
    this.partition = partition;
    this.pairs = new RowPairs();
    this.unchanged = this.pairs;
    this.damaged = new Map();
    this.tail = new TailVersions((prefix) => this.keysBelow(prefix));
    for (const changes of kept) this.tail.add({ partition, epoch: 0, first: 0, last: 0, changes });
  }

  async scan(): Promise<SideScan> {
    // What was read before is in SQLite's cache: damage on disk would not be seen.
    this.file.forgetCache();
    let rows = 0;
    let bytes = 0;
    for await (const page of this.pages()) {
      for (const { key, value } of page) {
        rows++;
        bytes += key.length + value.length;
        if (this.damaged.has(latin1(key))) continue;
        const keyHash = rowKeyHash(key, 0, key.length);
        this.pairs.add(keyHash, rowValueHash(value, 0, value.length, keyHash));
      }
    }
    this.pairs.sort();
    return { rows, bytes, damaged: [...this.damaged.values()].map(({ key, value }) => ({ key, value })) };
  }

  /** Takes batches of the journal, which follow on what it was given before. */
  follow(batches: readonly StoredBatch[]): void {
    for (const { runs, data } of batches) {
      forEachRun(runs, data, (run: BatchRun) => {
        if (run.partition === this.partition) this.tail.add(run);
      });
    }
  }

  compare(from: number): Pick<SideDigests, 'absent' | 'allowed' | 'changed' | 'digests'> {
    const changed = this.tail.changed();
    const { pairs, absent } = this.tail.allowed(from, this.pairs);
    this.unchanged = this.pairs.without(changed);
    return { digests: this.unchanged.digests(), changed, allowed: pairs.take(), absent };
  }

  pairsOf(ranges: readonly number[]): Uint32Array {
    return Uint32Array.from(ranges.flatMap((range) => [...this.unchanged.range(range)]));
  }

  async keysOf(keyHashes: Uint32Array): Promise<Uint8Array[]> {
    const wanted = new Set(keyHashes);
    const keys = new Map<string, Uint8Array>();
    const note = (key: Uint8Array): void => {
      if (wanted.has(rowKeyHash(key, 0, key.length))) keys.set(latin1(key), key);
    };
    for await (const page of this.pages()) for (const { key } of page) note(key);
    this.tail.keysOf(wanted, note);
    return [...keys.values()];
  }

  states({ keys, sequence }: StatesQuestion): SideState[] {
    const versions = this.tail.versionsOf(keys);
    return keys.map((key) => this.stateOf(key, versions.get(latin1(key)) ?? [], sequence));
  }

  /** Takes rows away that fail their checksum. How many of `keys` are gone. */
  drop(keys: readonly Uint8Array[]): number {
    return this.file.dropDamaged(this.partition, keys);
  }

  private stateOf(key: Uint8Array, versions: readonly RowVersion[], sequence: number): SideState {
    const row = this.file.find(this.partition, key);
    const damaged = row === 'damaged' || this.damaged.has(latin1(key));
    const held = damaged ? [] : [row?.value];
    return { damaged, values: valuesAt(held, versions, sequence) };
  }

  private *keysBelow(prefix: Uint8Array): Generator<Uint8Array> {
    const to = endOfPrefix(prefix);
    for (let from: Uint8Array | undefined = prefix; from !== undefined; ) {
      const { rows, isLast } = this.file.read(this.partition, { from, to }, PAGE_ROWS);
      for (const { key } of rows) yield key;
      from = isLast ? undefined : behindAll(rows, from);
    }
  }

  private async *pages(): AsyncGenerator<readonly FoldedRow[]> {
    for (let from: Uint8Array | undefined = new Uint8Array(0); from !== undefined; ) {
      const { rows, damaged, isLast } = this.file.read(this.partition, { from }, PAGE_ROWS);
      for (const row of rows) if (damaged.includes(row.key)) this.damaged.set(latin1(row.key), row);
      yield rows;
      from = isLast ? undefined : behindAll(rows, from);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A key behind all of a page's, so that reading goes on, also when a damaged key stands in another place than its own. */
function behindAll(rows: readonly FoldedRow[], from: Uint8Array): Uint8Array | undefined {
  assert(rows.length > 0, 'a page that is not the last has rows');
  const next = keyBehind((rows[rows.length - 1] as FoldedRow).key);
  return Buffer.compare(next, from) > 0 ? next : undefined;
}
