/**
 * Answers what rows a partition has between two turns, and mends them. Partition thread only, between turns. What is changed in
 * memory is changed in a turn of its own with a change set, so that readers see it whole and the store gets it too.
 */
import {
  damageMet,
  type Heap,
  HotMap,
  HotRanking,
  type KeyBytes,
  KeyScratch,
  mayBeRanking,
  type MendedMember,
  mendTimed,
  PackReader,
  RankingMend,
  RecordDraft,
  deleteTimed,
  isGridError,
} from '@spacegrid/core';
import type { RankingField } from '../define/state-fields.ts';
import type { Partition } from '../runtime/partition.ts';
import { readRowDeadline } from '../state/entry-row.ts';
import { createMap } from '../state/map-owner.ts';
import { retireStructure } from '../state/retire-structure.ts';
import { parseRowKey, type ParsedRowKey } from '../state/row-keys.ts';
import { draftFromRow } from '../state/scalar-values.ts';
import type { ShapeTable } from '../state/shape-table.ts';
import type { EntryLayout, StateLayout, StructureSlot } from '../state/state-layout.ts';
import type { JudgedRows, MendedRows, MendOrder, RowMending, RowQuestion } from './judged-rows.ts';
import { damageOfRanking, type MemoryRow, MemoryRows, SYSTEM_TABLES } from './memory-rows.ts';

/** A ranking with what is to be of some of its members. */
interface RankingOrders {
  readonly header: number;
  readonly members: MendedMember[];
}

/** Told of an actor whose rows were mended, in memory or by writing them again. */
export type OnMended = (partition: Partition, layout: StateLayout, key: string) => void;

export class PartitionMend {
  private readonly partition: Partition;
  private readonly heap: Heap;
  private readonly rows: MemoryRows;
  private readonly shapes: ShapeTable;
  private readonly hashSeed: number;
  private readonly nowMs: () => number;
  private readonly onMended: OnMended;
  private readonly actorKey: KeyScratch;
  private readonly entryKey: KeyScratch;

  constructor(partition: Partition, shapes: ShapeTable, hashSeed: number, nowMs: () => number, onMended: OnMended) {
    this.partition = partition;
    this.heap = partition.heap;
    this.rows = new MemoryRows(partition.heap, partition.layouts, hashSeed, partition.shapeNumbers);
    this.shapes = shapes;
    this.hashSeed = hashSeed;
    this.nowMs = nowMs;
    this.onMended = onMended;
    this.actorKey = new KeyScratch(hashSeed);
    this.entryKey = new KeyScratch(hashSeed);
  }

  judge({ keys }: RowQuestion): JudgedRows {
    return {
      sequence: this.heap.committed,
      clears: this.partition.changes.clears,
      rows: keys.map((key) => this.rows.read(key)),
    };
  }

  mend({ orders, structures }: RowMending): MendedRows {
    const isDone = orders.map((order) => this.isAsExpected(order));
    const due = orders.filter((_, index) => isDone[index]);
    // An actor's own record comes before what it refers to.
    const ofActors = due.filter(({ key }) => parseRowKey(key, 0, key.length)?.fieldName === undefined);
    const failed = new Set<MendOrder>();
    this.turn(ofActors, [], failed);
    const ofEntries = due.filter((order) => !ofActors.includes(order));
    this.turn(ofEntries, structures, failed);
    this.partition.keeping.onDue();
    this.tell([...due.map(({ key }) => key), ...structures]);
    return {
      sequence: this.heap.committed,
      orders: orders.map((order, index) => isDone[index] === true && !failed.has(order)),
      structures: structures.map((key) => this.damageOfStructure(key) === undefined),
    };
  }

  private isAsExpected({ key, expected, clears }: MendOrder): boolean {
    if (expected.state === 'absent' && this.partition.changes.wasCleared(key, clears)) return false;
    const row = this.rows.read(key);
    return row.state === expected.state && (row.state !== 'whole' || sameBytes(row, expected));
  }

  private turn(orders: readonly MendOrder[], structures: readonly Uint8Array[], failed: Set<MendOrder>): void {
    if (orders.length === 0 && structures.length === 0) return;
    const { partition } = this;
    try {
      const mends = this.prepare(orders, structures);
      const isCommitted =
        mends !== undefined &&
        partition.internalTurn(() => {
          for (const mend of mends) mend.publish();
          for (const order of orders) {
            if (order.side === 'memory' && !this.change(order)) failed.add(order);
            else this.record(order.key);
          }
        });
      if (!isCommitted) for (const order of orders) failed.add(order);
    } catch (error) {
      if (!isGridError(error, 'CHANGE_SET_TOO_LARGE') || orders.length < 2) throw error;
      // Each row was once written by a turn, so each fits one. Bound: halves.
      const middle = orders.length >> 1;
      for (const order of orders) failed.delete(order);
      this.turn(orders.slice(0, middle), structures, failed);
      this.turn(orders.slice(middle), [], failed);
    } finally {
      partition.generation++;
    }
  }

