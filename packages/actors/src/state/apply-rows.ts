/**
 * Applies row operations to a partition's structures: what recovery does with folded rows and the journal's tail, and what a
 * backup will do with its owner's change sets. In maintenance brackets: they take no sequence of their own.
 *
 * A start keeps of an actor whose type unloads only that it exists (stubs.ts). When such an actor is loaded, its rows come here
 * too, and go to a home of their own until they are whole.
 */
import {
  type ChangeCursor,
  type Clock,
  deleteTimed,
  forEachChange,
  HotMap,
  HotRanking,
  type KeyBytes,
  KeyScratch,
  PackReader,
  putTimed,
  RecordDraft,
  SchemaVersionError,
  readU32,
} from '@spacegrid/core';
import type { RankingField } from '../define/state-fields.ts';
import type { OnceTable } from '../runtime/once-table.ts';
import type { Outgoing } from '../runtime/outgoing.ts';
import type { Partition } from '../runtime/partition.ts';
import type { Reminders } from '../runtime/reminders.ts';
import { readRowDeadline } from './entry-row.ts';
import { createMap } from './map-owner.ts';
import {
  parseRowKey,
  type ParsedRowKey,
  SYSTEM_ONCE,
  SYSTEM_OUTGOING,
  SYSTEM_REMINDER,
  SYSTEM_SHAPE,
} from './row-keys.ts';
import { RankingRun } from './ranking-run.ts';
import type { RowMigration } from './row-migration.ts';
import type { ShapeTable } from './shape-table.ts';
import { putStub, removeStub } from './stubs.ts';
import { retireStructure } from './retire-structure.ts';
import { draftFromRow } from './scalar-values.ts';
import type { EntryLayout, KeptEntries, StateLayout, StructureSlot } from './state-layout.ts';

const PUT = 1;
const CLEAR = 3;
/** Operations in one bracket: bounds the rollback journal and how long the thread is kept. */
const BRACKET_OPS = 256;
/** Steps that reclaim what a bracket freed; fewer where a running grid goes on beside it. */
const RECLAIM_STEPS_MAX = 64;
const RECLAIM_STEPS_BESIDE = 4;
/** Operations between two looks at the time. */
const LOOK_OPS = 16;

/** Where the records of actors are put: a partition, or a place where one actor waits until it is whole. */
export interface ActorHome {
  table(type: number): HotMap | undefined;
  /** The same, made when needed. In a bracket. */
  ensureTable(type: number): HotMap;
}

export class RowApplier {
  private readonly partition: Partition;
  private readonly reminders: Reminders;
  private readonly once: OnceTable;
  private readonly outgoing: Outgoing;
  private readonly shapes: ShapeTable;
  /** By actor type and shape number. */
  private readonly migrations: RowMigration[][];
  private readonly dropped = new Map<string, Uint8Array>();
  private readonly byName: ReadonlyMap<string, StateLayout>;
  private readonly actorKey: KeyScratch;
  private readonly entryKey: KeyScratch;
  private readonly reader: PackReader;
  private readonly entryDrafts = new Map<StructureSlot, RecordDraft>();
  private readonly run: RankingRun;
  private readonly clock: Clock;
  private readonly home: ActorHome;
  /** All state is applied, and others go on in between; else that of unloading types is left in the store. */
  private readonly loadsActors: boolean;
  private ops: number;

