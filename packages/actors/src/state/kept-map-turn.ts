/** A map whose entries expire or are evicted, as a command sees it. Every removal is recorded like any other change. */
import {
  CapacityError,
  deleteTimed,
  EvictionPool,
  type HotMap,
  type KeyBytes,
  putTimed,
  readF64,
  type RecordField,
} from '@spacegrid/core';
import { type EntryOptions, type ResolvedEviction, resolveEntryTtl } from '../define/map-policy.ts';
import { draftEntry } from './entry-values.ts';
import { scanEntries } from './map-scan.ts';
import { MapTurnFacade } from './map-turn.ts';
import type { KeptEntries, StructureSlot } from './state-layout.ts';
import type { StateOwner } from './state-owner.ts';

/** Bound: entries that one write evicts for its own sake; a large value may take the place of many small ones. */
const EVICTIONS_MAX = 16_384;
/** Bound: of a map that is over its limit already, as after that was lowered, a write evicts so many. */
const SHRINK_MAX = 64;

export class KeptMapTurnFacade extends MapTurnFacade {
  private readonly kept: KeptEntries;
  private readonly pool: EvictionPool | undefined;
  /** The record that is being replaced: it is not evicted. */
  private replacing: number;
  /** How often an entry was looked at that may not go yet. */
  private unstored: number;
  private readonly mayGo: (record: number) => boolean;

  constructor(owner: StateOwner, slot: StructureSlot, kept: KeptEntries) {
    super(owner, slot);
    this.kept = kept;
    this.pool = kept.policy.evict === undefined ? undefined : new EvictionPool(kept.life);
    this.replacing = 0;
    this.unstored = 0;
    this.mayGo = (record) => {
      if (record === this.replacing) return false;
      const isRemovable = this.isRemovable(record);
      if (!isRemovable) this.unstored++;
      return isRemovable;
    };
  }

  override set(key: string, value: Readonly<Record<string, unknown>>, options?: EntryOptions): void {
    this.owner.assertWritable();
    const ttlMs = this.ttlOf(options) ?? this.kept.policy.ttlMs;
    this.draft.reset();
    draftEntry(this.draft, this.layout, value);
    const bytes = this.keys.set(key);
    this.write(bytes, this.existing()?.find(bytes) ?? 0, this.now + ttlMs);
  }

  override patch(key: string, fields: Readonly<Record<string, unknown>>, options?: EntryOptions): void {
    this.owner.assertWritable();
    const { heap } = this.owner.partition;
    let ttlMs = this.ttlOf(options);
    const bytes = this.keys.set(key);
    const record = this.existing()?.find(bytes) ?? 0;
    const isLive = record !== 0 && !this.kept.life.hasEnded(heap, record, this.now);
    if (isLive) this.draft.load(heap, record);
    else this.draft.reset();
    draftEntry(this.draft, this.layout, fields);
    const { deadline } = this.layout.shape;
    if (isLive && ttlMs === undefined && deadline !== undefined) {
      this.write(bytes, record, readF64(heap, record, deadline));
      return;
    }
    ttlMs ??= this.kept.policy.ttlMs;
    this.write(bytes, record, this.now + ttlMs);
  }

  override delete(key: string): boolean {
    this.owner.assertWritable();
    const bytes = this.keys.set(key);
    const map = this.existing();
    const record = map?.find(bytes) ?? 0;
    if (map === undefined || record === 0) return false;
    const isLive = !this.kept.life.hasEnded(map.heap, record, this.now);
    this.remove(map, bytes);
    return isLive;
  }

  override scan(cursor?: string, limit?: number): ReturnType<MapTurnFacade['scan']> {
    const { life } = this.kept;
    const nowMs = this.now;
    return scanEntries(
      this.existing(),
      this.layout,
      cursor,
      limit,
      (heap, record) => !life.hasEnded(heap, record, nowMs),
    );
  }

  /** The turn's time; between the steps of an asynchronous command, which may read, that of the thread. */
  private get now(): number {
    const { heap, keeping, lastNow } = this.owner.partition;
    return heap.open ? lastNow : keeping.now(lastNow);
  }

  private ttlOf(options: EntryOptions | undefined): number | undefined {
    return resolveEntryTtl(options, this.slot.name, this.kept.policy.timed);
  }

