/**
 * Chooses what a full map evicts: by sampling, as in Redis. A few entries of a random place are looked at, the best candidates
 * of all samples are kept in a pool, and the best of the pool goes. Close to exact LRU or LFU without a list to keep in order:
 * reads write nothing but a stamp.
 *
 * Partition thread only. The pool is a thread's own: references in it may be stale, and are checked when their turn comes.
 */
import type { EntryLife } from './entry-life.ts';
import type { HotMap } from './hot-map.ts';

const POOL = 16;
const SAMPLE = 8;
/** Bound: samples for one victim when what was looked at may not go. */
const SAMPLES_MAX = 32;

export class EvictionPool {
  private readonly life: EntryLife;
  private readonly random: () => number;
  private readonly refs: Int32Array;
  private readonly ranks: Float64Array;
  private count: number;
  private readonly sampled: Int32Array;

  /** @param random 32 random bits. */
  constructor(life: EntryLife, random: () => number = () => Math.random() * 2 ** 32) {
    this.life = life;
    this.random = random;
    this.refs = new Int32Array(POOL);
    this.ranks = new Float64Array(POOL);
    this.count = 0;
    this.sampled = new Int32Array(SAMPLE);
  }

  /** The record that is to go; 0 when none of those that were looked at may. In a turn. */
  victim(map: HotMap, nowMs: number, mayGo: (record: number) => boolean): number {
    for (let samples = 0; samples < SAMPLES_MAX; samples++) {
      const count = map.sample(this.random(), this.sampled);
      if (count === 0) return 0;
      for (let index = 0; index < count; index++) {
        const record = this.sampled[index] as number;
        if (mayGo(record)) this.offer(record, this.life.rank(map.heap, record, nowMs));
      }
      const victim = this.best(map, nowMs, mayGo);
      if (victim !== 0) return victim;
    }
    return 0;
  }

  /** Takes the best candidate out of the pool; 0 when it holds none that still is one. */
  private best(map: HotMap, nowMs: number, mayGo: (record: number) => boolean): number {
    while (this.count > 0) {
      const record = this.refs[--this.count] as number;
      if (!map.holds(record) || !mayGo(record)) continue;
      const rank = this.life.rank(map.heap, record, nowMs);
      // It was used since it came into the pool, and is a worse candidate than the next by now.
      if (this.count > 0 && rank < (this.ranks[this.count - 1] as number)) continue;
      return record;
    }
    return 0;
  }

  /** Keeps the pool in the order of its ranks, the best last; the worst falls out. Moved by hand: `copyWithin` costs more here. */
  private offer(record: number, rank: number): void {
    const { refs, ranks } = this;
    for (let index = 0; index < this.count; index++) {
      if (refs[index] === record) {
        this.drop(index);
        break;
      }
    }
    if (this.count === POOL) {
      if (rank < (ranks[0] as number)) return;
      this.drop(0);
    }
    let at = this.count++;
    for (; at > 0 && (ranks[at - 1] as number) > rank; at--) {
      refs[at] = refs[at - 1] as number;
      ranks[at] = ranks[at - 1] as number;
    }
    refs[at] = record;
    ranks[at] = rank;
  }

  private drop(index: number): void {
    const { refs, ranks } = this;
    const last = --this.count;
    for (let at = index; at < last; at++) {
      refs[at] = refs[at + 1] as number;
      ranks[at] = ranks[at + 1] as number;
    }
  }
}
