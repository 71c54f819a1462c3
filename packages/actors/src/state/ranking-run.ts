/**
 * Entries of one ranking whose rows follow each other, as they do when a store sends rows in the order of their keys. What
 * they share (actor, structure, ranking) is looked up with the first one only. An empty ranking is built as a whole from them,
 * as long as they come in the order of their keys; else they are put in one by one.
 */
import { type Heap, HotRanking, type KeyScratch, RankingBuilder } from '@spacegrid/core';

export class RankingRun {
  private readonly heap: Heap;
  private readonly entryKey: KeyScratch;
  /** Around each piece of work: opens the bracket before it, and counts it after. */
  private readonly before: () => void;
  private readonly after: () => void;
  /** Else entries are always put in one by one: the ranking is whole after each. */
  private readonly builds: boolean;
  private ranking: HotRanking | undefined;
  private builder: RankingBuilder | undefined;
  /** What the keys of the run's rows begin with. */
  private prefix: Uint8Array;
  /** Where the key of the last entry stands. */
  private last: Uint8Array;
  private lastStart: number;
  private lastEnd: number;

  constructor(heap: Heap, entryKey: KeyScratch, before: () => void, after: () => void, builds: boolean) {
    this.builds = builds;
    this.heap = heap;
    this.entryKey = entryKey;
    this.before = before;
    this.after = after;
    this.ranking = undefined;
    this.builder = undefined;
    this.prefix = new Uint8Array(0);
    this.last = this.prefix;
    this.lastStart = 0;
    this.lastEnd = 0;
  }

  begin(header: number, bytes: Uint8Array, start: number, entryStart: number): void {
    this.ranking = new HotRanking(this.heap, header, this.entryKey);
    this.builder = this.builds && this.ranking.count === 0 ? new RankingBuilder(this.heap, header) : undefined;
    this.prefix = bytes.slice(start, entryStart);
    this.last = this.prefix;
    this.lastStart = 0;
    this.lastEnd = 0;
  }

  /** Whether a row is an entry of the run's ranking. No prefix begins another one: each part comes with its length. */
  holds(bytes: Uint8Array, start: number, end: number): boolean {
    const { prefix } = this;
    if (this.ranking === undefined || end - start < prefix.length) return false;
    for (let at = 0; at < prefix.length; at++) if (bytes[start + at] !== prefix[at]) return false;
    return true;
  }

  /** Takes an entry's row; `bytes` must stay as they are until the next one has come. */
  put(bytes: Uint8Array, start: number, end: number, score: number, arrival: number): void {
    const entryStart = start + this.prefix.length;
    // Rows of a change set may name a member again, and in any order.
    if (this.builder !== undefined && !this.isBehindLast(bytes, entryStart, end)) this.build();
    this.last = bytes;
    this.lastStart = entryStart;
    this.lastEnd = end;
    this.before();
    const key = this.entryKey.pointAndHash(bytes, entryStart, end - entryStart);
    if (this.builder === undefined) (this.ranking as HotRanking).restoreKey(key, score, arrival);
    else this.builder.take(key, score, arrival);
    this.after();
  }

  /** Before any other row, and after the last. */
  end(): void {
    if (this.ranking === undefined) return;
    this.build();
    this.ranking = undefined;
  }

  private build(): void {
    this.builder?.finish(this.before, this.after);
    this.builder = undefined;
  }

  private isBehindLast(bytes: Uint8Array, start: number, end: number): boolean {
    const { last, lastStart } = this;
    const lastLength = this.lastEnd - lastStart;
    const shared = Math.min(end - start, lastLength);
    for (let at = 0; at < shared; at++) {
      const difference = (bytes[start + at] as number) - (last[lastStart + at] as number);
      if (difference !== 0) return difference > 0;
    }
    return end - start > lastLength;
  }
}