  /** Builds rankings beside those that are to be mended, in brackets. Undefined when there is no room. */
  private prepare(orders: readonly MendOrder[], structures: readonly Uint8Array[]): RankingMend[] | undefined {
    const { heap } = this;
    try {
      return this.rankingsOf(orders, structures).map(({ header, members }) => {
        const mend = new RankingMend(heap, header, this.hashSeed);
        mend.prepare(
          members,
          () => heap.begin(),
          () => heap.endMaintenance(),
        );
        return mend;
      });
    } catch (error) {
      if (heap.open) heap.rollback();
      if (!isGridError(error, 'CAPACITY')) throw error;
      return undefined;
    }
  }

  /** Tells once of each actor that these rows belong to. */
  private tell(keys: readonly Uint8Array[]): void {
    const told = new Set<string>();
    for (const key of keys) {
      const parsed = parseRowKey(key, 0, key.length);
      const layout = this.rows.layoutOf(parsed?.typeName);
      if (parsed === undefined || layout === undefined) continue;
      const actor = Buffer.from(key.buffer, key.byteOffset + parsed.keyStart, parsed.keyEnd - parsed.keyStart);
      const text = actor.toString('utf8');
      const name = `${layout.type.index}/${text}`;
      if (told.has(name)) continue;
      told.add(name);
      this.onMended(this.partition, layout, text);
    }
  }

  /** Puts the row as memory has it now in the change set. */
  private record(key: Uint8Array): void {
    const { changes } = this.partition;
    const { state, value } = this.rows.read(key);
    if (state === 'whole' && value !== undefined) {
      changes.put(key, undefined, undefined, value.length);
      changes.writer.raw(value, 0, value.length);
    } else if (state === 'absent') changes.delete(key, undefined, undefined);
  }

  /** In a turn. False when it can't be done. */
  private change({ key, value, expected }: MendOrder): boolean {
    const parsed = parseRowKey(key, 0, key.length) as ParsedRowKey;
    const layout = this.rows.layoutOf(parsed.typeName);
    if (layout === undefined) return this.changeSystem(parsed, key, value);
    const actor = this.actorKey.pointAndHash(key, parsed.keyStart, parsed.keyEnd - parsed.keyStart);
    if (parsed.fieldName === undefined) return this.changeFields(layout, actor, value, expected);
    const slot = layout.structureByName.get(parsed.fieldName) as StructureSlot;
    const header = this.header(layout, slot, actor, true);
    if (header === 0) return false;
    // Members are mended with their ranking, except in one that was made just now.
    if (slot.entry === undefined) return this.rows.read(key).state === (value === undefined ? 'absent' : 'whole');
    const entry = this.entryKey.pointAndHash(key, parsed.entryStart, key.length - parsed.entryStart);
    return this.changeEntry(layout, slot, slot.entry, header, entry, value);
  }

  private changeFields(
    layout: StateLayout,
    actor: KeyBytes,
    value: Uint8Array | undefined,
    expected: MemoryRow,
  ): boolean {
    const table = this.partition.ensureTable(layout.type.index);
    if (value === undefined) {
      const record = table.find(actor);
      if (record === 0) return true;
      for (const slot of layout.structures) {
        const header = this.rows.header(record, slot);
        if (header !== 0) retireStructure(this.heap, slot, header);
      }
      return table.delete(actor);
    }
    const draft = this.partition.draft(layout.type.index);
    draft.reset();
    const row = new PackReader(value);
    const migration = this.shapes.migration(this.partition, layout, row.varint());
    if (migration.isCurrent) draftFromRow(draft, row, layout.scalars);
    else migration.state(row, draft, actor.bytes.slice(actor.offset, actor.offset + actor.length));
    table.mend(actor, draft, (old) => {
      // One byte changed: where the fields read otherwise than they are stored, the references are right.
      const isReference = expected.value !== undefined && Buffer.compare(expected.value, value) === 0;
      for (const slot of layout.structures) {
        const header = isReference ? this.rows.recoverHeader(table, old, slot) : this.rows.header(old, slot);
        draft.setInt(slot.record, header);
      }
    });
    return true;
  }

  private changeEntry(
    layout: StateLayout,
    { name }: StructureSlot,
    { shape, scalars, kept }: EntryLayout,
    header: number,
    entry: KeyBytes,
    value: Uint8Array | undefined,
  ): boolean {
    const map = new HotMap(this.heap, header, shape, this.hashSeed);
    if (value === undefined) return shape.nodeAt === 0 ? map.delete(entry) : deleteTimed(map, entry);
    const draft = new RecordDraft(shape);
    const row = new PackReader(value);
    const migration = this.shapes.migration(this.partition, layout, row.varint());
    if (migration.isCurrent) draftFromRow(draft, row, scalars);
    else migration.entry(name, row, draft, entry.bytes.slice(entry.offset, entry.offset + entry.length), scalars);
    if (kept === undefined) {
      map.mend(entry, draft);
      return true;
    }
    const nowMs = this.partition.now(this.nowMs());
    draft.setStamp(kept.life.stamps.fresh(nowMs));
    if (shape.deadline === undefined) {
      map.mend(entry, draft);
      return true;
    }
    draft.setF64(shape.deadline, readRowDeadline(row) ?? nowMs + kept.policy.ttlMs);
    mendTimed(map, kept.life, this.partition.keeping.ensureWheel(nowMs), entry, draft, nowMs);
    return true;
  }

