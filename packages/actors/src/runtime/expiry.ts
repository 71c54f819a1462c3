/**
 * Removes entries whose time is over, on a partition thread: a few turns of their own in each round, with what they delete in
 * their change sets. Until then an expired entry is absent already, by the clock of whoever looks.
 *
 * A partition's wheel is turned in a bracket without a sequence (nothing that anybody sees changes), and then what is due is
 * deleted in a turn. A death in between leaves either as it was, or done: the successor goes on.
 */
import { deleteTimed, HotMap, NODE_OWNER, type TimerWheel, unlinkNode } from '@spacegrid/core';
import { type MapOwner, readMapOwner } from '../state/map-owner.ts';
import { actorPrefix } from '../state/row-keys.ts';
import type { EntryLayout, KeptEntries, StateLayout, StructureSlot } from '../state/state-layout.ts';
import type { Partition } from './partition.ts';

/** Nodes of the wheel looked at in one bracket, and entries deleted in one turn: some 100 µs each. */
const LOOKS_MAX = 256;
const REMOVALS_MAX = 128;
/** Bound: bytes of the keys that one turn deletes, so that the smallest change set holds them. */
const REMOVED_BYTES_MAX = 32 * 1024;
/** Bound: such brackets and turns in a round, of all partitions together. Commands go on in between. */
const STEPS_MAX = 6;
/** After the partition had no room for a turn, or takes none. */
const RETRY_MS = 100;

interface Timed {
  readonly owner: MapOwner;
  readonly prefix: Uint8Array;
  readonly slot: StructureSlot;
  readonly layout: EntryLayout;
  readonly kept: KeptEntries;
  readonly map: HotMap | undefined;
}

/** Told of an actor whose state was changed. */
export type OnExpired = (partition: Partition, layout: StateLayout, key: string) => void;

export class Expiry {
  /** When `round` has something to do, in wall-clock milliseconds; never later. */
  nextAt: number;
  private readonly partitions: readonly Partition[];
  private readonly onExpired: OnExpired;
  private readonly hashSeed: number;
  /** By their blocks, while one bracket or turn lasts. */
  private readonly timed: Map<number, Timed>;
  /** Who is first in the next round, so that each has its turn. */
  private first: number;
  /** Steps that are left of this round. */
  private left: number;

  constructor(partitions: readonly Partition[], hashSeed: number, onExpired: OnExpired) {
    this.nextAt = Number.POSITIVE_INFINITY;
    this.partitions = partitions;
    this.onExpired = onExpired;
    this.hashSeed = hashSeed;
    this.timed = new Map();
    this.first = 0;
    this.left = 0;
    for (const { keeping } of partitions) {
      keeping.onDue = () => {
        this.nextAt = Math.min(this.nextAt, keeping.wheel?.nextAt ?? Number.POSITIVE_INFINITY);
      };
    }
  }

  /** Finds out what a predecessor or the store has left. */
  load(): void {
    for (const { keeping } of this.partitions) keeping.onDue();
  }

  /** Removes what is due, within bounds. True when something was done. */
  round(nowMs: number): boolean {
    if (nowMs < this.nextAt) return false;
    const { partitions } = this;
    let worked = false;
    this.left = STEPS_MAX;
    this.nextAt = Number.POSITIVE_INFINITY;
    for (let count = 0; count < partitions.length; count++) {
      const partition = partitions[(this.first + count) % partitions.length] as Partition;
      const { wheel } = partition.keeping;
      if (wheel === undefined) continue;
      let at = wheel.nextAt;
      if (at <= nowMs && this.left > 0) {
        const done = this.turn(partition, wheel, partition.now(nowMs));
        if (done) worked = true;
        at = done ? wheel.nextAt : nowMs + RETRY_MS;
      }
      this.nextAt = Math.min(this.nextAt, at);
    }
    this.first = (this.first + 1) % partitions.length;
    return worked;
  }

  /** Turns the wheel, and removes what is due. False when the partition has no room for that, or takes no turns. */
  private turn(partition: Partition, wheel: TimerWheel, nowMs: number): boolean {
    this.timed.clear();
    this.left--;
    partition.maintain(() => {
      wheel.settle(nowMs, LOOKS_MAX, (node) => this.endsAt(partition, node, nowMs));
    });
    for (; wheel.firstDue !== 0 && this.left > 0; this.left--) {
      // What is not stored yet is at its limit: deleting adds to it, like any command.
      if (partition.backlog.isOver || !this.remove(partition, wheel, nowMs)) return false;
    }
    return true;
  }

  /** Deletes entries that are due, in a turn. False when there was no room for it. */
  private remove(partition: Partition, wheel: TimerWheel, nowMs: number): boolean {
    const { heap } = partition;
    const changed = new Set<Timed>();
    const done = partition.internalTurn(() => {
      heap.takeReserve();
      let bytes = 0;
      for (let count = 0; count < REMOVALS_MAX && bytes < REMOVED_BYTES_MAX; count++) {
        const node = wheel.firstDue;
        if (node === 0) break;
        const timed = this.timedOf(partition, node);
        const removed = this.removeOne(partition, timed, node, wheel, nowMs);
        if (removed > 0) changed.add(timed);
        bytes += removed;
      }
    });
    if (!done) return false;
    for (const { owner } of changed) {
      this.onExpired(partition, partition.layouts[owner.type] as StateLayout, textOf(owner.key));
    }
    return true;
  }

  /** Returns the bytes of the key whose entry it has deleted; 0 when it was not to be. */
  private removeOne(partition: Partition, timed: Timed, node: number, wheel: TimerWheel, nowMs: number): number {
    const { heap, keeping, changes } = partition;
    const { kept, layout, map, prefix, slot } = timed;
    const record = node - layout.shape.nodeAt;
    if (map === undefined || !map.holds(record)) {
      // Of a map that was cleared: it is freed in steps.
      unlinkNode(heap, node);
      return 0;
    }
    const endsAt = kept.life.endsAt(heap, record, nowMs);
    if (endsAt > nowMs) {
      // It was read since it was found due.
      unlinkNode(heap, node);
      wheel.insert(node, endsAt, nowMs);
      return 0;
    }
    const length = map.keyByteLength(record);
    const key = { bytes: heap.u8, offset: map.keyOffset(record), length, hash: map.hashOf(record) };
    deleteTimed(map, key);
    if (changes.enabled) changes.delete(prefix, slot.tag, key);
    keeping.noteRemoved('expired');
    return prefix.length + slot.tag.length + length;
  }

  private endsAt(partition: Partition, node: number, nowMs: number): number {
    const { kept, layout, map } = this.timedOf(partition, node);
    const record = node - layout.shape.nodeAt;
    return map?.holds(record) === true ? kept.life.endsAt(partition.heap, record, nowMs) : 0;
  }

  private timedOf(partition: Partition, node: number): Timed {
    const { heap, layouts } = partition;
    const ref = heap.i32[node + NODE_OWNER] as number;
    let timed = this.timed.get(ref);
    if (timed === undefined) {
      const owner = readMapOwner(heap, ref);
      const { structures, type } = layouts[owner.type] as StateLayout;
      const slot = structures[owner.structure] as StructureSlot;
      const layout = slot.entry as EntryLayout;
      timed = {
        owner,
        prefix: actorPrefix(type.name, owner.key),
        slot,
        layout,
        kept: layout.kept as KeptEntries,
        map: owner.header === 0 ? undefined : new HotMap(heap, owner.header, layout.shape, this.hashSeed),
      };
      this.timed.set(ref, timed);
    }
    return timed;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
