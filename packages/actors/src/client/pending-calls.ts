/**
 * The calls of one thread that wait for a reply. A call has a slot; its number is the slot and a count of the slot's uses, so
 * that a reply that comes twice, or too late, meets nobody. A slot that was used for a while rests until all others had their
 * turn: a number comes again after 2³² calls, not after the 65,536 uses of the one slot that a thread needs which awaits each
 * of its calls. What a worker keeps of a call that was given up, its steps for one, is named by its number.
 */
import { OverloadedError } from '@spacegrid/core';
import type { Request } from './request.ts';

const SLOT_BITS = 16;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
/** Most calls of one thread under way. */
export const CALLS_MAX: number = 1 << SLOT_BITS;

/** Uses of a slot in one go; a power of two. */
const STINT_USES = 4096;

/** What calls answer to that share a promise. */
export interface BatchMember {
  answered(place: number, value: unknown): void;
  failed(place: number, error: unknown): void;
}

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
  private readonly deadlines: Float64Array;
  /** No call is overdue before this. */
  private soonest: number;
  private readonly numbers: Int32Array;
  /** 1 from `take` on until the call is settled. */
  private readonly underWay: Uint8Array;
  private readonly resolves: (Resolve | undefined)[];
  private readonly rejects: (Reject | undefined)[];
  /** In place of a promise of its own: the batch that a call belongs to, and its place there. */
  private readonly batches: (BatchMember | undefined)[];
  private readonly places: Int32Array;
  private readonly free: Int32Array;
  private freeCount: number;
  private fresh: number;
  /** Slots that rest, oldest first, going round. */
  private readonly resting: Int32Array;
  private restingFirst: number;
  private restingCount: number;
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
    this.underWay = new Uint8Array(CALLS_MAX);
    this.resolves = [];
    this.rejects = [];
    this.batches = [];
    this.places = new Int32Array(CALLS_MAX);
    this.free = new Int32Array(CALLS_MAX);
    this.freeCount = 0;
    this.fresh = 0;
    this.resting = new Int32Array(CALLS_MAX);
    this.restingFirst = 0;
    this.restingCount = 0;
    this.soonest = Number.POSITIVE_INFINITY;
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
    else if (this.restingCount > 0) slot = this.wakeSlot();
    else throw new OverloadedError(`this thread has ${CALLS_MAX} calls under way: await some before making more`);
    this.current = slot;
    const number = ((((this.numbers[slot] as number) >>> SLOT_BITS) + 1) << SLOT_BITS) | slot;
    this.numbers[slot] = number;
    this.underWay[slot] = 1;
    this.lastNumber = number;
    this.size++;
    return number;
  }

  /** The promise of the call just taken. */
  promise(): Promise<unknown> {
    return new Promise(this.execute);
  }

  /** The call just taken has no promise of its own: it answers to a batch. */
  join(batch: BatchMember, place: number): void {
    this.batches[this.current] = batch;
    this.places[this.current] = place;
  }

  slotOf(number: number): number {
    return number & SLOT_MASK;
  }

  /** True while the call waits. */
  isWaiting(number: number): boolean {
    const slot = number & SLOT_MASK;
    return this.numbers[slot] === number && this.underWay[slot] === 1;
  }

  resolve(number: number, value: unknown): void {
    const slot = number & SLOT_MASK;
    if (this.numbers[slot] !== number) return;
    const resolve = this.resolves[slot];
    if (resolve === undefined) {
      this.takeBatch(slot)?.answered(this.places[slot] as number, value);
      return;
    }
    this.give(slot);
    resolve(value);
  }

  reject(number: number, error: unknown): void {
    const slot = number & SLOT_MASK;
    if (this.numbers[slot] !== number) return;
    const reject = this.rejects[slot];
    if (reject === undefined) {
      this.takeBatch(slot)?.failed(this.places[slot] as number, error);
      return;
    }
    this.give(slot);
    reject(error);
  }

  private takeBatch(slot: number): BatchMember | undefined {
    const batch = this.batches[slot];
    if (batch === undefined) return undefined;
    this.batches[slot] = undefined;
    this.give(slot);
    return batch;
  }

  /** @param deadline wall-clock milliseconds; Infinity for none. */
  setDeadline(number: number, deadline: number): void {
    this.deadlines[number & SLOT_MASK] = deadline;
    if (deadline < this.soonest) this.soonest = deadline;
  }

  deadlineOf(number: number): number {
    return this.deadlines[number & SLOT_MASK] as number;
  }

  /** Numbers of the calls whose deadline has passed; at most `limit`. Looks at every call only when there may be one. */
  overdue(nowMs: number, limit: number): number[] {
    const found: number[] = [];
    if (nowMs < this.soonest) return found;
    let soonest = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.fresh; slot++) {
      if (this.underWay[slot] === 0) continue;
      const deadline = this.deadlines[slot] as number;
      if (deadline <= nowMs && found.length < limit) found.push(this.numbers[slot] as number);
      soonest = Math.min(soonest, deadline);
    }
    this.soonest = soonest;
    return found;
  }

  /** When the next call is overdue; Infinity when none has a deadline. Looks at every call. */
  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.fresh; slot++)
      if (this.underWay[slot] === 1) next = Math.min(next, this.deadlines[slot] as number);
    return next;
  }

  /** Numbers of all calls that wait. */
  waiting(): number[] {
    const found: number[] = [];
    for (let slot = 0; slot < this.fresh; slot++)
      if (this.underWay[slot] === 1) found.push(this.numbers[slot] as number);
    return found;
  }

  private give(slot: number): void {
    this.underWay[slot] = 0;
    this.resolves[slot] = undefined;
    this.rejects[slot] = undefined;
    this.requests[slot] = undefined;
    this.size--;
    if ((((this.numbers[slot] as number) >>> SLOT_BITS) & (STINT_USES - 1)) === 0) this.rest(slot);
    else this.free[this.freeCount++] = slot;
  }

  private rest(slot: number): void {
    this.resting[(this.restingFirst + this.restingCount++) & SLOT_MASK] = slot;
  }

  private wakeSlot(): number {
    const slot = this.resting[this.restingFirst] as number;
    this.restingFirst = (this.restingFirst + 1) & SLOT_MASK;
    this.restingCount--;
    return slot;
  }
}
