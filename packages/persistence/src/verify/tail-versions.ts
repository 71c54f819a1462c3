/**
 * What the journal adds to the held rows of one partition: its changes as hashes, in order, and as bytes for the few rows that are
 * asked for. Fold thread only. Bound: some 40 bytes a change, and the change sets of the partition that were journalled since the
 * rows were held.
 */
import { CHANGE_CLEAR_PREFIX, CHANGE_PUT, forEachChange, RowPairs, rowKeyHash, rowValueHash } from '@spacegrid/core';
import type { BatchRun } from '../batch.ts';
import { beginsWith } from '../row-key.ts';

/** One value that a row had, or none, from some change of these turns on. */
export interface RowVersion {
  readonly first: number;
  readonly last: number;
  readonly value: Uint8Array | undefined;
}

/** The last time that all rows with a prefix were removed. */
interface Clearing {
  /** How many changes of rows came before it. */
  order: number;
  last: number;
}

export class TailVersions {
  private readonly runs: BatchRun[] = [];
  /** By change of a row: −1 for absent. */
  private readonly valueHashes: number[] = [];
  private readonly lasts: number[] = [];
  /** The change of the same row before; −1 for none. */
  private readonly before: number[] = [];
  /** Where the key stands: run and offset. */
  private readonly keyRuns: number[] = [];
  private readonly keyOffsets: number[] = [];
  private readonly keyLengths: number[] = [];
  private readonly newest: Map<number, number> = new Map();
  /** By prefix as latin-1 text. */
  private readonly clearings: Map<string, Clearing> = new Map();
  private readonly prefixLengths: Set<number> = new Set();
  /** By key hash: of held rows that were removed by their prefix. */
  private readonly cleared: Map<number, Clearing> = new Map();
  /** Keys of rows that the held state has and that begin with a prefix. */
  private readonly heldBelow: (prefix: Uint8Array) => Iterable<Uint8Array>;

  constructor(heldBelow: (prefix: Uint8Array) => Iterable<Uint8Array>) {
    this.heldBelow = heldBelow;
  }

  /** Takes a run of the partition; its bytes must stay as they are. */
  add(run: BatchRun): void {
    const { changes, last } = run;
    forEachChange(changes, 0, changes.length, (kind, keyAt, keyLength, valueAt, valueLength) => {
      if (kind === CHANGE_CLEAR_PREFIX) {
        this.clear(changes.subarray(keyAt, keyAt + keyLength), last);
        return;
      }
      const keyHash = rowKeyHash(changes, keyAt, keyLength);
      const at = this.lasts.length;
      this.valueHashes.push(kind === CHANGE_PUT ? rowValueHash(changes, valueAt, valueLength, keyHash) : -1);
      this.lasts.push(last);
      this.before.push(this.newest.get(keyHash) ?? -1);
      this.keyRuns.push(this.runs.length);
      this.keyOffsets.push(keyAt);
      this.keyLengths.push(keyLength);
      this.newest.set(keyHash, at);
    });
    this.runs.push(run);
  }

  /** Key hashes of all rows that it changed, sorted. */
  changed(): Uint32Array {
    return Uint32Array.from(new Set([...this.newest.keys(), ...this.cleared.keys()])).sort();
  }

