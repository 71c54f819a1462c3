/** A map as a command sees it. Made when first written; every change is recorded as a row. */
import { HotMap, InvalidArgumentError, type KeyBytes, type KeyScratch, RecordDraft, readField } from '@spacegrid/core';
import type { EntryOptions } from '../define/map-policy.ts';
import { entryRowBytesMax, writeEntryRow } from './entry-row.ts';
import { draftEntry, readEntry } from './entry-values.ts';
import { createMap } from './map-owner.ts';
import { scanEntries } from './map-scan.ts';
import { readMany } from './read-many.ts';
import type { EntryLayout, ScalarSlot, StructureSlot } from './state-layout.ts';
import type { StateOwner } from './state-owner.ts';

export class MapTurnFacade {
  protected readonly owner: StateOwner;
  protected readonly slot: StructureSlot;
  protected readonly layout: EntryLayout;
  protected readonly keys: KeyScratch;
  protected readonly draft: RecordDraft;
  private map: HotMap | undefined;

  constructor(owner: StateOwner, slot: StructureSlot) {
    this.owner = owner;
    this.slot = slot;
    this.layout = slot.entry as EntryLayout;
    this.keys = owner.partition.scratch;
    this.draft = new RecordDraft(this.layout.shape);
    this.map = undefined;
  }

  get size(): number {
    return this.existing()?.size ?? 0;
  }

  set(key: string, value: Readonly<Record<string, unknown>>, options?: EntryOptions): void {
    this.owner.assertWritable();
    if (options !== undefined) this.refuseOptions();
    this.draft.reset();
    draftEntry(this.draft, this.layout, value);
    this.put(this.keys.set(key));
  }

  patch(key: string, fields: Readonly<Record<string, unknown>>, options?: EntryOptions): void {
    this.owner.assertWritable();
    if (options !== undefined) this.refuseOptions();
    const bytes = this.keys.set(key);
    const record = this.existing()?.find(bytes) ?? 0;
    if (record === 0) this.draft.reset();
    else this.draft.load(this.owner.partition.heap, record);
    draftEntry(this.draft, this.layout, fields);
    this.put(bytes);
  }

  delete(key: string): boolean {
    this.owner.assertWritable();
    const bytes = this.keys.set(key);
    if (this.existing()?.delete(bytes) !== true) return false;
    const { changes } = this.owner.partition;
    if (changes.enabled) changes.delete(this.owner.prefix, this.slot.tag, bytes);
    return true;
  }

  clear(): void {
    this.owner.assertWritable();
    const map = this.existing();
    if (map === undefined) return;
    map.clear();
    const { changes } = this.owner.partition;
    if (changes.enabled) changes.clear(this.owner.prefix, this.slot.tag);
  }

  has(key: string): boolean {
    return this.record(key) !== 0;
  }

  get(key: string): Readonly<Record<string, unknown>> | undefined {
    return this.entry(this.record(key));
  }

  getMany(keys: readonly string[]): (Readonly<Record<string, unknown>> | undefined)[] {
    return readMany(this.existing(), keys, this.keys, (found) => this.entry(this.live(found)));
  }

  field(key: string, name: string): unknown {
    return this.fieldOf(this.record(key), this.layout.byName.get(name));
  }

  fieldMany(keys: readonly string[], name: string): unknown[] {
    const slot = this.layout.byName.get(name);
    return readMany(this.existing(), keys, this.keys, (found) => this.fieldOf(this.live(found), slot));
  }

  scan(
    cursor?: string,
    limit?: number,
  ): { entries: [string, Readonly<Record<string, unknown>>][]; cursor: string | undefined } {
    return scanEntries(this.existing(), this.layout, cursor, limit);
  }

  private record(key: string): number {
    return this.live(this.existing()?.find(this.keys.set(key)) ?? 0);
  }

  /** The record that was found, unless it counts as absent: then 0. */
  protected live(record: number): number {
    return record;
  }

  private entry(record: number): Readonly<Record<string, unknown>> | undefined {
    return record === 0 ? undefined : readEntry(this.owner.partition.heap, record, this.layout);
  }

  private fieldOf(record: number, slot: ScalarSlot | undefined): unknown {
    return record === 0 || slot === undefined ? undefined : readField(this.owner.partition.heap, record, slot.record);
  }

  private put(key: KeyBytes): void {
    this.recordPut(key, this.writable().put(key, this.draft));
  }

  /** Records that the key has this record now. */
  protected recordPut(key: KeyBytes, record: number): void {
    const { changes, heap } = this.owner.partition;
    if (!changes.enabled) return;
    const row = this.owner.partition.rowWriter(entryRowBytesMax(heap, record, this.layout));
    writeEntryRow(row, this.owner.shapeNumber, heap, record, this.layout);
    changes.put(this.owner.prefix, this.slot.tag, key, row.at);
    changes.writer.raw(row.bytes, 0, row.at);
  }

  protected existing(): HotMap | undefined {
    const header = this.owner.header(this.slot);
    if (header === 0) return undefined;
    if (this.map === undefined || this.map.header !== header) {
      this.map = new HotMap(this.owner.partition.heap, header, this.layout.shape, this.keys.seed);
    }
    return this.map;
  }

  protected writable(): HotMap {
    const map = this.existing();
    if (map !== undefined) return map;
    const { owner, slot } = this;
    owner.setHeader(slot, createMap(owner.partition.heap, owner.layout, slot, owner.keyBytes));
    return this.existing() as HotMap;
  }

  private refuseOptions(): never {
    throw new InvalidArgumentError(
      `an entry of ${this.slot.name} is given options, which its map does not provide for: define it with map({ … }, { ttl: 'never' })`,
    );
  }
}
