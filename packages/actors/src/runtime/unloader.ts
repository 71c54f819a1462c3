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
/** After a look that found nothing to drop, while memory is nearly full. */
const NOTHING_FOUND_MS = 20;
const RECLAIM_BUDGET = 256;
const ENOUGH_ACTORS = 64;

export interface UnloaderParts {
  readonly partitions: readonly Partition[];
  readonly layouts: readonly StateLayout[];
  readonly counters: ThreadCounters;
  /** Bytes that all partitions together may still take from the system. */
  roomLeft(): number;
  /** A load found no room in this partition. */
  lacksRoom(partition: Partition): boolean;
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
  /** Whatever was last used before this tick is in the rows. */
  tick: number;
  /** What will be, once they hold this sequence. */
  nextTick: number;
  nextSequence: number;
  /** Nothing was found to drop: not before then. */
  pausedUntil: number;
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
  private checkedAt: number;
  private hasChanged: boolean;

  constructor(parts: UnloaderParts, tick: number) {
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
      tick,
      nextTick: tick,
      nextSequence: Number.POSITIVE_INFINITY,
      pausedUntil: 0,
      dropped: 0,
      enoughBytes: 0,
    };
    this.covers = new Map(parts.partitions.map((partition) => [partition, { ...nothing }]));
    this.scan = new IndexScan(SCAN_ENTRIES);
    const idleMs = Math.min(...layouts.map((layout) => layout.type.idleMs));
    this.passMs = Math.max(INTERVAL_MS_MIN, idleMs * PASS_SHARE);
    this.intervalMs = Math.min(INTERVAL_MS_MAX, Math.max(INTERVAL_MS_MIN, this.passMs / 2));
    this.nextAt = 0;
    this.left = 0;
    this.at = 0;
    this.checkedAt = 0;
    this.hasChanged = false;
  }

  /** When it is to look again; Infinity while nothing is in memory that could leave it. */
  get dueAt(): number {
    if (this.left > 0) return 0;
    for (const partition of this.covers.keys()) if (this.loadedIn(partition) > 0) return this.nextAt;
    return Number.POSITIVE_INFINITY;
  }

  /** An actor was loaded. */
  noteLoaded(): void {
    this.hasChanged = true;
  }

  /** Between rounds. True when more is to be done now. */
  round(nowMs: number, tick: number): boolean {
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

  /** Where memory is nearly full, of each few that are looked at those leave that were not used for longest. */
  private relieve(nowMs: number, tick: number, lateAt: number): boolean {
    if (nowMs === this.checkedAt) return false;
    this.checkedAt = nowMs;
    const roomLeft = this.parts.roomLeft();
    let worked = false;
    for (const [partition, cover] of this.covers) {
      const { heap } = partition;
      const isShort = heap.isStarved || this.parts.lacksRoom(partition);
      if (!isShort && (heap.usedBytes() <= cover.enoughBytes || !isTight(heap, roomLeft))) continue;
      // What was dropped before is given back first: it may be enough.
      if (partition.heap.maintain(RECLAIM_BUDGET)) {
        worked = true;
        continue;
      }
      if (cover.pausedUntil > nowMs) continue;
      this.noteCover(partition, cover, tick);
      const dropped = this.dropOldest(partition, tick, lateAt);
      if (dropped === 0) cover.pausedUntil = nowMs + NOTHING_FOUND_MS;
      else worked = true;
      cover.dropped += dropped;
      if (cover.dropped < ENOUGH_ACTORS) continue;
      // What they took is reused in place: pages come free only where all on them left. More leave when more pages are taken.
      cover.dropped = 0;
      cover.enoughBytes = heap.usedBytes();
    }
    return worked;
  }

  private dropOldest(partition: Partition, tick: number, lateAt: number): number {
    let dropped = 0;
    // Bound: once around.
    for (const place of this.places) {
      if (place.partition !== partition) continue;
      const end = place.cursor;
      do {
        const middle = this.middleAge(place, tick);
        if (middle > 0) dropped += this.dropFound(place, tick, (age) => age >= middle);
        if (dropped > 0 || performance.now() >= lateAt) return dropped;
      } while (place.cursor !== end && place.cursor !== 0);
    }
    return dropped;
  }

  /** Looks at a few records of a place, and drops those that are old enough. Returns how many it looked at. */
  private look(place: Place, tick: number, isOld: (age: number) => boolean): number {
    if (!this.step(place)) return 0;
    this.dropFound(place, tick, isOld);
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

  private dropFound(place: Place, tick: number, isOld: (age: number) => boolean): number {
    const { partition, layout } = place;
    const table = partition.table(layout.type.index) as HotMap;
    let dropped = 0;
    for (const record of this.scan.refs.subarray(0, this.scan.count)) {
      const age = this.ageOf(place, table, record, tick);
      if (age > 0 && isOld(age) && this.drop(place, table, record)) dropped++;
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
    const cover = this.covers.get(partition) as Cover;
    return ((cover.tick - stamp) | 0) > 0 ? (tick - stamp) | 0 : 0;
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

function isTight(heap: Heap, roomLeft: number): boolean {
  const limit = Math.min(heap.pageCountMax * 4096, heap.pageBytes() + roomLeft);
  return limit - heap.usedBytes() < Math.min(limit * TIGHT_SHARE, TIGHT_BYTES_MAX);
}
