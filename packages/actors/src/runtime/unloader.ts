/**
 * Takes actors out of memory that nobody used for a while, or for longest where memory is nearly full: their records become stubs
 * (stubs.ts). Partition thread only, between rounds, a few at a time.
 * Nothing that the store's rows do not hold is ever dropped: fold-cover.ts.
 */
import { foldedSequence, type KeyBytes } from '@spacegrid/core';
import { ACTORS_LOADED, ACTORS_UNLOADED, type ThreadCounters, UNLOADS } from '../control/counters.ts';
import type { StateLayout } from '../state/state-layout.ts';
import { stubCount } from '../state/stubs.ts';
import type { AccessClock } from './access-clock.ts';
import { ActorDrops } from './actor-drops.ts';
import { FoldCover } from './fold-cover.ts';
import { MemoryRoom } from './memory-room.ts';
import type { Partition } from './partition.ts';

const INTERVAL_MS_MIN = 50;
const INTERVAL_MS_MAX = 1000;
/** Time of one go: what comes then waits as long. */
const SLICE_MS = 0.5;
/** All actors are looked at within this part of the shortest `idleMs`. */
const PASS_SHARE = 0.5;
/** Between two looks at the memory; after one that found nothing to drop, while it is nearly full. */
const CHECK_MS = 2;
const NOTHING_FOUND_MS = 5;
/** Between two wishes that the store fold what memory waits for. */
const HURRY_MS = 20;
/** How long commands are told that memory is full before they wait again. */
const FULL_MS = 1000;
const RECLAIM_BUDGET = 256;
/** Bound: what a turn waits, each time that it found no room. */
const ROOM_MS_MAX = 5;
/** Dropped for want of room before it is seen whether that was enough. */
const ENOUGH_ACTORS = 64;

export interface UnloaderParts {
  readonly partitions: readonly Partition[];
  readonly layouts: readonly StateLayout[];
  readonly counters: ThreadCounters;
  readonly access: AccessClock;
  /** Bytes that all partitions together may still take from the system. */
  roomLeft(): number;
  /** A load found no room in this partition. */
  lacksRoom(partition: Partition): boolean;
  /** The store is to fold soon what it has. */
  hurry(): void;
  /** Forgets an actor that is not in use; false where it is. */
  release(partition: Partition, layout: StateLayout, key: KeyBytes): boolean;
}

interface Watched {
  readonly cover: FoldCover;
  /** The last look at all of them found none that could leave. */
  foundNone: boolean;
  /** Commands run, full as memory is: nothing would come of waiting. */
  mayRunUntil: number;
  /** Actors dropped for want of room since `enoughBytes` was noted. */
  dropped: number;
  /** So much may be in use before more are dropped. */
  enoughBytes: number;
}

export class Unloader {
  private readonly parts: UnloaderParts;
  private readonly layouts: readonly StateLayout[];
  private readonly watched: ReadonlyMap<Partition, Watched>;
  private readonly drops: ActorDrops;
  private readonly intervalMs: number;
  private readonly passMs: number;
  private nextAt: number;
  /** Records to look at in this interval. */
  private left: number;
  private checkAt: number;
  private hurryAt: number;
  private hasChanged: boolean;

  constructor(parts: UnloaderParts) {
    const layouts = parts.layouts.filter((layout) => layout.unloaded !== undefined);
    this.parts = parts;
    this.layouts = layouts;
    const nothing = { foundNone: false, mayRunUntil: 0, dropped: 0, enoughBytes: 0 };
    this.watched = new Map(
      parts.partitions.map((partition) => [partition, { ...nothing, cover: new FoldCover() }] as const),
    );
    this.drops = new ActorDrops(parts.partitions, layouts, {
      coverOf: (partition) => (this.watched.get(partition) as Watched).cover,
      release: (partition, layout, key) => parts.release(partition, layout, key),
      onDropped: (count) => {
        this.hasChanged ||= count > 0;
        parts.counters.add(UNLOADS, count);
      },
    });
    if (layouts.length > 0)
      for (const [partition, watched] of this.watched)
        partition.makeRoom = () => this.makeRoomNow(partition, watched.cover);
    const idleMs = Math.min(...layouts.map((layout) => layout.type.idleMs));
    this.passMs = Math.max(INTERVAL_MS_MIN, idleMs * PASS_SHARE);
    this.intervalMs = Math.min(INTERVAL_MS_MAX, Math.max(INTERVAL_MS_MIN, this.passMs / 2));
    this.nextAt = 0;
    this.left = 0;
    this.checkAt = 0;
    this.hurryAt = 0;
    this.hasChanged = false;
  }

  /** When it is to look again; Infinity while nothing is in memory that could leave it. */
  get dueAt(): number {
    if (this.left > 0) return 0;
    let dueAt = Number.POSITIVE_INFINITY;
    for (const partition of this.watched.keys()) {
      if (partition.lacksRoom) return this.checkAt;
      if (this.loadedIn(partition) > 0) dueAt = this.nextAt;
    }
    return dueAt;
  }

  /** An actor was loaded. */
  noteLoaded(): void {
    this.hasChanged = true;
  }

  /** Between rounds. True when more is to be done now. */
  round(nowMs: number): boolean {
    const { tick } = this.parts.access;
    if (this.drops.placeCount === 0) return false;
    if (nowMs >= this.nextAt) this.beginInterval(nowMs, tick);
    const lateAt = performance.now() + SLICE_MS;
    let worked = this.relieve(nowMs, tick, lateAt);
    while (this.left > 0 && performance.now() < lateAt) {
      worked = true;
      this.left -= this.drops.dropIdle(tick);
    }
    if (this.hasChanged) this.count();
    this.hasChanged = false;
    return worked;
  }

