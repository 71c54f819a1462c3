/**
 * Entries of one ranking whose rows follow each other, as they do when a store sends rows in the order of their keys. What
 * they share (actor, structure, ranking) is looked up with the first one only, and they are put in by score, many at a time:
 * entries that come to stand side by side then find the same leaf, still in the cache.
 */
import { type Heap, HotRanking, type KeyScratch } from '@spacegrid/core';

/** Bound: entries that wait to be put in, and with them the bytes of their rows, about 3 MB. */
const WAITING_MAX = 32_768;
const WAITING_MIN = 256;
/** Entries of one group, in no order: 64. */
const GROUP_SHIFT = 6;

export class RankingRun {
  private readonly heap: Heap;
  private readonly entryKey: KeyScratch;
  /** Around each entry that is put in: opens the bracket before it, and counts it after. */
  private readonly before: () => void;
  private readonly after: () => void;
  private ranking: HotRanking | undefined;
  /** The highest score stands first. */
  private descending: boolean;
  /** What the keys of the run's rows begin with. */
  private prefix: Uint8Array;
  /** Entries that wait, a column for each of their parts. */
  private count: number;
  private scores: Float64Array;
  private arrivals: Float64Array;
  private starts: Int32Array;
  private lengths: Int32Array;
  private readonly sources: Uint8Array[];

  constructor(heap: Heap, entryKey: KeyScratch, before: () => void, after: () => void) {
    this.heap = heap;
    this.entryKey = entryKey;
    this.before = before;
    this.after = after;
    this.ranking = undefined;
    this.descending = false;
    this.prefix = new Uint8Array(0);
    this.count = 0;
    this.scores = new Float64Array(0);
    this.arrivals = new Float64Array(0);
    this.starts = new Int32Array(0);
    this.lengths = new Int32Array(0);
    this.sources = [];
  }

  begin(header: number, order: 'asc' | 'desc', bytes: Uint8Array, start: number, entryStart: number): void {
    this.ranking = new HotRanking(this.heap, header, this.entryKey);
    this.descending = order === 'desc';
    this.prefix = bytes.slice(start, entryStart);
  }

  /** Whether a row is an entry of the run's ranking. No prefix begins another one: each part comes with its length. */
  holds(bytes: Uint8Array, start: number, end: number): boolean {
    const { prefix } = this;
    if (this.ranking === undefined || end - start < prefix.length) return false;
    for (let at = 0; at < prefix.length; at++) if (bytes[start + at] !== prefix[at]) return false;
    return true;
  }

  /** Takes an entry's row; `bytes` must stay as they are until the run has ended. */
  put(bytes: Uint8Array, start: number, end: number, score: number, arrival: number): void {
    const entryStart = start + this.prefix.length;
    // Rows of a change set may name a member again: the later one must be put in later.
    if (this.count > 0 && (this.count === WAITING_MAX || !this.isBehindLast(bytes, entryStart, end))) this.flush();
    if (this.count === this.scores.length) this.grow();
    const at = this.count++;
    this.scores[at] = score;
    this.arrivals[at] = arrival;
    this.starts[at] = entryStart;
    this.lengths[at] = end - entryStart;
    this.sources[at] = bytes;
  }

  /** Before any other row, and after the last. */
  end(): void {
    if (this.ranking === undefined) return;
    this.flush();
    this.ranking = undefined;
  }

  private flush(): void {
    const { scores, arrivals, starts, lengths, sources } = this;
    const ranking = this.ranking as HotRanking;
    const step = this.descending ? -1 : 1;
    const first = this.descending ? this.count - 1 : 0;
    const order = roughOrder(scores.subarray(0, this.count));
    for (let index = 0; index < order.length; index++) {
      const at = order[first + step * index] as number;
      this.before();
      const key = this.entryKey.pointAndHash(sources[at] as Uint8Array, starts[at] as number, lengths[at] as number);
      ranking.restoreKey(key, scores[at] as number, arrivals[at] as number);
      this.after();
    }
    this.count = 0;
    this.sources.length = 0;
  }

  private grow(): void {
    const length = Math.max(WAITING_MIN, 2 * this.scores.length);
    this.scores = copied(this.scores, new Float64Array(length));
    this.arrivals = copied(this.arrivals, new Float64Array(length));
    this.starts = copied(this.starts, new Int32Array(length));
    this.lengths = copied(this.lengths, new Int32Array(length));
  }

  private isBehindLast(bytes: Uint8Array, start: number, end: number): boolean {
    const last = this.count - 1;
    const lastBytes = this.sources[last] as Uint8Array;
    const lastStart = this.starts[last] as number;
    const lastLength = this.lengths[last] as number;
    const shared = Math.min(end - start, lastLength);
    for (let at = 0; at < shared; at++) {
      const difference = (bytes[start + at] as number) - (lastBytes[lastStart + at] as number);
      if (difference !== 0) return difference > 0;
    }
    return end - start > lastLength;
  }
}

function copied<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/**
 * Indexes in the order of their scores, but for those that lie close: near is near enough. Sorting indexes by a comparator
 * takes ten times as long as sorting plain numbers and looking up where each belongs.
 */
function roughOrder(scores: Float64Array): Uint32Array {
  const sorted = scores.slice().sort();
  const groups = Math.max(1, sorted.length >> GROUP_SHIFT);
  const splitters = new Float64Array(groups);
  for (let group = 0; group < groups; group++) splitters[group] = sorted[group << GROUP_SHIFT] as number;
  const groupOf = new Uint16Array(scores.length);
  const from = new Uint32Array(groups + 1);
  for (let at = 0; at < scores.length; at++) {
    const group = lastAtMost(splitters, scores[at] as number);
    groupOf[at] = group;
    from[group + 1] = (from[group + 1] as number) + 1;
  }
  for (let group = 0; group < groups; group++) from[group + 1] = (from[group + 1] as number) + (from[group] as number);
  const order = new Uint32Array(scores.length);
  for (let at = 0; at < scores.length; at++) {
    const group = groupOf[at] as number;
    const place = from[group] as number;
    order[place] = at;
    from[group] = place + 1;
  }
  return order;
}

/** Index of the last of ascending numbers that is not above `value`, which the first is not. */
function lastAtMost(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) <= value) low = middle;
    else high = middle;
  }
  return low;
}