  /** What those rows may be from the sequence `from` on: pairs, and the key hashes of those that may be absent; both sorted. */
  allowed(from: number, held: RowPairs): { readonly pairs: RowPairs; readonly absent: Uint32Array } {
    const pairs = new RowPairs();
    const absent: number[] = [];
    for (const keyHash of this.changed()) {
      const newest = this.newest.get(keyHash) ?? -1;
      const clearing = this.clearingOf(keyHash, newest);
      let mayBeAbsent = false;
      let isOver = false;
      // Newest first: what was there before a change that came before `from` had gone when the memory was first read.
      for (let at = newest, order = Number.POSITIVE_INFINITY; ; at = this.before[at] as number) {
        if (clearing !== undefined && clearing.order <= order && clearing.order > at) {
          mayBeAbsent = true;
          isOver = clearing.last <= from;
        }
        if (isOver || at < 0) break;
        order = at;
        const valueHash = this.valueHashes[at] as number;
        if (valueHash < 0) mayBeAbsent = true;
        else pairs.add(keyHash, valueHash);
        isOver = (this.lasts[at] as number) <= from;
      }
      if (!isOver) {
        let index = held.find(keyHash);
        if (index < 0) mayBeAbsent = true;
        for (; index >= 0 && index < held.size && held.keyHash(index) === keyHash; index++)
          pairs.add(keyHash, held.valueHash(index));
      }
      if (mayBeAbsent) absent.push(keyHash);
    }
    pairs.sort();
    return { pairs, absent: Uint32Array.from(absent).sort() };
  }

  /** Keys with these hashes. */
  keysOf(keyHashes: ReadonlySet<number>, note: (key: Uint8Array) => void): void {
    for (const keyHash of keyHashes) {
      for (let at = this.newest.get(keyHash) ?? -1; at >= 0; at = this.before[at] as number) note(this.key(at));
    }
  }

  /** The versions of some rows, oldest first, by their keys as latin-1 text. */
  versionsOf(keys: readonly Uint8Array[]): Map<string, RowVersion[]> {
    const versions = new Map<string, RowVersion[]>(keys.map((key) => [latin1(key), []]));
    const hashes = new Set(keys.map((key) => rowKeyHash(key, 0, key.length)));
    for (const { changes, first, last } of this.runs) {
      forEachChange(changes, 0, changes.length, (kind, keyAt, keyLength, valueAt, valueLength) => {
        if (kind === CHANGE_CLEAR_PREFIX) {
          const prefix = changes.subarray(keyAt, keyAt + keyLength);
          for (const own of keys)
            if (beginsWith(own, prefix)) versions.get(latin1(own))?.push({ first, last, value: undefined });
          return;
        }
        if (!hashes.has(rowKeyHash(changes, keyAt, keyLength))) return;
        const value = kind === CHANGE_PUT ? changes.slice(valueAt, valueAt + valueLength) : undefined;
        versions.get(latin1(changes.subarray(keyAt, keyAt + keyLength)))?.push({ first, last, value });
      });
    }
    return versions;
  }

  private clear(prefix: Uint8Array, last: number): void {
    const text = latin1(prefix);
    const known = this.clearings.get(text);
    const order = this.lasts.length;
    if (known !== undefined) {
      known.order = order;
      known.last = last;
      return;
    }
    const clearing = { order, last };
    this.clearings.set(text, clearing);
    this.prefixLengths.add(prefix.length);
    for (const key of this.heldBelow(prefix)) this.cleared.set(rowKeyHash(key, 0, key.length), clearing);
  }

  /** The last clearing that a row was in. */
  private clearingOf(keyHash: number, newest: number): Clearing | undefined {
    let latest = this.cleared.get(keyHash);
    if (newest < 0 || this.clearings.size === 0) return latest;
    const key = latin1(this.key(newest));
    for (const length of this.prefixLengths) {
      const clearing = this.clearings.get(key.slice(0, length));
      if (clearing !== undefined && clearing.order > (latest?.order ?? -1)) latest = clearing;
    }
    return latest;
  }

  private key(at: number): Uint8Array {
    const { changes } = this.runs[this.keyRuns[at] as number] as BatchRun;
    const offset = this.keyOffsets[at] as number;
    return changes.slice(offset, offset + (this.keyLengths[at] as number));
  }
}

/** What a row may be at a sequence: what it was before the run that holds it, and all that it was within that run. */
export function valuesAt(
  held: readonly (Uint8Array | undefined)[],
  versions: readonly RowVersion[],
  sequence: number,
): readonly (Uint8Array | undefined)[] {
  let values = [...held];
  for (const { first, last, value } of versions) {
    if (first > sequence) break;
    if (last <= sequence) values = [value];
    else values.push(value);
  }
  return values;
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
