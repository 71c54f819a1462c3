/**
 * An actor that its partition thread knows: the state object and turn object that its handlers are given, and what waits
 * while an asynchronous command runs. State itself is in the heap; this may be dropped and made again at any time between
 * commands.
 */
import {
  AsyncWriteError,
  initialValue,
  type KeyBytes,
  PeekUnavailableError,
  type RecordDraft,
  readField,
  readU32,
} from '@spacegrid/core';
import { actorPrefix, ROW_FIELDS } from '../state/row-keys.ts';
import {
  checkScalar,
  draftScalar,
  rowScalarBytesMax,
  storeScalar,
  uncheck,
  writeRowScalars,
} from '../state/scalar-values.ts';
import type { ScalarSlot, StateLayout, StructureSlot } from '../state/state-layout.ts';
import { isStub } from '../state/stubs.ts';
import { createWritableState } from '../state/writable-state.ts';
import type { StateOwner } from '../state/state-owner.ts';
import type { TurnOwner } from './turn-owner.ts';
import type { Partition, WaitingRequest } from './partition.ts';
import { TurnObject } from './turn-object.ts';
import type { TurnServices } from './turn-services.ts';

const FIELDS_TAG = Uint8Array.of(ROW_FIELDS);

export class Activation implements StateOwner, TurnOwner {
  readonly partition: Partition;
  readonly layout: StateLayout;
  readonly key: string;
  readonly keyBytes: KeyBytes;
  /** What all rows of the actor begin with. */
  readonly prefix: Uint8Array;
  readonly state: object;
  /** What its commands are given. */
  readonly turn: TurnObject;
  /** Coarse milliseconds of the last call. */
  usedAt: number;
  /** Number of the handler that runs, or ran last. */
  running: number;
  /** An asynchronous command runs. */
  busy: boolean;
  readonly queue: WaitingRequest[];
  /** The actors that wait for the running command, outermost first. */
  path: readonly string[];
  private record: number;
  /** Of the partition, when the record was last looked up. Nobody else moves or removes it, except an undone turn. */
  private generation: number;
  /** Where the record stands in its table, unless `moves` has changed. */
  private place: number;
  private moves: number;
  private retired: boolean;
  private readonly values: unknown[];
  private readonly dirty: boolean[];
  private dirtyCount: number;
  /** Some of what was assigned is a text or a packed value. */
  private blobsChanged: boolean;
  /** Headers of structures made in the open turn. */
  private readonly headers: number[];
  private readonly structures: (object | undefined)[];

  constructor(partition: Partition, layout: StateLayout, key: string, keyBytes: KeyBytes, services: TurnServices) {
    this.partition = partition;
    this.layout = layout;
    this.key = key;
    this.keyBytes = keyBytes;
    this.prefix = actorPrefix(
      layout.type.name,
      keyBytes.bytes.subarray(keyBytes.offset, keyBytes.offset + keyBytes.length),
    );
    this.usedAt = 0;
    this.running = 0;
    this.busy = false;
    this.queue = [];
    this.path = [];
    this.record = 0;
    this.generation = 0;
    this.place = 0;
    this.moves = 0;
    this.retired = false;
    this.values = new Array<unknown>(layout.scalars.length).fill(undefined);
    this.dirty = new Array<boolean>(layout.scalars.length).fill(false);
    this.dirtyCount = 0;
    this.blobsChanged = false;
    this.headers = new Array<number>(layout.structures.length).fill(0);
    this.structures = new Array<object | undefined>(layout.structures.length).fill(undefined);
    this.state = createWritableState(this, layout);
    this.turn = new TurnObject(this, services);
  }

  /** For messages and paths of calls. */
  get name(): string {
    return `${this.layout.type.name}/${this.key}`;
  }

  /** Reference of the actor's record; 0 while it was never written. */
  find(): number {
    if (this.generation !== this.partition.generation) this.look();
    return this.record;
  }

  /** Its thread forgets it. Who kept the state object still reads what is there. */
  retire(): void {
    this.retired = true;
    this.generation = -1;
  }

  private look(): void {
    const table = this.partition.table(this.layout.type.index);
    this.record = table?.find(this.keyBytes) ?? 0;
    // Only who kept the state object comes here then.
    if (this.record !== 0 && isStub(this.partition.heap, this.layout, this.record)) throw this.unavailable();
    this.place = table?.place ?? 0;
    this.moves = table?.moves ?? 0;
    if (!this.retired) this.generation = this.partition.generation;
  }

  private unavailable(): PeekUnavailableError {
    const actor = this.layout.type.name;
    return new PeekUnavailableError(`the state of ${actor} "${this.key}" is unloaded: read it in a call of the actor`, {
      details: { actor, key: this.key },
    });
  }

  /** The actor is used at this tick. */
  noteAccess(tick: number): void {
    const record = this.find();
    if (record !== 0) this.partition.table(this.layout.type.index)?.touch(record, tick);
  }

  get(slot: ScalarSlot): unknown {
    if (this.dirty[slot.index]) return uncheck(slot, this.values[slot.index]);
    const record = this.find();
    return record === 0 ? initialValue(slot.record) : readField(this.partition.heap, record, slot.record);
  }

