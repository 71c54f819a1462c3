/**
 * The state object of a query: read-only, over the heap of the calling thread. The same class serves the partition thread,
 * where it sees whole turns, and peeks on any other thread, under a pin.
 */
import {
  type Heap,
  HotMap,
  initialValue,
  type KeyBytes,
  type KeyScratch,
  RankingReader,
  ReadOnlyViewError,
  readBool,
  readField,
  readU32,
} from '@spacegrid/core';
import type { MapView } from '../define/state-views.ts';
import type { EntryFields } from '../define/state-fields.ts';
import { readEntry } from './entry-values.ts';
import { scanEntries } from './map-scan.ts';
import type { ReadSight } from './read-sight.ts';
import { RankingQueries } from './ranking-queries.ts';
import { readMany } from './read-many.ts';
import {
  type EntryLayout,
  FIRST_TYPE_ROOT,
  type KeptEntries,
  type StateLayout,
  type StructureSlot,
} from './state-layout.ts';

/** A place to read actors of one type from, in one partition, on one thread. */
export class StateReader {
  readonly heap: Heap;
  readonly layout: StateLayout;
  readonly keys: KeyScratch;
  readonly sight: ReadSight;
  /** What a query is given first; bound by `find`. */
  readonly view: QueryView;
  /** Record of the actor that is looked at; 0 when it was never written. */
  record: number;
  /** Of structures, by their number: made when first asked for. */
  readonly views: (RankingViewFacade | MapViewFacade | undefined)[];
  private table: HotMap | undefined;
  private readonly root: number;

  constructor(heap: Heap, layout: StateLayout, keys: KeyScratch, sight: ReadSight) {
    this.heap = heap;
    this.layout = layout;
    this.keys = keys;
    this.sight = sight;
    this.record = 0;
    this.views = new Array<RankingViewFacade | MapViewFacade | undefined>(layout.structures.length).fill(undefined);
    this.table = undefined;
    this.root = heap.root(FIRST_TYPE_ROOT + layout.type.index);
    this.view = new QueryView(createReadableState(this, layout));
  }

  /** Looks at an actor: until the next call, the view is that actor's. Without `key` it is decoded from the bytes when asked for. */
  find(key: string | undefined, bytes: KeyBytes): void {
    this.view.bind(key, bytes);
    const header = this.heap.load(this.root);
    if (header === 0) {
      this.record = 0;
      return;
    }
    this.heap.cover(header + 4);
    if (this.table === undefined || this.table.header !== header)
      this.table = new HotMap(this.heap, header, this.layout.shape, this.keys.seed);
    this.record = this.table.find(bytes);
  }

  /** True when the state of the actor that is looked at is in the store alone. */
  get isUnloaded(): boolean {
    const { unloaded } = this.layout;
    return unloaded !== undefined && this.record !== 0 && readBool(this.heap, this.record, unloaded);
  }

  /** For `noteAccess`: what stands in the record now. Under the same pin as `find`. */
  get access(): Access {
    const { record, table } = this;
    return table === undefined || record === 0
      ? NO_ACCESS
      : { table, record, hash: table.hashOf(record), stamp: table.stampOf(record) };
  }
}

interface Access {
  readonly table: HotMap | undefined;
  readonly record: number;
  readonly hash: number;
  readonly stamp: number;
}

const NO_ACCESS: Access = { table: undefined, record: 0, hash: 0, stamp: 0 };

/** Any thread, after its pin was left with success: the actor was used at this tick (access-ticks.ts). */
export function noteAccess({ table, record, hash, stamp }: Access, tick: number): void {
  table?.touchAfterPeek(record, hash, stamp, tick);
}

/** Its public face is `View` in define-actor.ts. */
export class QueryView {
  readonly state: object;
  private text: string | undefined;
  private bytes: KeyBytes | undefined;

  constructor(state: object) {
    this.state = state;
    this.text = undefined;
    this.bytes = undefined;
  }

  get key(): string {
    if (this.text === undefined) {
      const { bytes, offset, length } = this.bytes as KeyBytes;
      this.text = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');
    }
    return this.text;
  }

  bind(text: string | undefined, bytes: KeyBytes): void {
    this.text = text;
    this.bytes = bytes;
  }
}

const classes = new WeakMap<StateLayout, new (reader: StateReader) => object>();

function createReadableState(reader: StateReader, layout: StateLayout): object {
  let State = classes.get(layout);
  if (State === undefined) {
    State = stateClass(layout);
    classes.set(layout, State);
  }
  return new State(reader);
}

