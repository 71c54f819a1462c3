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

/** What every reference has besides its commands and queries. */
export interface RefMembers<D> {
  readonly key: string;
  /** Its queries, run here and now over shared memory: no message. May throw PeekBusyError or PeekUnavailableError. */
  readonly peek: ActorPeeks<D>;
  /** Its queries: peeked, or asked of the partition where a peek fails. */
  readonly peekOrAsk: ActorQueries<D>;
  /** Its queries, standing: yields the latest answer whenever it changed, conflated. */
  readonly watch: ActorWatches<D>;
  /** Its commands without a reply: sent, in order, and not waited for. */
  readonly tell: ActorSends<D>;
  /** The same calls with options. */
  with(options: CallOptions & { readonly receipt: true }): ActorReceipts<D>;
  with(options: CallOptions): ActorCalls<D>;
  /** How much work waits before a call would run, read without a message. */
  readonly pressure: Pressure;
}

/** An actor, addressed by definition and key; it need not exist yet. */
export type ActorRef<D> = ActorCalls<D> & RefMembers<D>;