  /** @param home of an actor that is loaded while the grid runs; without one, rows are those of a start. */
  constructor(
    partition: Partition,
    reminders: Reminders,
    once: OnceTable,
    outgoing: Outgoing,
    shapes: ShapeTable,
    hashSeed: number,
    clock: Clock,
    home?: ActorHome,
  ) {
    this.home = home ?? partition;
    this.loadsActors = home !== undefined;
    this.partition = partition;
    this.reminders = reminders;
    this.once = once;
    this.outgoing = outgoing;
    this.shapes = shapes;
    this.migrations = partition.layouts.map(() => []);
    this.byName = new Map(partition.layouts.map((layout) => [layout.type.name, layout]));
    this.actorKey = new KeyScratch(hashSeed);
    this.entryKey = new KeyScratch(hashSeed);
    this.reader = new PackReader(new Uint8Array(0));
    this.run = new RankingRun(
      partition.heap,
      this.entryKey,
      () => this.open(),
      () => this.count(),
      // What is built as a whole is lost when the thread dies in it; a start then begins with a new heap.
      !this.loadsActors,
    );
    this.clock = clock;
    this.ops = 0;
  }

  /**
   * Applies all operations of a change set, save what `finish` applies. Keeps `changes`, which must not change any more. Throws
   * SchemaVersionError for state that the definitions do not know.
   */
  apply(changes: Uint8Array): void {
    forEachChange(changes, 0, changes.length, (kind, keyStart, keyLength, valueStart, valueLength) => {
      this.applyOne(kind, changes, keyStart, keyStart + keyLength, valueStart, valueStart + valueLength);
    });
    this.end();
  }

  /** Applies what the cursor comes to, until the time is over; true when that was all. What is applied is committed. */
  applySome(cursor: ChangeCursor, isLate: () => boolean): boolean {
    for (let count = 1; cursor.next(); count++) {
      const { bytes, kind, keyOffset, keyLength, valueOffset, valueLength } = cursor;
      this.applyOne(kind, bytes, keyOffset, keyOffset + keyLength, valueOffset, valueOffset + valueLength);
      if (count % LOOK_OPS !== 0 || !isLate()) continue;
      this.end();
      return false;
    }
    this.end();
    return true;
  }

  private open(): void {
    const { heap } = this.partition;
    if (!heap.open) heap.begin();
  }

  private count(): void {
    if (++this.ops % BRACKET_OPS === 0) this.end();
  }

  private end(): void {
    const { heap } = this.partition;
    if (heap.open) heap.endMaintenance();
    this.partition.generation++;
    // Bound: what the bracket freed is reclaimed before the next.
    const steps = this.loadsActors ? RECLAIM_STEPS_BESIDE : RECLAIM_STEPS_MAX;
    for (let step = 0; step < steps && heap.maintain(BRACKET_OPS); step++);
  }

  private applyOne(
    kind: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (kind === PUT && this.run.holds(bytes, keyStart, keyEnd)) {
      const row = this.reader.reset(bytes, valueStart, valueEnd);
      this.run.put(bytes, keyStart, keyEnd, row.f64(), row.f64());
      return;
    }
    this.run.end();
    this.open();
    this.applyOther(kind, bytes, keyStart, keyEnd, valueStart, valueEnd);
    this.count();
  }

  private applyOther(
    kind: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    const key = parseRowKey(bytes, keyStart, keyEnd);
    if (key === undefined)
      throw new SchemaVersionError(`partition ${this.partition.number} holds a row whose key has no known form`);
    const value = kind === PUT ? this.reader.reset(bytes, valueStart, valueEnd) : undefined;
    if (key.typeName === undefined) {
      this.applySystem(key, bytes, value);
      return;
    }
    const layout = this.byName.get(key.typeName);
    if (layout === undefined) {
      throw new SchemaVersionError(
        `the store holds actors named ${key.typeName}, which the actors module does not define`,
      );
    }
    const actor = this.actorKey.pointAndHash(bytes, key.keyStart, key.keyEnd - key.keyStart);
    if (layout.unloaded !== undefined && !this.loadsActors) this.applyToStub(layout, actor, key, kind);
    else if (key.fieldName !== undefined) this.applyEntry(layout, actor, key, kind, bytes, keyEnd, value);
    else if (value !== undefined) this.applyScalars(layout, actor, value);
    else this.forgetActor(layout, actor);
  }

