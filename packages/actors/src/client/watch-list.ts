/**
 * Standing queries of one thread. Equal ones share one registration at the worker; each listener gets the latest answer when
 * it asks for the next. After a worker was replaced its watches are registered again and marked as resynced.
 */
import { PackWriter, writeValue } from '@spacegrid/core';
import { KIND_UNWATCH, KIND_WATCH, KIND_WATCH_TAKEN, packHead } from '../control/frames.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import type { WatchEvent } from './actor-ref.ts';
import type { ClientThread } from './client-thread.ts';
import type { Route } from './route.ts';

interface Listener {
  wake: (() => void) | undefined;
  seen: number;
}

interface Shared {
  readonly number: number;
  readonly identity: string;
  readonly route: Route;
  readonly handler: CompiledHandler;
  readonly args: readonly unknown[];
  readonly listeners: Set<Listener>;
  worker: number;
  incarnation: number;
  version: number;
  resyncVersion: number;
  failure: Error | undefined;
  value: unknown;
  sequence: number;
}

export class WatchList {
  private readonly client: ClientThread;
  private readonly incarnation: (worker: number) => number;
  private readonly workers: number;
  private readonly byNumber = new Map<number, Shared>();
  private readonly byIdentity = new Map<string, Shared>();
  private closed = false;
  // Begins anywhere, so that an answer to a predecessor with this slot meets nobody.
  private nextNumber = 1 + Math.floor(Math.random() * 2 ** 30);

  constructor(client: ClientThread, workers: number, incarnation: (worker: number) => number) {
    this.client = client;
    this.workers = workers;
    this.incarnation = incarnation;
    client.onWatch = (number, failed, value, sequence) => this.take(number, failed, value, sequence);
  }

  watch(
    route: Route,
    handler: CompiledHandler,
    args: readonly unknown[],
  ): AsyncIterableIterator<WatchEvent<unknown>> & AsyncDisposable {
    const shared = this.share(route, handler, args);
    const listener: Listener = { wake: undefined, seen: 0 };
    shared.listeners.add(listener);
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      shared.listeners.delete(listener);
      listener.wake?.();
      if (shared.listeners.size === 0) this.unshare(shared);
    };
    const done = { done: true as const, value: undefined };
    const iterator: AsyncIterableIterator<WatchEvent<unknown>> & AsyncDisposable = {
      next: async () => {
        while (!ended && !this.closed && listener.seen === shared.version) {
          await new Promise<void>((resolve) => {
            listener.wake = resolve;
          });
          listener.wake = undefined;
        }
        if (ended || this.closed) return done;
        if (shared.failure !== undefined) {
          end();
          throw shared.failure;
        }
        const resync = listener.seen > 0 && shared.resyncVersion > listener.seen;
        listener.seen = shared.version;
        return { done: false, value: { value: shared.value, sequence: shared.sequence, resync } };
      },
      return: async () => {
        end();
        return done;
      },
      [Symbol.asyncIterator]: () => iterator,
      [Symbol.asyncDispose]: async () => end(),
    };
    return iterator;
  }

  get size(): number {
    return this.byNumber.size;
  }

  /** Registers again what hung on a worker that was replaced. */
  refresh(): void {
    for (const shared of this.byNumber.values()) {
      const incarnation = this.incarnation(shared.worker);
      if (incarnation === shared.incarnation) continue;
      shared.incarnation = incarnation;
      shared.resyncVersion = shared.version + 1;
      this.post(shared, KIND_WATCH, shared.args);
    }
  }

  close(): void {
    this.closed = true;
    for (const shared of this.byNumber.values()) {
      for (const listener of [...shared.listeners]) {
        shared.listeners.delete(listener);
        listener.wake?.();
      }
    }
    this.byNumber.clear();
    this.byIdentity.clear();
  }

  private share(route: Route, handler: CompiledHandler, args: readonly unknown[]): Shared {
    const writer = PackWriter.growing();
    writeValue(writer, [route.type.index, route.key, handler.index, args]);
    const identity = Buffer.from(writer.written()).toString('latin1');
    const known = this.byIdentity.get(identity);
    if (known !== undefined) return known;
    const worker = route.partition % this.workers;
    const shared: Shared = {
      number: this.nextNumber++,
      identity,
      route,
      handler,
      args,
      listeners: new Set(),
      worker,
      incarnation: this.incarnation(worker),
      version: 0,
      resyncVersion: 0,
      failure: undefined,
      value: undefined,
      sequence: 0,
    };
    this.byIdentity.set(identity, shared);
    this.byNumber.set(shared.number, shared);
    this.post(shared, KIND_WATCH, args);
    return shared;
  }

  private unshare(shared: Shared): void {
    this.byIdentity.delete(shared.identity);
    if (this.byNumber.delete(shared.number)) this.post(shared, KIND_UNWATCH, []);
  }

  private take(number: number, failed: boolean, value: unknown, sequence: number): void {
    const shared = this.byNumber.get(number);
    if (shared === undefined) return;
    shared.version++;
    shared.sequence = sequence;
    if (failed) shared.failure = value as Error;
    else shared.value = value;
    for (const listener of shared.listeners) listener.wake?.();
    this.post(shared, KIND_WATCH_TAKEN, []);
  }

  private post(shared: Shared, kind: number, args: readonly unknown[]): void {
    this.client.post(shared.number, {
      partition: shared.route.partition,
      head: packHead(kind, 0, shared.route.type.index, shared.handler.index, 0),
      key: shared.route.keyBytes,
      args,
      extra: undefined,
      timeoutMs: 0,
      receipt: false,
      subject: undefined,
      handler: undefined,
    });
  }
}