function stateClass(layout: StateLayout): new (reader: StateReader) => object {
  const properties: PropertyDescriptorMap = {};
  class State {
    readonly #reader: StateReader;
    constructor(reader: StateReader) {
      this.#reader = reader;
      // Properties of its own, so that `{ ...view.state }` has the fields: there is one object for each reader only.
      Object.defineProperties(this, properties);
    }
    static readOnly(name: string, read: (reader: StateReader) => unknown): PropertyDescriptor {
      return {
        enumerable: true,
        get(this: State): unknown {
          return read(this.#reader);
        },
        set() {
          throw new ReadOnlyViewError(`a query can't write ${name}: queries only read`);
        },
      };
    }
  }
  for (const slot of layout.scalars) {
    properties[slot.name] = State.readOnly(slot.name, (reader) =>
      reader.record === 0 ? initialValue(slot.record) : readField(reader.heap, reader.record, slot.record),
    );
  }
  for (const slot of layout.structures) {
    properties[slot.name] = State.readOnly(slot.name, (reader) => {
      let view = reader.views[slot.index];
      if (view === undefined) {
        view = viewOf(reader, slot);
        reader.views[slot.index] = view;
      }
      return view;
    });
  }
  return State;
}

function viewOf(reader: StateReader, slot: StructureSlot): RankingViewFacade | MapViewFacade {
  if (slot.field.kind === 'ranking') return new RankingViewFacade(reader, slot);
  const kept = slot.entry?.kept;
  return kept === undefined ? new MapViewFacade(reader, slot) : new KeptMapViewFacade(reader, slot, kept);
}

function headerOf(reader: StateReader, slot: StructureSlot): number {
  return reader.record === 0 ? 0 : readU32(reader.heap, reader.record, slot.record);
}

class RankingViewFacade extends RankingQueries {
  private readonly reader: StateReader;
  private readonly slot: StructureSlot;
  private ranking: RankingReader | undefined;

  constructor(reader: StateReader, slot: StructureSlot) {
    super();
    this.reader = reader;
    this.slot = slot;
    this.ranking = undefined;
  }

  protected override existing(): RankingReader | undefined {
    const header = headerOf(this.reader, this.slot);
    if (header === 0) return undefined;
    this.reader.heap.cover(header + 16);
    if (this.ranking === undefined || this.ranking.header !== header) {
      this.ranking = new RankingReader(this.reader.heap, header, this.reader.keys);
    }
    return this.ranking;
  }
}

class MapViewFacade implements MapView<EntryFields> {
  protected readonly reader: StateReader;
  private readonly slot: StructureSlot;
  protected readonly layout: EntryLayout;
  private map: HotMap | undefined;

  constructor(reader: StateReader, slot: StructureSlot) {
    this.reader = reader;
    this.slot = slot;
    this.layout = slot.entry as EntryLayout;
    this.map = undefined;
  }

  get size(): number {
    return this.existing()?.size ?? 0;
  }

  has(key: string): boolean {
    return this.record(key) !== 0;
  }

  get(key: string): never {
    const record = this.record(key);
    return (record === 0 ? undefined : readEntry(this.reader.heap, record, this.layout)) as never;
  }

  field(key: string, name: string): never {
    const slot = this.layout.byName.get(name);
    const record = this.record(key);
    return (record === 0 || slot === undefined ? undefined : readField(this.reader.heap, record, slot.record)) as never;
  }

  getMany(keys: readonly string[]): never[] {
    return readMany(this.existing(), keys, this.reader.keys, (found) => {
      const record = this.live(found);
      return (record === 0 ? undefined : readEntry(this.reader.heap, record, this.layout)) as never;
    });
  }

  fieldMany(keys: readonly string[], name: string): never[] {
    const slot = this.layout.byName.get(name);
    return readMany(this.existing(), keys, this.reader.keys, (found) => {
      const record = this.live(found);
      return (
        record === 0 || slot === undefined ? undefined : readField(this.reader.heap, record, slot.record)
      ) as never;
    });
  }

  scan(cursor?: string, limit?: number): never {
    return scanEntries(this.existing(), this.layout, cursor, limit) as never;
  }

  private record(key: string): number {
    return this.live(this.existing()?.find(this.reader.keys.set(key)) ?? 0);
  }

  /** The record that was found, unless it counts as absent: then 0. */
  protected live(record: number): number {
    return record;
  }

  protected existing(): HotMap | undefined {
    const header = headerOf(this.reader, this.slot);
    if (header === 0) return undefined;
    this.reader.heap.cover(header + 4);
    if (this.map === undefined || this.map.header !== header)
      this.map = new HotMap(this.reader.heap, header, this.layout.shape, this.reader.keys.seed);
    return this.map;
  }
}

/** A map whose entries expire or are evicted: by the reader's clock, and every read counts as an access. */
class KeptMapViewFacade extends MapViewFacade {
  private readonly kept: KeptEntries;

  constructor(reader: StateReader, slot: StructureSlot, kept: KeptEntries) {
    super(reader, slot);
    this.kept = kept;
  }

  override scan(cursor?: string, limit?: number): never {
    const { life } = this.kept;
    const nowMs = this.reader.sight.now();
    return scanEntries(
      this.existing(),
      this.layout,
      cursor,
      limit,
      (heap, record) => !life.hasEnded(heap, record, nowMs),
    ) as never;
  }

  protected override live(record: number): number {
    const { heap, sight } = this.reader;
    const { life } = this.kept;
    const nowMs = sight.now();
    const found = record !== 0 && !life.hasEnded(heap, record, nowMs);
    sight.counted(found);
    if (!found) return 0;
    const map = this.existing() as HotMap;
    sight.accessed(map, record, life.stamps.accessed(map.stampOf(record), nowMs));
    return record;
  }
}