  private beginInterval(nowMs: number, tick: number): void {
    this.nextAt = nowMs + this.intervalMs;
    for (const [partition, { cover }] of this.watched) cover.note(partition.heap, tick);
    const { loaded, unloaded } = this.count();
    const share = Math.min(1, this.intervalMs / this.passMs);
    // Places without an actor count too, so that each has its turn.
    this.left = loaded === 0 ? 0 : Math.ceil((loaded + unloaded + this.drops.placeCount) * share);
  }

  private count(): { readonly loaded: number; readonly unloaded: number } {
    let loaded = 0;
    let unloaded = 0;
    for (const partition of this.watched.keys()) {
      loaded += this.loadedIn(partition);
      unloaded += stubCount(partition.heap);
    }
    this.parts.counters.set(ACTORS_LOADED, loaded);
    this.parts.counters.set(ACTORS_UNLOADED, unloaded);
    return { loaded, unloaded };
  }

  private loadedIn(partition: Partition): number {
    let actors = 0;
    for (const { type } of this.layouts) actors += partition.table(type.index)?.size ?? 0;
    return actors - stubCount(partition.heap);
  }

  /** Where memory is nearly full, actors leave that were not used for longest; commands wait where it is all but full. */
  private relieve(nowMs: number, tick: number, lateAt: number): boolean {
    if (nowMs < this.checkAt) return false;
    const roomLeft = this.parts.roomLeft();
    let worked = false;
    this.checkAt = Number.POSITIVE_INFINITY;
    for (const [partition, watched] of this.watched) {
      const room = new MemoryRoom(partition.heap, roomLeft);
      const isShort = partition.heap.isStarved || this.parts.lacksRoom(partition);
      if (!isShort && !room.isTight) {
        partition.lacksRoom = false;
        partition.holdAboveBytes = room.heldAboveBytes;
        continue;
      }
      if (this.makeRoom(partition, watched, isShort, roomLeft, tick, lateAt)) worked = true;
      else this.checkAt = Math.min(this.checkAt, nowMs + NOTHING_FOUND_MS);
      this.holdCommands(partition, watched, new MemoryRoom(partition.heap, roomLeft), nowMs, tick);
    }
    if (worked) this.checkAt = nowMs;
    // Something may come to be short at any time.
    this.checkAt = Math.min(this.checkAt, nowMs + CHECK_MS);
    return worked;
  }

  /**
   * For a turn that found no room, though there may be some: in pieces that were too small for it, or in what waits to be given
   * back. It runs again as often as this drops actors, which ends.
   */
  private makeRoomNow(partition: Partition, cover: FoldCover): boolean {
    const lateAt = performance.now() + ROOM_MS_MAX;
    // The round's, which commands of this round are stamped with: with a later one they would look as if they were over by now.
    const { tick } = this.parts.access;
    let dropped = 0;
    // Bound: the time, and one look for actors however late it is: what was dropped before may take all of the time to be freed.
    for (let isLate = false; ; ) {
      isLate ||= performance.now() >= lateAt;
      if (!isLate && partition.heap.maintain(RECLAIM_BUDGET)) continue;
      if (dropped > 0) break;
      cover.note(partition.heap, tick);
      dropped = this.drops.dropOldest(partition, tick, lateAt);
      if (dropped === 0 || isLate) break;
    }
    // Those behind it wait instead, if waiting helps.
    if (dropped === 0) this.checkAt = 0;
    return dropped > 0;
  }

  private makeRoom(
    partition: Partition,
    watched: Watched,
    isShort: boolean,
    roomLeft: number,
    tick: number,
    lateAt: number,
  ): boolean {
    const { heap } = partition;
    let worked = false;
    for (let wants = isShort; performance.now() < lateAt; wants = false) {
      // What was dropped before is given back first: it may be enough.
      if (heap.maintain(RECLAIM_BUDGET)) {
        worked = true;
        continue;
      }
      const room = new MemoryRoom(heap, roomLeft);
      const isEnough = !room.isHeld && heap.usedBytes() <= watched.enoughBytes;
      if (!wants && (!room.isTight || isEnough)) break;
      watched.cover.note(heap, tick);
      const dropped = this.drops.dropOldest(partition, tick, lateAt);
      if (dropped === 0) {
        watched.foundNone = performance.now() < lateAt;
        break;
      }
      worked = true;
      watched.foundNone = false;
      watched.dropped += dropped;
      if (watched.dropped < ENOUGH_ACTORS) continue;
      // What they took is reused in place: pages come free only where all on them left. More leave when more pages are taken.
      watched.dropped = 0;
      watched.enoughBytes = heap.usedBytes();
    }
    return worked;
  }

  /**
   * While nearly no room is left and actors can leave as soon as what they changed is folded, commands wait for that instead of
   * failing. Bound: not where everything is folded and still nothing can leave; then they are told that memory is full.
   */
  private holdCommands(partition: Partition, watched: Watched, room: MemoryRoom, nowMs: number, tick: number): void {
    const { heap } = partition;
    const isCovered = foldedSequence(heap) >= heap.committed;
    if (!isCovered && nowMs >= this.hurryAt) {
      this.hurryAt = nowMs + HURRY_MS;
      this.parts.hurry();
    }
    if (watched.foundNone && isCovered && watched.cover.isFresh(tick)) watched.mayRunUntil = nowMs + FULL_MS;
    const mayHold = nowMs >= watched.mayRunUntil;
    partition.holdAboveBytes = mayHold ? room.heldAboveBytes : Number.POSITIVE_INFINITY;
    partition.lacksRoom = heap.usedBytes() > partition.holdAboveBytes;
    if (partition.lacksRoom) this.checkAt = Math.min(this.checkAt, nowMs + NOTHING_FOUND_MS);
  }
}
