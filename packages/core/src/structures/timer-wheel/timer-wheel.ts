/**
 * What ends when, in a partition's heap: a hierarchical timing wheel (Varghese and Lauck, 1987) of nodes that lie within the
 * records themselves (timer-node.ts). Partition thread only; every change is journalled, so a successor goes on with it.
 *
 * ```
 * [tick, due list, 5 levels of 64 list heads]
 *    tick   whole seconds since 1970 (unsigned); all before it are done
 *    due    nodes whose time has come, for who removes their records
 * ```
 *
 * A node's tick is the first second at or after its end. Its level is the highest group of 6 bits in which that differs from the
 * wheel's; its slot is that group. So a slot of level 0 holds nodes of one tick, and when the wheel comes to the range of a slot
 * of a higher level, its nodes are hung anew: at most four times each. Nothing is scanned; each step does a bounded number of
 * nodes, and leaves the rest in their list.
 *
 * A node may be due later than where it hangs: `settle` asks again when the wheel comes to it. That is how reads, which write
 * nothing but a stamp, put off the end of an entry's idle time.
 */
import { assert } from '../../assert.ts';
import type { Heap } from '../../memory/heap.ts';
import { linkNode, unlinkNode } from './timer-node.ts';

const TICK = 0;
const DUE = 1;
const SLOTS = 2;
const LEVEL_BITS = 6;
const LEVEL_SLOTS = 64;
const LEVELS = 5;
const TOP = LEVELS - 1;
const WHEEL_WORDS = SLOTS + LEVELS * LEVEL_SLOTS;

/** A node is told of at most this late. */
export const TICK_MS = 1000;
/** Bound: the year 2106. Later ends are looked at again then. */
const TICK_MAX = 2 ** 32 - 2;

export class TimerWheel {
  readonly heap: Heap;
  readonly ref: number;
  /** No tick before this one has anything to do. It may be too early: what hung there was taken out. Not in the heap. */
  private next: number;

  /** Attaches to a wheel that `create` has made. */
  constructor(heap: Heap, ref: number) {
    this.heap = heap;
    this.ref = ref;
    this.next = this.nextTick();
  }

  /** Makes an empty wheel and returns its reference: 1.4 KB. In a turn. */
  static create(heap: Heap, nowMs: number): number {
    const ref = heap.alloc(WHEEL_WORDS);
    heap.i32.fill(0, ref, ref + WHEEL_WORDS);
    heap.i32[ref + TICK] = passedTick(nowMs);
    return ref;
  }

  /** Wall-clock milliseconds from which on there is something to do; Infinity while nothing hangs here. May be early. */
  get nextAt(): number {
    return this.firstDue === 0 ? this.next * TICK_MS : 0;
  }

  /** The first node of those whose time had come when `settle` looked; 0 for none. Whoever removes its record unlinks it. */
  get firstDue(): number {
    return this.heap.i32[this.ref + DUE] as number;
  }

  /** Hangs a node that hangs nowhere; nothing where `dueMs` is Infinity. In a bracket. */
  insert(node: number, dueMs: number, nowMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.catchUp(nowMs);
    // A clock that was set back may be behind the wheel: what lies between is told of when the clock comes to the wheel again.
    if (dueMs > nowMs) this.hang(node, Math.max(this.tick, tickOf(dueMs)));
    else linkNode(this.heap, this.ref + DUE, node);
  }

  /**
   * Turns the wheel to `nowMs`, looking at most at `budget` nodes: those whose time has come go to the due list, others to where
   * they belong by now. `dueOf`: the time of a node as things are. In a bracket. True when more is to be done at once.
   */
  settle(nowMs: number, budget: number, dueOf: (node: number) => number): boolean {
    const { heap, ref } = this;
    const end = passedTick(nowMs);
    let left = budget;
    // Bound: each pass looks at one node at least, or comes to the end.
    for (let tick = this.nextTick(); tick <= end; tick = this.nextTick()) {
      this.turnTo(tick);
      for (let level = TOP; level >= 0; level--) {
        left = this.empty(level, tick, left, dueOf);
        if (left === 0) {
          this.next = tick;
          return true;
        }
      }
      heap.set(ref + TICK, (tick + 1) | 0);
    }
    this.next = this.nextTick();
    this.catchUp(nowMs);
    return false;
  }