  set(slot: ScalarSlot, value: unknown): void {
    this.assertWritable();
    this.values[slot.index] = checkScalar(slot, value);
    if (!this.dirty[slot.index]) {
      this.dirty[slot.index] = true;
      this.dirtyCount++;
      if (slot.record.blob >= 0) this.blobsChanged = true;
    }
  }

  get shapeNumber(): number {
    return this.partition.shapeNumbers[this.layout.type.index] as number;
  }

  /** Header of a structure; 0 while it was never written. */
  header(slot: StructureSlot): number {
    const fresh = this.headers[slot.index] as number;
    if (fresh !== 0) return fresh;
    const record = this.find();
    return record === 0 ? 0 : readU32(this.partition.heap, record, slot.record);
  }

  /** Notes the header of a structure made in this turn; it is stored with the record at its end. */
  setHeader(slot: StructureSlot, header: number): void {
    this.headers[slot.index] = header;
    this.dirtyCount++;
  }

  structure(slot: StructureSlot, make: () => object): object {
    let structure = this.structures[slot.index];
    if (structure === undefined) {
      structure = make();
      this.structures[slot.index] = structure;
    }
    return structure;
  }

  /** Every write passes here. Throws AsyncWriteError outside of the actor's own turn. */
  assertWritable(): void {
    if (this.partition.open !== this) {
      throw new AsyncWriteError(
        `${this.layout.type.name} "${this.key}" is written outside a turn: an asynchronous command writes inside turn.step(state => …)`,
      );
    }
    this.partition.writes++;
  }

  /** Stores what the turn assigned, as one fresh record. Before the commit. */
  flush(): void {
    if (this.dirtyCount === 0) return;
    const { partition, layout } = this;
    const type = layout.type.index;
    const table = partition.ensureTable(type);
    const record = this.find();
    let scalarsChanged = true;
    if (record !== 0 && this.place !== 0 && !this.blobsChanged && this.moves === table.moves) {
      const copy = table.copyOf(record);
      scalarsChanged = this.applyToCopy(copy);
      table.replaceCopied(this.place, record, copy);
      this.record = copy;
    } else {
      const draft = partition.draft(type);
      if (record === 0) draft.reset();
      else draft.load(partition.heap, record);
      scalarsChanged = this.applyTo(draft) || record === 0;
      this.record = table.put(this.keyBytes, draft);
      this.place = table.place;
      this.moves = table.moves;
    }
    if (partition.changes.enabled && scalarsChanged) this.recordRow();
    this.forgetChanges();
  }

  /** Removes the actor: record, structures, rows. In its turn. */
  forget(retire: (slot: StructureSlot, header: number) => void): void {
    this.assertWritable();
    for (const slot of this.layout.structures) {
      const header = this.header(slot);
      if (header !== 0) retire(slot, header);
    }
    this.forgetChanges();
    const table = this.partition.table(this.layout.type.index);
    if (table?.delete(this.keyBytes) === true && this.partition.changes.enabled)
      this.partition.changes.clear(this.prefix, undefined);
    this.record = 0;
    this.place = 0;
  }

  /** Drops what was assigned and not stored. */
  forgetChanges(): void {
    if (this.dirtyCount === 0) return;
    const { dirty, values, headers } = this;
    for (let index = 0; index < dirty.length; index++) {
      dirty[index] = false;
      values[index] = undefined;
    }
    for (let index = 0; index < headers.length; index++) headers[index] = 0;
    this.dirtyCount = 0;
    this.blobsChanged = false;
  }

  private applyToCopy(copy: number): boolean {
    const { heap } = this.partition;
    let scalars = false;
    for (const slot of this.layout.scalars) {
      if (!this.dirty[slot.index]) continue;
      storeScalar(heap, copy, slot, this.values[slot.index]);
      scalars = true;
    }
    for (const slot of this.layout.structures) {
      const header = this.headers[slot.index] as number;
      if (header !== 0) heap.i32[copy + slot.record.at] = header;
    }
    return scalars;
  }

  private applyTo(draft: RecordDraft): boolean {
    let scalars = false;
    for (const slot of this.layout.scalars) {
      if (!this.dirty[slot.index]) continue;
      draftScalar(draft, slot, this.values[slot.index]);
      scalars = true;
    }
    for (const slot of this.layout.structures) {
      const header = this.headers[slot.index] as number;
      if (header !== 0) draft.setInt(slot.record, header);
    }
    return scalars;
  }

  private recordRow(): void {
    const { partition, layout } = this;
    const { changes, heap } = partition;
    const { writer } = changes;
    // The value's length comes first, so it is written aside when it may vary.
    const start = 6 + rowScalarBytesMax(heap, this.record, layout.scalars) + 4;
    const row = partition.rowWriter(start);
    row.varint(this.shapeNumber);
    writeRowScalars(row, heap, this.record, layout.scalars);
    changes.put(this.prefix, FIELDS_TAG, undefined, row.at);
    writer.raw(row.bytes, 0, row.at);
  }
}
