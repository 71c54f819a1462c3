/**
 * Standing queries of a worker. After turns that touched an actor its watches run again; an answer that differs from the last
 * one is sent. Each watch has at most one answer under way: the next waits until it was taken, and is then the latest.
 */
import { encodeError, OverloadedError, PackWriter, writeValue } from '@spacegrid/core';
import { type ThreadCounters, WATCHES } from '../control/counters.ts';
import { STATUS_WATCH_ERROR, STATUS_WATCH_VALUE } from '../control/frames.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import type { StateReader } from '../state/readable-state.ts';
import type { StateLayout } from '../state/state-layout.ts';
import type { Partition } from './partition.ts';
import { refuseLargeAnswer } from './refuse-large-answer.ts';
import type { ReplyLanes } from './reply-lanes.ts';
import type { TurnOwner } from './turn-owner.ts';
import { encodeKey, type KeyBytes } from '@spacegrid/core';

interface Watch {
  readonly client: number;
  readonly number: number;
  readonly partition: Partition;
  readonly layout: StateLayout;
  readonly key: string;
  readonly handler: CompiledHandler;
  readonly args: readonly unknown[];
  last: Uint8Array | undefined;
  /** An answer is on its way. */
  sent: boolean;
  stale: boolean;
}

/** Most standing queries of a worker. */
const WATCHES_MAX = 200_000;

export class Watches {
  private readonly replies: ReplyLanes;
  private readonly counters: ThreadCounters;
  private readonly hashSeed: number;
  private readonly readerOf: (partition: Partition, layout: StateLayout) => StateReader;
  private readonly byId = new Map<string, Watch>();
  private readonly byActor = new Map<string, Set<Watch>>();
  private readonly dirty = new Set<Watch>();
  private readonly scratch: PackWriter;

  constructor(
    replies: ReplyLanes,
    counters: ThreadCounters,
    hashSeed: number,
    readerOf: (partition: Partition, layout: StateLayout) => StateReader,
  ) {
    this.replies = replies;
    this.counters = counters;
    this.hashSeed = hashSeed;
    this.readerOf = readerOf;
    this.scratch = PackWriter.growing(4096);
  }

  add(
    client: number,
    number: number,
    partition: Partition,
    layout: StateLayout,
    key: string,
    handler: CompiledHandler,
    args: readonly unknown[],
  ): void {
    const id = idOf(client, number);
    if (this.byId.has(id)) return;
    if (this.byId.size >= WATCHES_MAX) {
      this.scratch.at = 0;
      encodeError(this.scratch, new OverloadedError(`${WATCHES_MAX} standing queries of one worker: end some first`));
      const bytes = this.scratch.written();
      this.replies.reply(client, number, STATUS_WATCH_ERROR, 0, partition.number, bytes, 0, bytes.length);
      return;
    }
    const watch: Watch = {
      client,
      number,
      partition,
      layout,
      key,
      handler,
      args,
      last: undefined,
      sent: false,
      stale: false,
    };
    this.byId.set(id, watch);
    const actor = actorOf(layout.type.index, partition.number, key);
    const watches = this.byActor.get(actor) ?? new Set();
    watches.add(watch);
    this.byActor.set(actor, watches);
    this.dirty.add(watch);
    this.counters.set(WATCHES, this.byId.size);
  }

  remove(client: number, number: number): void {
    const watch = this.byId.get(idOf(client, number));
    if (watch !== undefined) this.drop(watch);
  }

  /** Drops everything of a client that is gone. */
  removeClient(client: number): void {
    for (const watch of this.byId.values()) if (watch.client === client) this.drop(watch);
  }

  taken(client: number, number: number): void {
    const watch = this.byId.get(idOf(client, number));
    if (watch === undefined) return;
    watch.sent = false;
    if (watch.stale) this.dirty.add(watch);
  }

  /** A turn of this actor has ended. */
  touched(activation: TurnOwner): void {
    this.changed(activation.partition, activation.layout, activation.key);
  }

  /** The same of an actor that may be none that its thread knows. */
  changed(partition: Partition, layout: StateLayout, key: string): void {
    if (this.byActor.size === 0) return;
    const watches = this.byActor.get(actorOf(layout.type.index, partition.number, key));
    if (watches !== undefined) for (const watch of watches) this.dirty.add(watch);
  }

  /** An actor is watched. */
  has(type: number, partition: number, { bytes, offset, length }: KeyBytes): boolean {
    if (this.byActor.size === 0) return false;
    const key = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');
    return this.byActor.has(actorOf(type, partition, key));
  }

  get pending(): boolean {
    return this.dirty.size > 0;
  }

  /** Runs the watches of touched actors, at most `budget`. */
  run(budget: number): void {
    let left = budget;
    for (const watch of this.dirty) {
      if (left-- === 0) return;
      this.dirty.delete(watch);
      if (watch.sent) watch.stale = true;
      else this.answer(watch);
    }
  }

  private answer(watch: Watch): void {
    const { scratch } = this;
    const { partition } = watch;
    watch.stale = false;
    scratch.at = 0;
    let status = STATUS_WATCH_VALUE;
    try {
      const reader = this.readerOf(partition, watch.layout);
      reader.find(watch.key, encodeKey(watch.key, this.hashSeed));
      writeValue(scratch, watch.handler.run(reader.view, ...watch.args));
      refuseLargeAnswer(scratch.at);
    } catch (error) {
      status = STATUS_WATCH_ERROR;
      scratch.at = 0;
      encodeError(scratch, error);
    }
    const bytes = scratch.written();
    if (watch.last !== undefined && sameBytes(watch.last, bytes)) return;
    watch.last = bytes.slice();
    watch.sent = true;
    this.replies.reply(
      watch.client,
      watch.number,
      status,
      partition.heap.sequence(),
      partition.number,
      watch.last,
      0,
      watch.last.length,
    );
  }

  private drop(watch: Watch): void {
    this.byId.delete(idOf(watch.client, watch.number));
    this.dirty.delete(watch);
    const actor = actorOf(watch.layout.type.index, watch.partition.number, watch.key);
    const watches = this.byActor.get(actor);
    watches?.delete(watch);
    if (watches?.size === 0) this.byActor.delete(actor);
    this.counters.set(WATCHES, this.byId.size);
  }
}

function idOf(client: number, number: number): string {
  return `${client}/${number}`;
}

function actorOf(type: number, partition: number, key: string): string {
  return `${type}/${partition}/${key}`;
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0;
}
