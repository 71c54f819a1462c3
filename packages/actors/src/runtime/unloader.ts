/**
 * Takes actors out of memory that nobody used for a while, or for longest where memory is nearly full: their records become stubs
 * (stubs.ts). Partition thread only, between rounds, a few at a time.
 *
 * Nothing that the store's rows do not hold is ever dropped:
 *   1. a record's stamp is the tick of its last use: set before each command's turn, again when an asynchronous one has ended, and
 *      by queries and peeks; a record without one is as if used when it is first looked at;
 *   2. ticks never go back (access-tick.ts), and while a command is under way its actor is busy, which is looked at here;
 *   3. so when a tick T begins, whatever was last used before T has changed nothing behind the sequence committed by then;
 *   4. once the partition's folded watermark has reached that sequence, all that was last used before T is in the rows.
 * The stamps are in the heap, and a successor of the thread begins with 3: its predecessor's death changes nothing.
 */
import { foldedSequence, type Heap, type HotMap, IndexScan, type KeyBytes } from '@spacegrid/core';
import { ACTORS_LOADED, ACTORS_UNLOADED, type ThreadCounters, UNLOADS } from '../control/counters.ts';
import { TICKS_A_SECOND } from '../state/access-tick.ts';
import type { StateLayout } from '../state/state-layout.ts';
import { isStub, putStub, stubCount } from '../state/stubs.ts';
import type { AccessClock } from './access-clock.ts';
import type { Partition } from './partition.ts';

const SCAN_ENTRIES = 64;
const INTERVAL_MS_MIN = 50;
const INTERVAL_MS_MAX = 1000;
/** Time of one go: what comes then waits as long. */
const SLICE_MS = 0.5;
/** All actors are looked at within this part of the shortest `idleMs`. */
const PASS_SHARE = 0.5;
/** Memory is nearly full when less than this part of it is free, or than these bytes where it is large. */
const TIGHT_SHARE = 0.25;
const TIGHT_BYTES_MAX = 64 * 1024 * 1024;
/** With less than this part of the margin left commands wait. */
const HELD_SHARE = 0.5;
/** Between two looks at the memory; after one that found nothing to drop, while it is nearly full. */
const CHECK_MS = 2;
const NOTHING_FOUND_MS = 5;
/** Between two wishes that the store fold what memory waits for. */
const HURRY_MS = 20;
/** How long commands are told that memory is full before they wait again. */
const FULL_MS = 1000;
/** All that is folded was so at a tick that is no older. */
const FRESH_TICKS = 5;
/** Actors dropped before memory is looked at again: they may be large. */
const DROPS_MAX = 8;
const RECLAIM_BUDGET = 256;
/** Bound: what a turn waits, each time that it found no room. */
const ROOM_MS_MAX = 5;
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

/** The actors of one type in one partition, as far as they were looked at. */
interface Place {
  readonly partition: Partition;
  readonly layout: StateLayout;
  readonly idleTicks: number;
  cursor: number;
}

/** What is known of a partition's rows. */
interface Cover {
  /** Whatever was last used before this tick is in the rows; undefined while that is not known of any. */
  tick: number | undefined;
  /** What will be, once they hold this sequence. */
  nextTick: number;
  nextSequence: number;
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
  private readonly places: readonly Place[];
  private readonly covers: ReadonlyMap<Partition, Cover>;
  private readonly scan: IndexScan;
  private readonly intervalMs: number;
  private readonly passMs: number;
  private nextAt: number;
  /** Records to look at in this interval, and where it goes on. */
  private left: number;
  private at: number;
  private checkAt: number;
  private hurryAt: number;
  private hasChanged: boolean;

  constructor(parts: UnloaderParts) {
    const layouts = parts.layouts.filter((layout) => layout.unloaded !== undefined);
    this.parts = parts;
    this.layouts = layouts;
    this.places = parts.partitions.flatMap((partition) =>
      layouts.map((layout) => ({
        partition,
        layout,
        idleTicks: Math.ceil((layout.type.idleMs / 1000) * TICKS_A_SECOND),
        cursor: 0,
      })),
    );
    const nothing = {
      tick: undefined,
      nextTick: 0,
      nextSequence: Number.POSITIVE_INFINITY,
      foundNone: false,
      mayRunUntil: 0,
      dropped: 0,
      enoughBytes: 0,
    };
    this.covers = new Map(parts.partitions.map((partition) => [partition, { ...nothing }]));
    this.scan = new IndexScan(SCAN_ENTRIES);
    if (layouts.length > 0)
      for (const [partition, cover] of this.covers) partition.makeRoom = () => this.makeRoomNow(partition, cover);
    const idleMs = Math.min(...layouts.map((layout) => layout.type.idleMs));
    this.passMs = Math.max(INTERVAL_MS_MIN, idleMs * PASS_SHARE);
    this.intervalMs = Math.min(INTERVAL_MS_MAX, Math.max(INTERVAL_MS_MIN, this.passMs / 2));
    this.nextAt = 0;
    this.left = 0;
    this.at = 0;
    this.checkAt = 0;
    this.hurryAt = 0;
    this.hasChanged = false;
  }

