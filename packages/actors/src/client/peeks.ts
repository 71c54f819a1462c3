/**
 * Peeks: queries run on the calling thread over the partitions' shared memory, under a pin, without a message.
 *
 * A peek whose pin was revoked, or that met memory that was reused, is repeated; after a bounded number of tries it sleeps
 * in short timed waits, and after 20 ms gives up with PeekBusyError.
 */
import {
  type Clock,
  GridClosedError,
  Heap,
  KeyScratch,
  PeekBusyError,
  PeekRevokedError,
  PeekUnavailableError,
  ReaderPin,
  StaleReadError,
} from '@spacegrid/core';
import { PEEK_HITS, PEEK_RETRIES, PEEKS, type ThreadCounters } from '../control/counters.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import { refusePromise } from '../define/refuse-promise.ts';
import { accessTick } from '../state/access-tick.ts';
import { PeekSight } from '../state/read-sight.ts';
import { noteAccess, StateReader } from '../state/readable-state.ts';
import type { StateLayout } from '../state/state-layout.ts';
import type { Route } from './route.ts';

const TRIES_AWAKE = 8;
const WAIT_MS = 1;
const PEEK_MS_MAX = 20;

interface Place {
  readonly pin: ReaderPin;
  readonly heap: Heap;
  readonly readers: (StateReader | undefined)[];
}

export class Peeks {
  private readonly heaps: readonly SharedArrayBuffer[];
  private readonly layouts: readonly StateLayout[];
  private readonly slot: number;
  private readonly keys: KeyScratch;
  private readonly counters: ThreadCounters;
  private readonly places: (Place | undefined)[];
  private readonly sight: PeekSight;
  private readonly sleeper: Int32Array;
  private depth: number;
  private closed: boolean;

  constructor(
    heaps: readonly SharedArrayBuffer[],
    layouts: readonly StateLayout[],
    slot: number,
    hashSeed: number,
    counters: ThreadCounters,
    clock: Clock,
  ) {
    this.heaps = heaps;
    this.layouts = layouts;
    this.slot = slot;
    this.keys = new KeyScratch(hashSeed);
    this.counters = counters;
    this.places = new Array<Place | undefined>(heaps.length).fill(undefined);
    this.sight = new PeekSight(clock, counters);
    this.sleeper = new Int32Array(new SharedArrayBuffer(4));
    this.depth = 0;
    this.closed = false;
  }

  /** From here on another thread may have this one's pins: what is peeked under them might be reused meanwhile. */
  close(): void {
    this.closed = true;
  }

  peek(route: Route, handler: CompiledHandler, args: readonly unknown[]): unknown {
    return this.run(route, handler, args, undefined);
  }

  /** The same query with many lists of arguments, under one pin: all of it is repeated where one would be. */
  peekMany(route: Route, handler: CompiledHandler, lists: readonly (readonly unknown[])[]): unknown[] {
    return this.run(route, handler, lists, lists) as unknown[];
  }

  private run(
    route: Route,
    handler: CompiledHandler,
    args: readonly unknown[],
    lists: readonly (readonly unknown[])[] | undefined,
  ): unknown {
    if (this.closed) throw new GridClosedError('the grid is closed');
    const place = this.place(route.partition);
    const reader = this.reader(place, route.type.index);
    this.counters.add(PEEKS, lists?.length ?? 1);
    if (this.depth > 0)
      throw new PeekBusyError('a peek runs inside a query that is being peeked: query its own state there');
    for (let attempt = 0, waitedMs = 0; ; attempt++) {
      this.depth = 1;
      place.pin.enter();
      let failure: unknown;
      let failed = false;
      let result: unknown;
      let access: StateReader['access'] | undefined;
      try {
        reader.find(route.key, route.keyBytes);
        if (reader.isUnloaded) throw unavailable(route);
        result =
          lists === undefined
            ? refusePromise(handler.name, handler.run(reader.view, ...args))
            : lists.map((list) => refusePromise(handler.name, handler.run(reader.view, ...list)));
        if (reader.record !== 0) this.counters.add(PEEK_HITS, lists?.length ?? 1);
        if (reader.layout.unloaded !== undefined) access = reader.access;
      } catch (error) {
        failed = true;
        failure = error;
      }
      this.depth = 0;
      const held = place.pin.leave();
      if (held && !failed) {
        if (access !== undefined) noteAccess(access, accessTick());
        this.sight.seen();
        return result;
      }
      this.sight.unseen();
      if (held && !(failure instanceof StaleReadError)) throw failure;
      this.counters.add(PEEK_RETRIES, 1);
      if (attempt < TRIES_AWAKE) continue;
      if (waitedMs >= PEEK_MS_MAX) {
        throw held
          ? new PeekBusyError(
              `${route.type.name} "${route.key}" changed too often for a peek of ${handler.name} within ${PEEK_MS_MAX} ms: use peekOrAsk`,
            )
          : new PeekRevokedError(
              `a peek of ${route.type.name} "${route.key}".${handler.name} took so long that its memory was reused: use peekOrAsk`,
            );
      }
      // Blocking: at most PEEK_MS_MAX, in steps of a millisecond.
      Atomics.wait(this.sleeper, 0, 0, WAIT_MS);
      waitedMs += WAIT_MS;
    }
  }

  private place(partition: number): Place {
    let place = this.places[partition];
    if (place === undefined) {
      const heap = new Heap(this.heaps[partition] as SharedArrayBuffer);
      place = {
        heap,
        pin: new ReaderPin(heap, this.slot),
        readers: new Array<StateReader | undefined>(this.layouts.length).fill(undefined),
      };
      this.places[partition] = place;
    }
    return place;
  }

  private reader(place: Place, type: number): StateReader {
    let reader = place.readers[type];
    if (reader === undefined) {
      reader = new StateReader(place.heap, this.layouts[type] as StateLayout, this.keys, this.sight);
      place.readers[type] = reader;
    }
    return reader;
  }
}

function unavailable({ type, key }: Route): PeekUnavailableError {
  return new PeekUnavailableError(
    `${type.name} "${key}" is unloaded: its state is in the store alone; use peekOrAsk, or send the query, which loads it`,
    { details: { actor: type.name, key } },
  );
}