  /** Groups of rows (RecoveryCredit) and the journal's tail: whether the actor exists is all that is kept of them. */
  private applyToStub(layout: StateLayout, actor: KeyBytes, key: ParsedRowKey, kind: number): void {
    if (kind === PUT) putStub(this.partition, layout, actor);
    else if (kind === CLEAR && key.fieldName === undefined) removeStub(this.partition, layout, actor);
  }

  private applySystem(key: ParsedRowKey, bytes: Uint8Array, value: PackReader | undefined): void {
    const own = this.entryKey.pointAndHash(bytes, key.keyStart, key.keyEnd - key.keyStart);
    if (key.system === SYSTEM_REMINDER) this.reminders.restore(this.partition, own, value);
    else if (key.system === SYSTEM_ONCE) this.once.restore(this.partition, own, value);
    else if (key.system === SYSTEM_SHAPE) this.shapes.restore(this.partition, own, value);
    else if (key.system === SYSTEM_OUTGOING) this.outgoing.restore(this.partition, own, value);
    else
      throw new SchemaVersionError(
        `partition ${this.partition.number} holds rows of system table ${key.system}, which this version does not know`,
      );
  }

  private applyScalars(layout: StateLayout, actor: KeyBytes, value: PackReader): void {
    const migration = this.migration(layout, value.varint());
    const table = this.home.ensureTable(layout.type.index);
    const draft = this.partition.draft(layout.type.index);
    const record = table.find(actor);
    if (record === 0) draft.reset();
    else draft.load(this.partition.heap, record);
    if (migration.isCurrent) draftFromRow(draft, value, layout.scalars);
    else migration.state(value, draft, keyOf(actor));
    table.put(actor, draft);
  }

  private applyEntry(
    layout: StateLayout,
    actor: KeyBytes,
    key: ParsedRowKey,
    kind: number,
    bytes: Uint8Array,
    keyEnd: number,
    value: PackReader | undefined,
  ): void {
    const slot = layout.structureByName.get(key.fieldName as string);
    if (slot === undefined) {
      this.refuseUnlessDropped(layout, key.fieldName as string);
      this.drop(bytes, key);
      return;
    }
    const header = this.header(layout, slot, actor, value !== undefined);
    if (header === 0) return;
    const { heap } = this.partition;
    if (kind === CLEAR) {
      if (slot.field.kind === 'ranking') new HotRanking(heap, header, this.entryKey).clear();
      else new HotMap(heap, header, (slot.entry as EntryLayout).shape, this.entryKey.seed).clear();
      return;
    }
    const entry = this.entryKey.pointAndHash(bytes, key.entryStart, keyEnd - key.entryStart);
    if (slot.field.kind === 'ranking') {
      if (value === undefined) {
        new HotRanking(heap, header, this.entryKey).removeKey(entry);
        return;
      }
      this.run.begin(header, bytes, key.rowStart, key.entryStart);
      this.run.put(bytes, key.rowStart, keyEnd, value.f64(), value.f64());
      return;
    }
    const map = new HotMap(heap, header, (slot.entry as EntryLayout).shape, this.entryKey.seed);
    const { kept, scalars, shape } = slot.entry as EntryLayout;
    if (value === undefined) {
      if (shape.nodeAt === 0) map.delete(entry);
      else deleteTimed(map, entry);
      return;
    }
    const draft = this.entryDraft(slot);
    draft.reset();
    const migration = this.migration(layout, value.varint());
    if (migration.isCurrent) draftFromRow(draft, value, scalars);
    else migration.entry(slot.name, value, draft, keyOf(entry), scalars);
    if (kept === undefined) map.put(entry, draft);
    else this.putKept(map, kept, entry, draft, readRowDeadline(value));
  }

