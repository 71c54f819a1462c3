/**
 * The calls of one thread that wait for a reply. A call has a slot; its number is the slot and a count of the slot's uses, so
 * that a reply that comes twice, or too late, meets nobody.
 */
import { OverloadedError } from '@spacegrid/core';
import type { Request } from './request.ts';

const SLOT_BITS = 16;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
/** Most calls of one thread under way. */
export const CALLS_MAX: number = 1 << SLOT_BITS;

type Resolve = (value: unknown) => void;
type Reject = (error: unknown) => void;

export class PendingCalls {
  /** Number of the call made last. */
  lastNumber: number;
  /** How many calls are under way. */
  size: number;
  /** Tickets of the request frames. */
  readonly frames: Int32Array;
  readonly workers: Uint8Array;
  /** What was asked. */
  readonly requests: (Request | undefined)[];
  /** Wall-clock milliseconds. */
  readonly deadlines: Float64Array;
  private readonly numbers: Int32Array;
  private readonly resolves: (Resolve | undefined)[];
  private readonly rejects: (Reject | undefined)[];
  private readonly free: Int32Array;
  private freeCount: number;
  private fresh: number;
  private current: number;
  private readonly execute: (resolve: Resolve, reject: Reject) => void;

  constructor(firstUse: number) {
    this.size = 0;
    this.lastNumber = 0;
    this.frames = new Int32Array(CALLS_MAX);
    this.workers = new Uint8Array(CALLS_MAX);
    this.requests = [];
    this.deadlines = new Float64Array(CALLS_MAX);
    this.numbers = new Int32Array(CALLS_MAX).fill(firstUse << SLOT_BITS);
    this.resolves = [];
    this.rejects = [];
    this.free = new Int32Array(CALLS_MAX);
    this.freeCount = 0;
    this.fresh = 0;
    this.current = 0;
    this.execute = (resolve, reject) => {
      this.resolves[this.current] = resolve;
      this.rejects[this.current] = reject;
    };
  }

  /** Takes a slot and returns the call's number. */
  take(): number {
    let slot: number;
    if (this.freeCount > 0) slot = this.free[--this.freeCount] as number;
    else if (this.fresh < CALLS_MAX) slot = this.fresh++;
    else throw new OverloadedError(`this thread has ${CALLS_MAX} calls under way: await some before making more`);
    this.current = slot;
    const number = ((((this.numbers[slot] as number) >>> SLOT_BITS) + 1) << SLOT_BITS) | slot;
    this.numbers[slot] = number;
    this.lastNumber = number;
    this.size++;
    return number;
  }

  /** The promise of the call just taken. */
  promise(): Promise<unknown> {
    return new Promise(this.execute);
  }

  slotOf(number: number): number {
    return number & SLOT_MASK;
  }

  /** True while the call waits. */
  isWaiting(number: number): boolean {
    const slot = number & SLOT_MASK;
    return this.numbers[slot] === number && this.resolves[slot] !== undefined;
  }

  resolve(number: number, value: unknown): void {
    const slot = number & SLOT_MASK;
    if (this.numbers[slot] !== number) return;
    const resolve = this.resolves[slot];
    if (resolve === undefined) return;
    this.give(slot);
    resolve(value);
  }

  reject(number: number, error: unknown): void {
    const slot = number & SLOT_MASK;
    if (this.numbers[slot] !== number) return;
    const reject = this.rejects[slot];
    if (reject === undefined) return;
    this.give(slot);
    reject(error);
  }

  /** Gives back a slot that was taken for a call which was never sent. */
  drop(number: number): void {
    this.give(number & SLOT_MASK);
  }

  /** Numbers of the calls whose deadline has passed; at most `limit`. */
  overdue(nowMs: number, limit: number): number[] {
    const found: number[] = [];
    for (let slot = 0; slot < this.fresh && found.length < limit; slot++) {
      if (this.resolves[slot] !== undefined && (this.deadlines[slot] as number) <= nowMs)
        found.push(this.numbers[slot] as number);
    }
    return found;
  }

  /** When the next call is overdue; Infinity when none has a deadline. Looks at every call. */
  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.fresh; slot++)
      if (this.resolves[slot] !== undefined) next = Math.min(next, this.deadlines[slot] as number);
    return next;
  }

  /** Numbers of all calls that wait. */
  waiting(): number[] {
    const found: number[] = [];
    for (let slot = 0; slot < this.fresh; slot++)
      if (this.resolves[slot] !== undefined) found.push(this.numbers[slot] as number);
    return found;
  }

  private give(slot: number): void {
    this.resolves[slot] = undefined;
    this.rejects[slot] = undefined;
    this.requests[slot] = undefined;
    this.free[this.freeCount++] = slot;
    this.size--;
  }
}
