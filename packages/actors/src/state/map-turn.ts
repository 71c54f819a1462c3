/** A map as a command sees it. Made when first written; every change is recorded as a row. */
import { HotMap, type KeyBytes, type KeyScratch, RecordDraft } from '@spacegrid/core';
import { draftEntry, readEntry } from './entry-values.ts';
import { scanEntries } from './map-scan.ts';
import { readScalar, rowScalarBytesMax, writeRowScalars } from './scalar-values.ts';
import type { EntryLayout, StructureSlot } from './state-layout.ts';
import type { StateOwner } from './state-owner.ts';

const SHAPE_NUMBER_BYTES_MAX = 5;

export class MapTurnFacade {
  private readonly owner: StateOwner;
  private readonly slot: StructureSlot;
  private readonly layout: EntryLayout;
  private readonly keys: KeyScratch;
  private readonly draft: RecordDraft;
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

  set(key: string, value: Readonly<Record<string, unknown>>): void {
    this.owner.assertWritable();
    this.draft.reset();
    draftEntry(this.draft, this.layout, value);
    this.put(this.keys.set(key));
  }

  patch(key: string, fields: Readonly<Record<string, unknown>>): void {
    this.owner.assertWritable();
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
    return (this.existing()?.find(this.keys.set(key)) ?? 0) !== 0;
  }

  get(key: string): Readonly<Record<string, unknown>> | undefined {
    const record = this.existing()?.find(this.keys.set(key)) ?? 0;
    return record === 0 ? undefined : readEntry(this.owner.partition.heap, record, this.layout);
  }

  field(key: string, name: string): unknown {
    const slot = this.layout.byName.get(name);
    const record = this.existing()?.find(this.keys.set(key)) ?? 0;
    return record === 0 || slot === undefined ? undefined : readScalar(this.owner.partition.heap, record, slot);
  }

  scan(
    cursor?: string,
    limit?: number,
  ): { entries: [string, Readonly<Record<string, unknown>>][]; cursor: string | undefined } {
    return scanEntries(this.existing(), this.layout, cursor, limit);
  }

  private put(key: KeyBytes): void {
    const { partition, prefix } = this.owner;
    const record = this.writable().put(key, this.draft);
    const { changes, heap } = partition;
    if (!changes.enabled) return;
    const row = partition.rowWriter(SHAPE_NUMBER_BYTES_MAX + rowScalarBytesMax(heap, record, this.layout.scalars));
    row.varint(this.owner.shapeNumber);
    writeRowScalars(row, heap, record, this.layout.scalars);
    changes.put(prefix, this.slot.tag, key, row.at);
    changes.writer.raw(row.bytes, 0, row.at);
  }

  private existing(): HotMap | undefined {
    const header = this.owner.header(this.slot);
    if (header === 0) return undefined;
    if (this.map === undefined || this.map.header !== header) {
      this.map = new HotMap(this.owner.partition.heap, header, this.layout.shape, this.keys.seed);
    }
    return this.map;
  }

  private writable(): HotMap {
    const map = this.existing();
    if (map !== undefined) return map;
    this.owner.setHeader(this.slot, HotMap.create(this.owner.partition.heap));
    return this.existing() as HotMap;
  }
}
