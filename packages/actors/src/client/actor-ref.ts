import type { ActorCalls, ActorPeeks, ActorSends, QueriesOf } from '../define/define-actor.ts';
import type { CallOptions, Pressure, Receipted } from './call-options.ts';

/** A standing query's answer: the value and the partition's sequence that it was computed at. */
export interface WatchEvent<T> {
  readonly value: T;
  readonly sequence: number;
  /** True when answers between the last one and this may never have been seen (the worker was replaced). */
  readonly resync: boolean;
}

type Arguments<F> = F extends (first: never, ...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

export type ActorQueries<D> = {
  readonly [K in keyof QueriesOf<D>]: (...args: Arguments<QueriesOf<D>[K]>) => Promise<Result<QueriesOf<D>[K]>>;
};

export type ActorWatches<D> = {
  readonly [K in keyof QueriesOf<D>]: (
    ...args: Arguments<QueriesOf<D>[K]>
  ) => AsyncIterableIterator<WatchEvent<Result<QueriesOf<D>[K]>>> & AsyncDisposable;
};

/** Commands and queries as calls that answer with a receipt. */
export type ActorReceipts<D> = {
  readonly [K in keyof ActorCalls<D>]: ActorCalls<D>[K] extends (...args: infer A) => Promise<infer R>
    ? (...args: A) => Promise<Receipted<R>>
    : never;
};

/** Commands and queries with a list of arguments for each of many calls. */
export type ActorBatches<D> = {
  readonly [K in keyof ActorCalls<D>]: ActorCalls<D>[K] extends (...args: infer A) => Promise<infer R>
    ? (calls: readonly A[]) => Promise<R[]>
    : never;
};

/** Queries with a list of arguments for each of many peeks. */
export type ActorPeekBatches<D> = {
  readonly [K in keyof QueriesOf<D>]: (peeks: readonly Arguments<QueriesOf<D>[K]>[]) => Result<QueriesOf<D>[K]>[];
};

/** What every reference has besides its commands and queries. */
export interface RefMembers<D> {
  readonly key: string;
  /** Its queries, run here and now over shared memory: no message. May throw PeekBusyError or PeekUnavailableError. */
  readonly peek: ActorPeeks<D>;
  /** The same for many lists of arguments in one go, at most 10,000: `peekMany.rank([['ada'], ['bob']])`. */
  readonly peekMany: ActorPeekBatches<D>;
  /**
   * Many calls with one promise of all answers, in order: `many.submit([['ada', 5], ['bob', 7]])`, at most 10,000. Each is a turn
   * of its own; only the caller's costs are shared. Rejects with BatchFailedError (BATCH_FAILED) when some failed, once all have
   * settled; its `outcomes` has each one's answer or error.
   */
  readonly many: ActorBatches<D>;
  /** Its queries: peeked, or asked of the partition where a peek fails. */
  readonly peekOrAsk: ActorQueries<D>;
  /** Its queries, standing: yields the latest answer whenever it changed, conflated. */
  readonly watch: ActorWatches<D>;
  /** Its commands without a reply: sent, in order, and not waited for. */
  readonly tell: ActorSends<D>;
  /** The same calls with options. */
  with(options: CallOptions & { readonly receipt: true }): ActorReceipts<D>;
  with(options: CallOptions): ActorCalls<D> & { readonly many: ActorBatches<D> };
  /** How much work waits before a call would run, read without a message. */
  readonly pressure: Pressure;
}

/** An actor, addressed by definition and key; it need not exist yet. */
export type ActorRef<D> = ActorCalls<D> & RefMembers<D>;