  private changeSystem({ system, keyStart }: ParsedRowKey, key: Uint8Array, value: Uint8Array | undefined): boolean {
    const table = SYSTEM_TABLES.find((known) => known.system === system);
    const map = table === undefined ? undefined : this.rows.systemTable(table);
    if (table === undefined || map === undefined) return false;
    const own = this.entryKey.pointAndHash(key, keyStart, key.length - keyStart);
    if (value === undefined) return map.delete(own);
    const draft = new RecordDraft(table.shape);
    table.draft(draft, new PackReader(value));
    map.mend(own, draft);
    return true;
  }

  private rankingsOf(orders: readonly MendOrder[], structures: readonly Uint8Array[]): RankingOrders[] {
    const rankings = new Map<number, RankingOrders>();
    const of = (key: Uint8Array): RankingOrders | undefined => {
      const header = this.rankingAt(key);
      if (header === 0) return undefined;
      const known = rankings.get(header) ?? { header, members: [] };
      rankings.set(header, known);
      return known;
    };
    for (const { key, side, value } of orders) {
      if (side === 'store') continue;
      const row = value === undefined ? undefined : new PackReader(value);
      const parsed = parseRowKey(key, 0, key.length) as ParsedRowKey;
      of(key)?.members.push({
        member: key.slice(parsed.entryStart),
        standing: row === undefined ? undefined : { score: row.f64(), arrival: row.f64() },
      });
    }
    for (const key of structures) of(key);
    return [...rankings.values()];
  }

  /** Header of the ranking that a row belongs to; made when its actor is there. 0 for none. */
  private rankingAt(key: Uint8Array): number {
    const parsed = parseRowKey(key, 0, key.length);
    const layout = this.rows.layoutOf(parsed?.typeName);
    if (parsed === undefined || layout === undefined || parsed.fieldName === undefined) return 0;
    const slot = layout.structureByName.get(parsed.fieldName);
    if (slot === undefined || slot.entry !== undefined) return 0;
    const actor = this.actorKey.pointAndHash(key, parsed.keyStart, parsed.keyEnd - parsed.keyStart);
    this.heap.begin();
    const header = this.header(layout, slot, actor, true);
    this.heap.endMaintenance();
    return header !== 0 && mayBeRanking(this.heap, header) ? header : 0;
  }

  /** Header of an actor's structure; made when `create` and its actor is there. In a bracket. */
  private header(layout: StateLayout, slot: StructureSlot, actor: KeyBytes, create: boolean): number {
    const { heap, partition } = this;
    const table = partition.table(layout.type.index);
    const record = table?.find(actor) ?? 0;
    if (table === undefined || record === 0 || this.rows.isStub(layout, record)) return 0;
    const known = this.rows.header(record, slot);
    if (known !== 0 || !create) return known;
    const field = slot.field as RankingField;
    const header =
      slot.entry === undefined
        ? HotRanking.create(heap, { order: field.order, ties: field.ties })
        : createMap(heap, layout, slot, actor);
    const draft = partition.draft(layout.type.index);
    draft.load(heap, record);
    draft.setInt(slot.record, header);
    table.put(actor, draft);
    return header;
  }

  private damageOfStructure(key: Uint8Array): string | undefined {
    const parsed = parseRowKey(key, 0, key.length);
    const layout = this.rows.layoutOf(parsed?.typeName);
    const slot = layout?.structureByName.get(parsed?.fieldName ?? '');
    if (parsed === undefined || layout === undefined || slot === undefined) return undefined;
    const actor = this.actorKey.pointAndHash(key, parsed.keyStart, parsed.keyEnd - parsed.keyStart);
    const table = this.partition.table(layout.type.index);
    const record = table?.find(actor) ?? 0;
    const header = record === 0 ? 0 : this.rows.header(record, slot);
    if (header === 0) return undefined;
    if (slot.entry === undefined) return damageOfRanking(this.heap, header, this.hashSeed);
    const { shape } = slot.entry;
    return damageMet(() => {
      const map = new HotMap(this.heap, header, shape, this.hashSeed);
      for (const _ of map.entries());
      return undefined;
    });
  }
}

function sameBytes(one: MemoryRow, other: MemoryRow): boolean {
  return Buffer.compare(one.value as Uint8Array, other.value as Uint8Array) === 0;
}
