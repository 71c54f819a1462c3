import type { AckLevel } from '../define/define-actor.ts';

export interface CallOptions {
  /** When the reply may leave. Default: the actor's, then the grid's. */
  readonly ack?: AckLevel;
  /** How long to wait for the reply: milliseconds or a duration such as `'5s'`. Default: the grid's `callTimeout`. */
  readonly timeout?: number | string;
  /** Gives the call up. */
  readonly signal?: AbortSignal;
  /**
   * An idempotency key, 1 to 256 characters: a retry with it takes effect once and gets the first
   * answer, within the grid's `onceWindow`. A command that threw is not remembered. Queries don't need it.
   */
  readonly once?: string;
  /** True: the call answers `{ value, receipt }`; `grid.reached(receipt, 'durable')` waits for a higher level later. */
  readonly receipt?: boolean;
  /** When no room is left for the call: wait for it (default) or fail at once with OverloadedError. */
  readonly whenFull?: 'wait' | 'fail';
}

/** Which turn answered: plain data, to be kept or posted. A query's is the last turn that it saw. */
export interface Receipt {
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
}

/** What a call with `receipt: true` answers. */
export interface Receipted<R> {
  readonly value: R;
  readonly receipt: Receipt;
}

/** How long to wait, and a signal that ends it sooner. */
export interface WaitOptions {
  /** Milliseconds or a duration such as `'5s'`. Default of `reached`: the grid's `callTimeout`; of others: none. */
  readonly timeout?: number | string;
  readonly signal?: AbortSignal;
}

/** How much work waits before a call would run. */
export interface Pressure {
  /** Requests of this thread that wait or run at the actor's worker. */
  readonly requests: number;
  /** Their bytes, and the bytes that fit. */
  readonly bytes: number;
  readonly capacityBytes: number;
}