  /** Notes the access. */
  protected override live(found: number): number {
    const map = this.existing();
    const { keeping } = this.owner.partition;
    if (map === undefined || found === 0 || this.kept.life.hasEnded(map.heap, found, this.now)) {
      keeping.noteRead(false);
      return 0;
    }
    keeping.noteRead(true);
    map.touch(found, this.kept.life.stamps.accessed(map.stampOf(found), this.now));
    return found;
  }

  private write(key: KeyBytes, old: number, deadline: number): void {
    const { kept, layout, draft } = this;
    const { stamps } = kept.life;
    const { shape } = layout;
    const { heap, keeping } = this.owner.partition;
    const map = this.writable();
    const nowMs = this.now;
    const isLive = old !== 0 && !kept.life.hasEnded(heap, old, nowMs);
    draft.setStamp(isLive ? stamps.accessed(map.stampOf(old), nowMs) : stamps.fresh(nowMs));
    if (shape.deadline !== undefined) draft.setF64(shape.deadline, deadline);
    if (shape.version !== undefined) draft.setInt(shape.version, keeping.version);
    if (kept.policy.evict !== undefined) this.makeRoom(map, kept.policy.evict, key, old);
    if (shape.deadline === undefined) {
      this.recordPut(key, map.put(key, draft));
      return;
    }
    this.recordPut(key, putTimed(map, kept.life, keeping.ensureWheel(nowMs), key, draft, nowMs));
    keeping.onDue();
  }

  /** Evicts until the draft's record fits. Throws CapacityError when what would have to go may not. */
  private makeRoom(map: HotMap, { entriesMax, bytesMax, policy }: ResolvedEviction, key: KeyBytes, old: number): void {
    const newEntries = old === 0 ? 1 : 0;
    if (bytesMax === Number.POSITIVE_INFINITY && map.size + newEntries <= entriesMax) return;
    const own = map.bytesOf(this.draft, key.length);
    const newBytes = own - map.bytesReplaced(this.draft, old);
    const sizeMax = Math.max(entriesMax, map.size);
    const sumMax = Math.max(bytesMax, map.bytes);
    const { keeping } = this.owner.partition;
    this.replacing = old;
    if (own > bytesMax) this.refuse(map, `the entry takes ${own} bytes by itself`);
    for (let evicted = 0; map.size + newEntries > entriesMax || map.bytes + newBytes > bytesMax; evicted++) {
      const grows = map.size + newEntries > sizeMax || map.bytes + newBytes > sumMax;
      if (!grows && evicted >= SHRINK_MAX) return;
      if (evicted >= EVICTIONS_MAX) this.refuse(map, `a write evicts at most ${EVICTIONS_MAX} others`);
      const pool = this.pool as EvictionPool;
      this.unstored = 0;
      const victim = pool.victim(map, this.now, this.mayGo);
      if (victim === 0) {
        if (!grows) return;
        if (this.unstored === 0) this.refuse(map, `there is nothing left to evict, and the entry takes ${own} bytes`);
        this.refuse(map, `none of the ${this.unstored} looked at may be evicted before it is durable`);
      }
      const expired = this.kept.life.hasEnded(map.heap, victim, this.now);
      const { heap } = map;
      const length = map.keyByteLength(victim);
      this.remove(map, { bytes: heap.u8, offset: map.keyOffset(victim), length, hash: map.hashOf(victim) });
      keeping.noteRemoved(expired ? 'expired' : policy);
    }
  }

  /** What has ended is deleted behind its write anyhow, wherever that is by then. */
  private isRemovable(record: number): boolean {
    const { heap, keeping } = this.owner.partition;
    return (
      !keeping.isDirty(record, this.layout.shape.version as RecordField) ||
      this.kept.life.hasEnded(heap, record, this.now)
    );
  }

  private remove(map: HotMap, key: KeyBytes): void {
    if (this.layout.shape.nodeAt === 0) map.delete(key);
    else deleteTimed(map, key);
    const { changes } = this.owner.partition;
    if (changes.enabled) changes.delete(this.owner.prefix, this.slot.tag, key);
  }

  private refuse(map: HotMap, why: string): never {
    const { entriesMax, bytesMax } = this.kept.policy.evict as ResolvedEviction;
    const limits = [
      ...(entriesMax === Number.POSITIVE_INFINITY ? [] : [`${map.size} of at most ${entriesMax} entries`]),
      ...(bytesMax === Number.POSITIVE_INFINITY ? [] : [`${map.bytes} of at most ${bytesMax} bytes`]),
    ];
    throw new CapacityError(`the map ${this.slot.name} of ${this.owner.name} holds ${limits.join(', ')}: ${why}`);
  }
}