  /** An entry that expired meanwhile is absent from the start, and is removed after it. Its idle time begins anew. */
  private putKept(
    map: HotMap,
    kept: KeptEntries,
    entry: KeyBytes,
    draft: RecordDraft,
    stored: number | undefined,
  ): void {
    const { life, policy } = kept;
    const nowMs = this.partition.now(this.clock.now());
    draft.setStamp(life.stamps.fresh(nowMs));
    const { deadline } = map.shape;
    if (deadline === undefined) {
      map.put(entry, draft);
      return;
    }
    // A row from before the map had a ttl: its time begins now.
    draft.setF64(deadline, stored ?? nowMs + policy.ttlMs);
    putTimed(map, life, this.partition.keeping.ensureWheel(nowMs), entry, draft, nowMs);
  }

  private migration(layout: StateLayout, number: number): RowMigration {
    const { index } = layout.type;
    const known = (this.migrations[index] as RowMigration[])[number];
    if (known !== undefined) return known;
    const migration = this.shapes.migration(this.partition, layout, number);
    (this.migrations[index] as RowMigration[])[number] = migration;
    return migration;
  }

  /** A structure that an older version had and this one does not is dropped; one that none had is an error. */
  private refuseUnlessDropped(layout: StateLayout, name: string): void {
    const { type } = layout;
    const stored = this.shapes.of(this.partition, type.name);
    // Throws when the code can't read a stored shape at all, which says more.
    for (let number = 0; number < stored.length; number++) this.migration(layout, number);
    const had = stored.some(
      ({ version, maps, rankings }) => version < type.version && (maps.has(name) || rankings.includes(name)),
    );
    if (had) return;
    throw new SchemaVersionError(
      `stored ${type.name} has a structure ${name}, which the code does not define: raise the version to drop it`,
    );
  }

  private drop(bytes: Uint8Array, key: ParsedRowKey): void {
    const prefix = bytes.slice(key.rowStart, key.entryStart);
    this.dropped.set(Buffer.from(prefix).toString('latin1'), prefix);
  }

  /** After the last row: applies what waited. */
  finish(): void {
    this.run.end();
    this.end();
  }

  /** What the keys of rows begin with that belong to structures which are no more. */
  get leftovers(): readonly Uint8Array[] {
    return [...this.dropped.values()];
  }

  /** Header of an actor's structure; made when `create`. */
  private header(layout: StateLayout, slot: StructureSlot, actor: KeyBytes, create: boolean): number {
    const { partition } = this;
    const table = create ? this.home.ensureTable(layout.type.index) : this.home.table(layout.type.index);
    if (table === undefined) return 0;
    const record = table.find(actor);
    const known = record === 0 ? 0 : readU32(partition.heap, record, slot.record);
    if (known !== 0 || !create) return known;
    const { field } = slot;
    const header =
      field.kind === 'ranking'
        ? HotRanking.create(partition.heap, rankingOptions(field))
        : createMap(partition.heap, layout, slot, actor);
    const draft = partition.draft(layout.type.index);
    if (record === 0) draft.reset();
    else draft.load(partition.heap, record);
    draft.setInt(slot.record, header);
    table.put(actor, draft);
    return header;
  }

  private forgetActor(layout: StateLayout, actor: KeyBytes): void {
    const { partition } = this;
    const table = this.home.table(layout.type.index);
    const record = table?.find(actor) ?? 0;
    if (table === undefined || record === 0) return;
    for (const slot of layout.structures) {
      const header = readU32(partition.heap, record, slot.record);
      if (header !== 0) retireStructure(partition.heap, slot, header);
    }
    table.delete(actor);
  }

  private entryDraft(slot: StructureSlot): RecordDraft {
    let draft = this.entryDrafts.get(slot);
    if (draft === undefined) {
      draft = new RecordDraft((slot.entry as EntryLayout).shape);
      this.entryDrafts.set(slot, draft);
    }
    return draft;
  }
}

function rankingOptions(field: RankingField): { order: RankingField['order']; ties: RankingField['ties'] } {
  return { order: field.order, ties: field.ties };
}

function keyOf({ bytes, offset, length }: KeyBytes): Uint8Array {
  return bytes.slice(offset, offset + length);
}
