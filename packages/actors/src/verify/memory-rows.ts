/**
 * A partition's memory as rows: the keys and values that its change sets would hold of it, and what is wrong with the memory by
 * itself. Any thread under a pin, or the partition's own between turns.
 */
import {
  damageMet,
  damageOfRecord,
  type Heap,
  HotMap,
  KeyScratch,
  mayBeMap,
  mayBeRanking,
  PackWriter,
  RankingCheck,
  readBool,
  readU32,
  recoverReference,
  StaleReadError,
  TolerantScan,
} from '@spacegrid/core';
import { ONCE_ROWS } from '../runtime/once-table.ts';
import { OUTGOING_ROWS } from '../runtime/outgoing.ts';
import { REMINDER_ROWS } from '../runtime/reminders.ts';
import { entryRowBytesMax, writeEntryRow } from '../state/entry-row.ts';
import { parseRowKey, type ParsedRowKey, ROW_FIELDS } from '../state/row-keys.ts';
import { rowScalarBytesMax, writeRowScalars } from '../state/scalar-values.ts';
import { SHAPE_ROWS } from '../state/shape-table.ts';
import { type EntryLayout, FIRST_TYPE_ROOT, type StateLayout, type StructureSlot } from '../state/state-layout.ts';
import type { SystemTable } from '../state/system-table.ts';

export const SYSTEM_TABLES: readonly SystemTable[] = [REMINDER_ROWS, ONCE_ROWS, OUTGOING_ROWS, SHAPE_ROWS];

/**
 * One row as memory has it. `elsewhere`: its actor is unloaded, or the row is of no kind that memory holds, so that the store
 * alone can say.
 */
export interface MemoryRow {
  readonly state: 'absent' | 'damaged' | 'elsewhere' | 'whole';
  /** Of a damaged row: as it reads. */
  readonly value?: Uint8Array;
  /** What is wrong, in a sentence. */
  readonly damage?: string;
}

const SCANNED = 256;
/** Of a map, with its owner. */
const HEADER_WORDS = 4;

const ABSENT: MemoryRow = { state: 'absent' };
const ELSEWHERE: MemoryRow = { state: 'elsewhere' };

export class MemoryRows {
  readonly heap: Heap;
  readonly layouts: readonly StateLayout[];
  readonly hashSeed: number;
  private readonly byName: ReadonlyMap<string, StateLayout>;
  private readonly shapeNumbers: readonly number[];
  private readonly actorKey: KeyScratch;
  private readonly entryKey: KeyScratch;
  private readonly writer: PackWriter;

  /** @param shapeNumbers by actor type: the number that rows written now begin with. */
  constructor(heap: Heap, layouts: readonly StateLayout[], hashSeed: number, shapeNumbers: readonly number[]) {
    this.heap = heap;
    this.layouts = layouts;
    this.hashSeed = hashSeed;
    this.shapeNumbers = shapeNumbers;
    this.byName = new Map(layouts.map((layout) => [layout.type.name, layout]));
    this.actorKey = new KeyScratch(hashSeed);
    this.entryKey = new KeyScratch(hashSeed);
    this.writer = PackWriter.growing(1024, 64 * 1024 * 1024);
  }

  layoutOf(typeName: string | undefined): StateLayout | undefined {
    return typeName === undefined ? undefined : this.byName.get(typeName);
  }

  /** The number that rows of an actor type begin with when they are written now. */
  shapeNumber(layout: StateLayout): number {
    return this.shapeNumbers[layout.type.index] as number;
  }

  /** The actors of a type; undefined while there never was one. */
  table(layout: StateLayout): HotMap | undefined {
    return this.mapAt(this.heap.load(this.heap.root(FIRST_TYPE_ROOT + layout.type.index)), layout.shape);
  }

  systemTable({ root, shape }: SystemTable): HotMap | undefined {
    return this.mapAt(this.heap.load(this.heap.root(root)), shape);
  }

  map(header: number, entry: EntryLayout): HotMap {
    return this.mapAt(header, entry.shape) as HotMap;
  }

  isStub(layout: StateLayout, record: number): boolean {
    return layout.unloaded !== undefined && readBool(this.heap, record, layout.unloaded);
  }

  /** Header of an actor's structure; 0 while it was never written. */
  header(record: number, slot: StructureSlot): number {
    return readU32(this.heap, record, slot.record);
  }

  /**
   * The same of a record that is damaged, none of whose own fields is; 0 when it can't be told. A reference that another actor has
   * as well is the damaged one, though it leads to a structure.
   */
  recoverHeader(table: HotMap, record: number, slot: StructureSlot): number {
    const { heap } = this;
    const isIts = (ref: number): boolean =>
      (slot.entry === undefined ? mayBeRanking(heap, ref) : mayBeMap(heap, ref)) &&
      !this.isOfAnother(table, record, slot, ref);
    return recoverReference(heap, record, table.shape, slot.record.at, isIts);
  }

  private isOfAnother(table: HotMap, record: number, slot: StructureSlot, header: number): boolean {
    const scan = new TolerantScan(SCANNED);
    let cursor = 0;
    do {
      cursor = table.scan(scan, cursor);
      for (let index = 0; index < scan.count; index++) {
        const other = scan.refs[index] as number;
        if (other !== record && this.header(other, slot) === header) return true;
      }
    } while (cursor !== 0);
    return false;
  }

