/**
 * Brings actors back that are in the store alone, when somebody calls them. Requests wait for their actor in order; all others of
 * the partition go on. Partition thread only; it never waits for the store: answers come by its event loop, and are applied between
 * rounds, in slices.
 */
import { ActivationFailedError, type KeyBytes, type RowsAnswer } from '@spacegrid/core';
import { LOAD_FAILURES, LOAD_MICROS, LOADS, type ThreadCounters } from '../control/counters.ts';
import type { StateLayout } from '../state/state-layout.ts';
import { ActorLoad, type LoadParts } from './actor-load.ts';
import type { Partition, WaitingRequest } from './partition.ts';

/** Loads under way of a worker; each holds two pages of about 256 KiB at most, or rows that are larger. */
const UNDER_WAY_MAX = 16;
/** Loads that nobody's request waits for, as of reminders, which come back by themselves. */
const UNASKED_MAX = 256;
/** Time of one round for applying rows: the round's requests wait as long. */
const SLICE_MS = 0.5;

export class ActorLoads {
  /** Told of the requests of an actor that is loaded now. */
  onLoaded: (waiting: readonly WaitingRequest[]) => void;
  /** Told of the requests of an actor that could not be loaded. */
  onFailed: (waiting: readonly WaitingRequest[], error: Error) => void;
  /** Told when an answer has come. */
  onAnswer: () => void;
  private readonly parts: LoadParts;
  private readonly counters: ThreadCounters;
  private readonly byActor: Map<string, ActorLoad>;
  private readonly underWay: Set<ActorLoad>;
  private readonly queued: Set<ActorLoad>;
  private next: number;

  constructor(parts: LoadParts, counters: ThreadCounters) {
    this.parts = parts;
    this.counters = counters;
    this.byActor = new Map();
    this.underWay = new Set();
    this.queued = new Set();
    this.next = 0;
    this.onLoaded = () => undefined;
    this.onFailed = () => undefined;
    this.onAnswer = () => undefined;
    parts.link.onAnswer = (answer) => this.take(answer);
  }

  /** Something waits for the store: the thread's event loop is to run. */
  get busy(): boolean {
    return this.byActor.size > 0;
  }

  /** A round would get something done. */
  hasReady(): boolean {
    if (this.queued.size > 0 && this.underWay.size < UNDER_WAY_MAX) return true;
    const nowMs = performance.now();
    for (const load of this.underWay) if (load.isReady(nowMs)) return true;
    return false;
  }

  /** The last attempt to load an actor of this partition found no room. */
  lacksRoom(partition: Partition): boolean {
    for (const load of this.underWay) if (load.partition === partition && load.lacksRoom) return true;
    return false;
  }

  /** Lets a request wait until its actor is loaded. `key` is copied. */
  wait(partition: Partition, layout: StateLayout, key: KeyBytes, waiting: WaitingRequest): void {
    this.loadOf(partition, layout, key).waiting.push(waiting);
  }

  /** The same where nobody waits who could not come again. */
  want(partition: Partition, layout: StateLayout, key: KeyBytes): void {
    if (this.byActor.size < UNASKED_MAX) this.loadOf(partition, layout, key);
  }

  /** Takes requests out that wait no more. */
  drop(isDropped: (waiting: WaitingRequest) => boolean, dropped: (waiting: WaitingRequest) => void): void {
    for (const { waiting } of this.byActor.values()) {
      for (let at = waiting.length - 1; at >= 0; at--) {
        const one = waiting[at] as WaitingRequest;
        if (!isDropped(one)) continue;
        waiting.splice(at, 1);
        dropped(one);
      }
    }
  }

  /** Once a round: starts loads, applies rows for a while. True when it did something. */
  round(tick: number): boolean {
    let worked = this.begin();
    const startedAt = performance.now();
    const isLate = (): boolean => performance.now() - startedAt > SLICE_MS;
    for (const load of [...this.underWay]) {
      if (!load.isReady(startedAt)) continue;
      worked = true;
      const outcome = load.step(startedAt, tick, isLate);
      // Those behind it have their turn first in the next round.
      this.underWay.delete(load);
      if (outcome === 'goes on') this.underWay.add(load);
      else this.end(load, outcome);
      if (isLate()) break;
    }
    return this.begin() || worked;
  }

  private loadOf(partition: Partition, layout: StateLayout, key: KeyBytes): ActorLoad {
    const id = idOf(partition, layout, key);
    let load = this.byActor.get(id);
    if (load === undefined) {
      const { bytes, offset, length, hash } = key;
      const own = { bytes: bytes.slice(offset, offset + length), offset: 0, length, hash };
      load = new ActorLoad(partition, layout, own, this.next++, performance.now(), this.parts);
      this.byActor.set(id, load);
      this.queued.add(load);
    }
    return load;
  }

  private begin(): boolean {
    let began = false;
    for (const load of this.queued) {
      if (this.underWay.size >= UNDER_WAY_MAX) break;
      this.queued.delete(load);
      this.underWay.add(load);
      load.begin(performance.now());
      began = true;
    }
    return began;
  }

  private take(answer: RowsAnswer): void {
    for (const load of this.underWay) if (load.take(answer)) break;
    this.onAnswer();
  }

  private end(load: ActorLoad, outcome: 'loaded' | Error): void {
    const { partition, layout, key, waiting, text } = load;
    this.byActor.delete(idOf(partition, layout, key));
    if (outcome === 'loaded') {
      this.counters.add(LOADS, 1);
      this.counters.add(LOAD_MICROS, (performance.now() - load.startedAt) * 1000);
      this.onLoaded(waiting);
      return;
    }
    this.counters.add(LOAD_FAILURES, 1);
    const { name } = layout.type;
    const error = new ActivationFailedError(
      `${name} "${text}" can't be loaded from the store, where it stays as it is: ${outcome.message}`,
      { cause: outcome, details: { actor: name, key: text, partition: partition.number } },
    );
    this.onFailed(waiting, error);
  }
}

function idOf(partition: Partition, layout: StateLayout, { bytes, offset, length }: KeyBytes): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('latin1');
  return `${layout.type.index}/${partition.number}/${text}`;
}
