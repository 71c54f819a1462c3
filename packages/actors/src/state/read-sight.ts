/**
 * With what eyes a query looks: by which clock, and where it leaves a note of what it read. Of entries that expire or are
 * evicted a read counts as an access, and reading writes to no structure: only to an entry's stamp.
 */
import type { Clock, HotMap } from '@spacegrid/core';
import { MAP_HITS, MAP_MISSES } from '../control/counters.ts';

export interface ReadSight {
  /** Wall-clock milliseconds. */
  now(): number;
  /** An entry was read; `stamp` is what is to be noted. */
  accessed(map: HotMap, record: number, stamp: number): void;
  /** An entry was looked for by its key. */
  counted(found: boolean): void;
}

interface SightCounters {
  add(counter: number, amount: number): void;
}

/** The partition's own clock, which never goes back. */
interface TurnClock {
  now(nowMs: number): number;
}

/** Queries in their partition: its thread is the writer, so the stamp is written at once. */
export class PartitionSight implements ReadSight {
  private readonly partition: TurnClock;
  private readonly clock: Clock;
  private readonly counters: SightCounters;

  constructor(partition: TurnClock, clock: Clock, counters: SightCounters) {
    this.partition = partition;
    this.clock = clock;
    this.counters = counters;
  }

  now(): number {
    return this.partition.now(this.clock.now());
  }

  accessed(map: HotMap, record: number, stamp: number): void {
    map.touch(record, stamp);
  }

  counted(found: boolean): void {
    this.counters.add(found ? MAP_HITS : MAP_MISSES, 1);
  }
}

/** Bound: accesses of one peek that are noted; a peek that reads more entries leaves the rest without. */
const NOTES_MAX = 1024;

interface Note {
  readonly map: HotMap;
  readonly record: number;
  readonly hash: number;
  readonly before: number;
  readonly stamp: number;
}

/** Peeks: what was read may be garbage until the pin was left, so that notes are made only then. */
export class PeekSight implements ReadSight {
  private readonly clock: Clock;
  private readonly counters: SightCounters;
  private readonly notes: Note[];

  constructor(clock: Clock, counters: SightCounters) {
    this.clock = clock;
    this.counters = counters;
    this.notes = [];
  }

  now(): number {
    return this.clock.now();
  }

  accessed(map: HotMap, record: number, stamp: number): void {
    const before = map.stampOf(record);
    if (before === stamp || this.notes.length >= NOTES_MAX) return;
    this.notes.push({ map, record, hash: map.hashOf(record), before, stamp });
  }

  counted(found: boolean): void {
    this.counters.add(found ? MAP_HITS : MAP_MISSES, 1);
  }

  /** The pin was left with success: the notes are made. */
  seen(): void {
    if (this.notes.length === 0) return;
    for (const { map, record, hash, before, stamp } of this.notes) map.touchAfterPeek(record, hash, before, stamp);
    this.notes.length = 0;
  }

  /** It was not: nothing that was read counts. */
  unseen(): void {
    this.notes.length = 0;
  }
}