  // ---- values: views, until the next one ----

  fieldsRow(layout: StateLayout, record: number): Uint8Array {
    const row = this.row(6 + rowScalarBytesMax(this.heap, record, layout.scalars) + 8);
    row.varint(this.shapeNumber(layout));
    writeRowScalars(row, this.heap, record, layout.scalars);
    return row.written();
  }

  entryRow(layout: StateLayout, entry: EntryLayout, record: number): Uint8Array {
    const row = this.row(entryRowBytesMax(this.heap, record, entry));
    writeEntryRow(row, this.shapeNumber(layout), this.heap, record, entry);
    return row.written();
  }

  memberRow(check: RankingCheck, record: number): Uint8Array {
    const row = this.row(16);
    row.f64(check.scoreOf(record));
    row.f64(check.arrivalOf(record));
    return row.written();
  }

  systemRow(table: SystemTable, record: number): Uint8Array {
    const row = this.row(64);
    table.write(row, this.heap, record);
    return row.written();
  }

  /** The row with this key. The value is a copy. */
  read(key: Uint8Array): MemoryRow {
    const parsed = parseRowKey(key, 0, key.length);
    if (parsed === undefined) return ELSEWHERE;
    try {
      return parsed.typeName === undefined ? this.readSystem(parsed, key) : this.readActor(parsed, key);
    } catch (error) {
      if (error instanceof StaleReadError) return { state: 'damaged', damage: 'what leads to it can’t be read' };
      throw error;
    }
  }

  private readSystem({ system, keyStart }: ParsedRowKey, key: Uint8Array): MemoryRow {
    const table = SYSTEM_TABLES.find((known) => known.system === system);
    if (table === undefined) return ELSEWHERE;
    const map = this.systemTable(table);
    return map === undefined
      ? ABSENT
      : this.readRecord(map, this.entryKey.pointAndHash(key, keyStart, key.length - keyStart), (record) =>
          this.systemRow(table, record),
        );
  }

  private readActor(parsed: ParsedRowKey, key: Uint8Array): MemoryRow {
    const layout = this.layoutOf(parsed.typeName);
    if (layout === undefined) return ELSEWHERE;
    const table = this.table(layout);
    if (table === undefined) return ABSENT;
    const actor = this.actorKey.pointAndHash(key, parsed.keyStart, parsed.keyEnd - parsed.keyStart);
    const record = table.find(actor);
    if (record !== 0 && this.isStub(layout, record)) return ELSEWHERE;
    if (parsed.fieldName === undefined) {
      if (key[parsed.keyEnd] !== ROW_FIELDS) return ELSEWHERE;
      return this.readRecord(table, actor, (found) => this.fieldsRow(layout, found));
    }
    const slot = layout.structureByName.get(parsed.fieldName);
    if (slot === undefined) return ELSEWHERE;
    const header = record === 0 ? 0 : this.header(record, slot);
    if (header === 0) return ABSENT;
    const entry = this.entryKey.pointAndHash(key, parsed.entryStart, key.length - parsed.entryStart);
    if (slot.entry !== undefined) {
      const entryLayout = slot.entry;
      return this.readRecord(this.map(header, entryLayout), entry, (found) =>
        this.entryRow(layout, entryLayout, found),
      );
    }
    const check = new RankingCheck(this.heap, header, this.hashSeed);
    const member = check.find(entry);
    if (member === 0) return ABSENT;
    const damage = check.damageOf(member);
    const value = this.memberRow(check, member).slice();
    return damage === undefined ? { state: 'whole', value } : { state: 'damaged', damage, value };
  }

  private readRecord(map: HotMap, key: KeyScratch, valueOf: (record: number) => Uint8Array): MemoryRow {
    const record = map.find(key);
    if (record === 0) return ABSENT;
    const damage = damageOfRecord(this.heap, record, map.shape, this.hashSeed);
    if (damage === undefined) return { state: 'whole', value: valueOf(record).slice() };
    let value: Uint8Array | undefined;
    damageMet(() => {
      value = valueOf(record).slice();
      return undefined;
    });
    return { state: 'damaged', damage, ...(value === undefined ? {} : { value }) };
  }

  private mapAt(header: number, shape: HotMap['shape']): HotMap | undefined {
    if (header === 0) return undefined;
    // The heap may have grown since this thread made its views.
    this.heap.cover(header + HEADER_WORDS);
    if (header < 0 || header + HEADER_WORDS >= this.heap.i32.length) throw new StaleReadError();
    return new HotMap(this.heap, header, shape, this.hashSeed);
  }

  private row(bytes: number): PackWriter {
    this.writer.at = 0;
    this.writer.room(bytes);
    return this.writer;
  }
}

/** What is wrong with the blocks of a ranking, wherever in it; undefined when nothing is. Visits all of it. */
export function damageOfRanking(heap: Heap, header: number, hashSeed: number): string | undefined {
  return damageMet(() => {
    const check = new RankingCheck(heap, header, hashSeed);
    const cursor = { position: 0, lastKey: 0, root: 0 };
    let found: string | undefined;
    const note = (damage: string | undefined): void => {
      found ??= damage;
    };
    while (check.step(cursor, 1000, (_record, damage) => note(damage), note) && found === undefined);
    return found;
  });
}