  /** Looks at the nodes of the slot that the wheel has come to. Returns what is left of the budget. */
  private empty(level: number, tick: number, budget: number, dueOf: (node: number) => number): number {
    const { heap } = this;
    const head = this.slot(level, tick);
    let left = budget;
    for (let node = heap.i32[head] as number; node !== 0 && left > 0; node = heap.i32[head] as number, left--) {
      const dueMs = dueOf(node);
      const due = tickOf(dueMs);
      unlinkNode(heap, node);
      if (dueMs === Number.POSITIVE_INFINITY) continue;
      if (due > tick) this.hang(node, due);
      else linkNode(heap, this.ref + DUE, node);
    }
    return left;
  }

  /** At a tick that is not before the wheel's. */
  private hang(node: number, tick: number): void {
    const { heap, tick: now } = this;
    const differing = tick ^ now;
    const level = differing === 0 ? 0 : Math.floor((31 - Math.clz32(differing)) / LEVEL_BITS);
    let startsAt: number;
    if (level < LEVELS) {
      startsAt = startOf(level, tick);
      linkNode(heap, this.slot(level, tick), node);
    } else {
      // The last level is a ring of 34 years: what ends behind them is looked at again at their end.
      startsAt = Math.min(startOf(TOP, tick), startOf(TOP, now) + (LEVEL_SLOTS - 1) * spanOf(TOP));
      linkNode(heap, this.slot(TOP, startsAt), node);
    }
    if (startsAt < this.next) this.next = startsAt;
  }

  /** The earliest tick whose slot holds something; Infinity when none does. */
  private nextTick(): number {
    const { heap, ref, tick } = this;
    const { i32 } = heap;
    let next = Number.POSITIVE_INFINITY;
    for (let level = 0; level < LEVELS; level++) {
      const slots = ref + SLOTS + level * LEVEL_SLOTS;
      const current = Math.floor(tick / spanOf(level));
      for (let ahead = 0; ahead < LEVEL_SLOTS; ahead++) {
        if (i32[slots + ((current + ahead) % LEVEL_SLOTS)] === 0) continue;
        next = Math.min(next, ahead === 0 ? tick : (current + ahead) * spanOf(level));
        break;
      }
    }
    return next;
  }

  /** While nothing is to be done up to `nowMs` the wheel goes past it, so that nodes hang at the level of their distance. */
  private catchUp(nowMs: number): void {
    const tick = passedTick(nowMs) + 1;
    if (this.next >= tick && tick > this.tick) this.turnTo(tick);
  }

  private turnTo(tick: number): void {
    if (tick !== this.tick) this.heap.set(this.ref + TICK, tick | 0);
  }

  private get tick(): number {
    return (this.heap.i32[this.ref + TICK] as number) >>> 0;
  }

  private slot(level: number, tick: number): number {
    return this.ref + SLOTS + level * LEVEL_SLOTS + (Math.floor(tick / spanOf(level)) % LEVEL_SLOTS);
  }
}

/** Ticks that a slot of the level stands for. */
function spanOf(level: number): number {
  return 2 ** (LEVEL_BITS * level);
}

/** First tick of the slot that the tick lies in. */
function startOf(level: number, tick: number): number {
  return tick - (tick % spanOf(level));
}

/** The tick at which something that ends then is told of. */
function tickOf(ms: number): number {
  assert(!Number.isNaN(ms), 'a time is a number');
  return Math.max(0, Math.min(TICK_MAX, Math.ceil(ms / TICK_MS)));
}

/** The last tick that has begun. */
function passedTick(ms: number): number {
  return Math.max(0, Math.min(TICK_MAX - 1, Math.floor(ms / TICK_MS)));
}