  /** When it is to look again; Infinity while nothing is in memory that could leave it. */
  get dueAt(): number {
    if (this.left > 0) return 0;
    let dueAt = Number.POSITIVE_INFINITY;
    for (const partition of this.covers.keys()) {
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
    if (this.places.length === 0) return false;
    if (nowMs >= this.nextAt) this.beginInterval(nowMs, tick);
    const lateAt = performance.now() + SLICE_MS;
    let worked = this.relieve(nowMs, tick, lateAt);
    while (this.left > 0 && performance.now() < lateAt) {
      worked = true;
      const place = this.places[this.at] as Place;
      this.left -= Math.max(
        1,
        this.look(place, tick, (age) => age > place.idleTicks),
      );
      if (place.cursor === 0) this.at = (this.at + 1) % this.places.length;
    }
    if (this.hasChanged) this.count();
    this.hasChanged = false;
    return worked;
  }

  private beginInterval(nowMs: number, tick: number): void {
    this.nextAt = nowMs + this.intervalMs;
    for (const [partition, cover] of this.covers) this.noteCover(partition, cover, tick);
    const { loaded, unloaded } = this.count();
    const share = Math.min(1, this.intervalMs / this.passMs);
    // Places without an actor count too, so that each has its turn.
    this.left = loaded === 0 ? 0 : Math.ceil((loaded + unloaded + this.places.length) * share);
  }

  private count(): { readonly loaded: number; readonly unloaded: number } {
    let loaded = 0;
    let unloaded = 0;
    for (const partition of this.covers.keys()) {
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

  private noteCover(partition: Partition, cover: Cover, tick: number): void {
    if (foldedSequence(partition.heap) >= cover.nextSequence) {
      cover.tick = cover.nextTick;
      cover.nextSequence = Number.POSITIVE_INFINITY;
    }
    if (cover.nextSequence !== Number.POSITIVE_INFINITY) return;
    cover.nextTick = tick;
    cover.nextSequence = partition.heap.committed;
  }

  /** Where memory is nearly full, actors leave that were not used for longest; commands wait where it is all but full. */
  private relieve(nowMs: number, tick: number, lateAt: number): boolean {
    if (nowMs < this.checkAt) return false;
    const roomLeft = this.parts.roomLeft();
    let worked = false;
    this.checkAt = Number.POSITIVE_INFINITY;
    for (const [partition, cover] of this.covers) {
      const room = roomOf(partition.heap, roomLeft);
      const isShort = partition.heap.isStarved || this.parts.lacksRoom(partition);
      if (!isShort && room.freeBytes >= room.marginBytes) {
        partition.lacksRoom = false;
        partition.holdAboveBytes = holdAbove(partition.heap, room);
        continue;
      }
      if (this.makeRoom(partition, cover, isShort, roomLeft, tick, lateAt)) worked = true;
      else this.checkAt = Math.min(this.checkAt, nowMs + NOTHING_FOUND_MS);
      this.holdCommands(partition, cover, roomOf(partition.heap, roomLeft), nowMs, tick);
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
  private makeRoomNow(partition: Partition, cover: Cover): boolean {
    const lateAt = performance.now() + ROOM_MS_MAX;
    // The round's, which commands of this round are stamped with: with a later one they would look as if they were over by now.
    const { tick } = this.parts.access;
    let dropped = 0;
    // Bound: the time.
    while (performance.now() < lateAt) {
      if (partition.heap.maintain(RECLAIM_BUDGET)) continue;
      if (dropped > 0) break;
      this.noteCover(partition, cover, tick);
      dropped = this.dropOldest(partition, tick, lateAt);
      if (dropped === 0) break;
    }
    // Those behind it wait instead, if waiting helps.
    if (dropped === 0) this.checkAt = 0;
    return dropped > 0;
  }

  private makeRoom(
    partition: Partition,
    cover: Cover,
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
      const { freeBytes, marginBytes } = roomOf(heap, roomLeft);
      const isEnough = freeBytes >= marginBytes * HELD_SHARE && heap.usedBytes() <= cover.enoughBytes;
      if (!wants && (freeBytes >= marginBytes || isEnough)) break;
      this.noteCover(partition, cover, tick);
      const dropped = this.dropOldest(partition, tick, lateAt);
      if (dropped === 0) {
        cover.foundNone = performance.now() < lateAt;
        break;
      }
      worked = true;
      cover.foundNone = false;
      cover.dropped += dropped;
      if (cover.dropped < ENOUGH_ACTORS) continue;
      // What they took is reused in place: pages come free only where all on them left. More leave when more pages are taken.
      cover.dropped = 0;
      cover.enoughBytes = heap.usedBytes();
    }
    return worked;
  }

  /**
   * While nearly no room is left and actors can leave as soon as what they changed is folded, commands wait for that instead of
   * failing. Bound: not where everything is folded and still nothing can leave; then they are told that memory is full.
   */
  private holdCommands(partition: Partition, cover: Cover, room: Room, nowMs: number, tick: number): void {
    const { heap } = partition;
    const isCovered = foldedSequence(heap) >= heap.committed;
    if (!isCovered && nowMs >= this.hurryAt) {
      this.hurryAt = nowMs + HURRY_MS;
      this.parts.hurry();
    }
    if (cover.foundNone && isCovered && cover.tick !== undefined && tick - cover.tick <= FRESH_TICKS)
      cover.mayRunUntil = nowMs + FULL_MS;
    const mayHold = nowMs >= cover.mayRunUntil;
    partition.holdAboveBytes = mayHold ? holdAbove(heap, room) : Number.POSITIVE_INFINITY;
    partition.lacksRoom = heap.usedBytes() > partition.holdAboveBytes;
    if (partition.lacksRoom) this.checkAt = Math.min(this.checkAt, nowMs + NOTHING_FOUND_MS);
  }

  private dropOldest(partition: Partition, tick: number, lateAt: number): number {
    // Bound: once around, or until the time is over.
    for (const place of this.places) {
      if (place.partition !== partition) continue;
      const end = place.cursor;
      do {
        const middle = this.middleAge(place, tick);
        const dropped = middle === 0 ? 0 : this.dropFound(place, tick, (age) => age >= middle, DROPS_MAX);
        if (dropped > 0 || performance.now() >= lateAt) return dropped;
      } while (place.cursor !== end && place.cursor !== 0);
    }
    return 0;
  }

  /** Looks at a few records of a place, and drops those that are old enough. Returns how many it looked at. */
  private look(place: Place, tick: number, isOld: (age: number) => boolean): number {
    if (!this.step(place)) return 0;
    this.dropFound(place, tick, isOld, SCAN_ENTRIES);
    return this.scan.count;
  }

  private step(place: Place): boolean {
    const table = place.partition.table(place.layout.type.index);
    if (table === undefined) {
      place.cursor = 0;
      return false;
    }
    place.cursor = table.scan(this.scan, place.cursor);
    return true;
  }

  /** The age of which half of the next few records are, among those that could leave; 0 for none. */
  private middleAge(place: Place, tick: number): number {
    if (!this.step(place)) return 0;
    const { partition, layout } = place;
    const table = partition.table(layout.type.index) as HotMap;
    const ages: number[] = [];
    for (const record of this.scan.refs.subarray(0, this.scan.count)) {
      const age = this.ageOf(place, table, record, tick);
      if (age > 0) ages.push(age);
    }
    ages.sort((one, other) => one - other);
    return ages[ages.length >> 1] ?? 0;
  }

  private dropFound(place: Place, tick: number, isOld: (age: number) => boolean, dropsMax: number): number {
    const { partition, layout } = place;
    const table = partition.table(layout.type.index) as HotMap;
    let dropped = 0;
    for (const record of this.scan.refs.subarray(0, this.scan.count)) {
      const age = this.ageOf(place, table, record, tick);
      if (age > 0 && isOld(age) && this.drop(place, table, record)) dropped++;
      if (dropped === dropsMax) break;
    }
    this.hasChanged ||= dropped > 0;
    this.parts.counters.add(UNLOADS, dropped);
    return dropped;
  }

  /** Ticks since an actor was last used; 0 for one that can't leave: a stub, or one that the rows may not hold. */
  private ageOf({ partition, layout }: Place, table: HotMap, record: number, tick: number): number {
    if (isStub(partition.heap, layout, record)) return 0;
    const stamp = table.stampOf(record);
    if (stamp === 0) {
      table.touch(record, tick);
      return 0;
    }
    const { tick: covered } = this.covers.get(partition) as Cover;
    return covered !== undefined && ((covered - stamp) | 0) > 0 ? (tick - stamp) | 0 : 0;
  }

  private drop({ partition, layout }: Place, table: HotMap, record: number): boolean {
    const from = table.keyOffset(record);
    const length = table.keyByteLength(record);
    const key = {
      bytes: partition.heap.u8.slice(from, from + length),
      offset: 0,
      length,
      hash: table.hashOf(record),
    };
    if (!this.parts.release(partition, layout, key)) return false;
    return partition.maintain(() => {
      partition.heap.takeReserve();
      putStub(partition, layout, key);
    });
  }
}

interface Room {
  /** What the partition may still take, from its own pages or from the system. */
  readonly freeBytes: number;
  /** With less than this, memory is nearly full. */
  readonly marginBytes: number;
}

function roomOf(heap: Heap, roomLeft: number): Room {
  const limit = Math.min(heap.pageCountMax * 4096, heap.pageBytes() + roomLeft);
  return { freeBytes: limit - heap.usedBytes(), marginBytes: Math.min(limit * TIGHT_SHARE, TIGHT_BYTES_MAX) };
}

/** Bytes in use at which nearly no room is left. */
function holdAbove(heap: Heap, { freeBytes, marginBytes }: Room): number {
  return heap.usedBytes() + freeBytes - marginBytes * HELD_SHARE;
}
