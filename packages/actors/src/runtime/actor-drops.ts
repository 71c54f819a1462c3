/**
 * Looks through the actors of a worker whose types unload, a few records at a time, and puts stubs in the place of those that may
 * leave memory. Partition thread only, between rounds.
 */
import { type HotMap, IndexScan, type KeyBytes } from '@spacegrid/core';
import { TICKS_A_SECOND } from '../state/access-tick.ts';
import type { StateLayout } from '../state/state-layout.ts';
import { isStub, putStub } from '../state/stubs.ts';
import type { FoldCover } from './fold-cover.ts';
import type { Partition } from './partition.ts';

const SCAN_ENTRIES = 64;
/** Actors dropped before memory is looked at again: they may be large. */
const DROPS_MAX = 8;

export interface ActorDropsParts {
  coverOf(partition: Partition): FoldCover;
  /** Forgets an actor that is not in use; false where it is. */
  release(partition: Partition, layout: StateLayout, key: KeyBytes): boolean;
  /** Told how many have left. */
  onDropped(count: number): void;
}

/** The actors of one type in one partition, as far as they were looked at. */
interface Place {
  readonly partition: Partition;
  readonly layout: StateLayout;
  readonly idleTicks: number;
  cursor: number;
}

export class ActorDrops {
  private readonly parts: ActorDropsParts;
  private readonly places: readonly Place[];
  private readonly scan: IndexScan;
  private at: number;

  constructor(partitions: readonly Partition[], layouts: readonly StateLayout[], parts: ActorDropsParts) {
    this.parts = parts;
    this.places = partitions.flatMap((partition) =>
      layouts.map((layout) => ({
        partition,
        layout,
        idleTicks: Math.ceil((layout.type.idleMs / 1000) * TICKS_A_SECOND),
        cursor: 0,
      })),
    );
    this.scan = new IndexScan(SCAN_ENTRIES);
    this.at = 0;
  }

  /** Types of partitions, each of which `dropIdle` comes to in its turn. */
  get placeCount(): number {
    return this.places.length;
  }

  /** Of the next few actors of a partition that could leave, those leave that were not used for longest. Returns how many. */
  dropOldest(partition: Partition, tick: number, lateAt: number): number {
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

  /** Looks at the next few actors, of one type and partition after another: the idle ones leave. Returns how many it looked at. */
  dropIdle(tick: number): number {
    const place = this.places[this.at] as Place;
    let looked = 1;
    if (this.step(place)) {
      this.dropFound(place, tick, (age) => age > place.idleTicks, SCAN_ENTRIES);
      looked += this.scan.count;
    }
    if (place.cursor === 0) this.at = (this.at + 1) % this.places.length;
    return looked;
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
    this.parts.onDropped(dropped);
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
    return this.parts.coverOf(partition).covers(stamp) ? (tick - stamp) | 0 : 0;
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
