/**
 * What expires when, in a partition's heap: a hierarchical timing wheel (Varghese and Lauck, 1987) of nodes that lie within
 * the records themselves (timer-node.ts). Partition thread only; every change is journalled, so a successor goes on with it.
 *
 * ```
 * [tick, –, base (f64), due list, 5 levels of 64 list heads]
 *    tick   ticks of 256 ms since `base`; all before it are done
 *    due    nodes whose time has come, for who removes their records
 * ```
 *
 * A node's level is the highest group of 6 bits in which its tick differs from the wheel's; its slot is that group. So a slot of
 * level 0 holds nodes of one tick, and when the wheel comes to the range of a slot of a higher level, its nodes are hung anew:
 * at most four times each. Nothing is scanned; each step does a bounded number of nodes, and leaves the rest in their list.
 *
 * A node may be due later than where it hangs: `settle` asks again when the wheel comes to it. That is how reads, which write
 * nothing but a stamp, put off the end of an entry's idle time.
 */
import { assert } from '../../assert.ts';
import type { Heap } from '../../memory/heap.ts';
import { linkNode, unlinkNode } from './timer-node.ts';

const TICK = 0;
const BASE = 2;
const DUE = 4;
const SLOTS = 5;
const LEVEL_BITS = 6;
const LEVEL_SLOTS = 64;
const LEVELS = 5;
const WHEEL_WORDS = SLOTS + LEVELS * LEVEL_SLOTS;

/** A node is told of at most this late. */
export const TICK_MS = 256;
/** Bound: ticks of 17 years. A heap is made anew when its process starts. */
const TICK_MAX = 2 ** 31 - 1;

export class TimerWheel {
  readonly heap: Heap;
  readonly ref: number;
  /** No tick before this one has anything to do. It may be too early: what hung there was taken out. Not in the heap. */
  private next: number;

  /** Attaches to a wheel that `create` has made. */
  constructor(heap: Heap, ref: number) {
    this.heap = heap;
    this.ref = ref;
    this.next = 0;
    this.next = this.nextTick();
  }

  /** Makes an empty wheel and returns its reference: 1.4 KB. In a turn. */
  static create(heap: Heap, nowMs: number): number {
    const ref = heap.alloc(WHEEL_WORDS);
    heap.i32.fill(0, ref, ref + WHEEL_WORDS);
    heap.f64[(ref + BASE) >>> 1] = nowMs;
    return ref;
  }

  /** Wall-clock milliseconds from which on `settle` has something to do; Infinity while nothing hangs here. May be early. */
  get nextAt(): number {
    return this.firstDue === 0 ? this.base + (this.next + 1) * TICK_MS : 0;
  }

  /** The first node of those whose time had come when `settle` looked; 0 for none. Whoever removes its record unlinks it. */
  get firstDue(): number {
    return this.heap.i32[this.ref + DUE] as number;
  }

  /** Hangs a node that hangs nowhere; nothing where `dueMs` is Infinity. In a bracket. */
  insert(node: number, dueMs: number, nowMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.catchUp(nowMs);
    this.hang(node, this.tickOf(dueMs));
  }

  /**
   * Turns the wheel to `nowMs`, looking at most at `budget` nodes: those whose time has come go to the due list, others to where
   * they belong by now. `dueOf`: the time of a node as things are. In a bracket. True when more is to be done at once.
   */
  settle(nowMs: number, budget: number, dueOf: (node: number) => number): boolean {
    const { heap, ref } = this;
    const end = this.tickOf(nowMs);
    let left = budget;
    // Bound: each pass hangs a node anew, or comes to a later slot that holds some; all hold at most `budget` looked at.
    for (let tick = this.nextTick(); tick < end; tick = this.nextTick()) {
      if (heap.i32[ref + TICK] !== tick) heap.set(ref + TICK, tick);
      for (let level = LEVELS - 1; level >= 0; level--) {
        left = this.empty(this.slot(level, tick), tick, left, dueOf);
        if (left === 0) {
          this.next = tick;
          return true;
        }
      }
      heap.set(ref + TICK, tick + 1);
    }
    this.next = this.nextTick();
    this.catchUp(nowMs);
    return false;
  }

  /** Looks at the nodes of a slot that the wheel has come to. Returns what is left of the budget. */
  private empty(head: number, tick: number, budget: number, dueOf: (node: number) => number): number {
    const { heap } = this;
    let left = budget;
    for (let node = heap.i32[head] as number; node !== 0 && left > 0; node = heap.i32[head] as number, left--) {
      const dueMs = dueOf(node);
      const due = this.tickOf(dueMs);
      unlinkNode(heap, node);
      if (dueMs === Number.POSITIVE_INFINITY) continue;
      if (due > tick) this.hang(node, due);
      else if (head >= this.ref + SLOTS + LEVEL_SLOTS) linkNode(heap, this.slot(0, tick), node);
      else linkNode(heap, this.ref + DUE, node);
    }
    return left;
  }

  private hang(node: number, tick: number): void {
    const { heap, ref } = this;
    const now = heap.i32[ref + TICK] as number;
    if (tick < now) {
      linkNode(heap, ref + DUE, node);
      return;
    }
    const differing = tick ^ now;
    let level = differing === 0 ? 0 : Math.floor((31 - Math.clz32(differing)) / LEVEL_BITS);
    let at = tick;
    let startsAt = tick;
    if (level >= LEVELS) {
      // Beyond the wheel's 8 years: as far as it reaches, to be looked at again then.
      level = LEVELS - 1;
      startsAt = ((now >>> (LEVEL_BITS * level)) + LEVEL_SLOTS - 1) * 2 ** (LEVEL_BITS * level);
      at = startsAt;
    } else if (level > 0) startsAt = (tick >>> (LEVEL_BITS * level)) << (LEVEL_BITS * level);
    linkNode(heap, this.slot(level, at), node);
    if (startsAt < this.next) this.next = startsAt;
  }

  /** The earliest tick whose slot holds something; Infinity when none does. */
  private nextTick(): number {
    const { heap, ref } = this;
    const { i32 } = heap;
    const now = i32[ref + TICK] as number;
    let next = Number.POSITIVE_INFINITY;
    for (let level = 0; level < LEVELS; level++) {
      const shift = LEVEL_BITS * level;
      const current = now >>> shift;
      for (let ahead = 0; ahead < LEVEL_SLOTS; ahead++) {
        if (i32[ref + SLOTS + level * LEVEL_SLOTS + ((current + ahead) & (LEVEL_SLOTS - 1))] === 0) continue;
        next = Math.min(next, ahead === 0 ? now : (current + ahead) * 2 ** shift);
        break;
      }
    }
    return next;
  }

  /** While nothing is to be done before `nowMs` the wheel goes there, so that nodes hang at the level of their distance. */
  private catchUp(nowMs: number): void {
    const tick = this.tickOf(nowMs);
    const { heap, ref } = this;
    if (this.next >= tick && tick > (heap.i32[ref + TICK] as number)) heap.set(ref + TICK, tick);
  }

  private slot(level: number, tick: number): number {
    return this.ref + SLOTS + level * LEVEL_SLOTS + (Math.floor(tick / 2 ** (LEVEL_BITS * level)) & (LEVEL_SLOTS - 1));
  }

  private tickOf(ms: number): number {
    assert(!Number.isNaN(ms), 'a time is a number');
    return Math.min(TICK_MAX, Math.floor((ms - this.base) / TICK_MS));
  }

  private get base(): number {
    return this.heap.f64[(this.ref + BASE) >>> 1] as number;
  }
}
