/**
 * Reads all rows of a partition from its memory, on a thread of its own, while the partition goes on: in slices, each under a pin,
 * with rests in between. It never stops the partition, which is not even told.
 *
 * What it finds damaged is certain, since records and blocks do not change once they are published; what it finds to differ from
 * the store may be the work of turns meanwhile, and is judged by the partition's thread.
 */
import {
  type CheckCursor,
  damageOfRecord,
  type HotMap,
  RankingCheck,
  type ReaderPin,
  RowPairs,
  rowKeyHash,
  rowValueHash,
  KeyScratch,
  PeekBusyError,
  StaleReadError,
  TolerantScan,
} from '@spacegrid/core';
import { actorPrefix, ROW_FIELDS } from '../state/row-keys.ts';
import type { StateLayout, StructureSlot } from '../state/state-layout.ts';
import { type MemoryRows, SYSTEM_TABLES } from './memory-rows.ts';
import { RowKeyWriter } from './row-key-writer.ts';

/** Rows of a slice: well below the 100 ms after which a pin may be revoked, also when the thread is descheduled. */
const SLICE_ROWS = 500;
const SLICE_MS = 1;
/** A structure with more entries is read in slices of its own. */
const SMALL_ENTRIES = 200;
/** Actors of a slice, with their small structures. */
const SLICE_ACTORS = 12;
const TRIES_MAX = 100_000;
const STALE_TRIES_MAX = 10;
/** After so many a slice is made small. */
const LARGE_TRIES_MAX = 4;
const RESTLESS_TRIES = 16;
const HURRIED_ROWS = 12;

/** Something that is wrong with the memory by itself. */
export interface MemoryDamage {
  /** Of the row; of a block of a structure, that of the structure: without an entry. */
  readonly key: Uint8Array;
  readonly damage: string;
  readonly isBlock: boolean;
}

interface LargeStructure {
  readonly layout: StateLayout;
  readonly actor: Uint8Array;
  readonly slot: StructureSlot;
}

const FIELDS_TAG = Uint8Array.of(ROW_FIELDS);

export class MemoryScan {
  readonly pairs: RowPairs = new RowPairs();
  readonly damages: MemoryDamage[] = [];
  /** Rows that their key did not lead to; maybe for a moment only. */
  readonly doubtful: Uint8Array[] = [];
  /** What the rows of actors begin with that are in the store alone, or whose own record is damaged, as latin-1 text. */
  readonly apart: Set<string> = new Set();
  rows = 0;
  bytes = 0;
  /** Pins were revoked over the slice: it is to be small. */
  private isHurried = false;
  private readonly memory: MemoryRows;
  private readonly pin: ReaderPin;
  private readonly rest: (workedMs: number) => Promise<void>;
  private readonly scanOfRows = new TolerantScan(SLICE_ROWS);
  private readonly scanOfActors = new TolerantScan(SLICE_ACTORS);
  private readonly large: LargeStructure[] = [];
  private readonly key = new RowKeyWriter();
  private readonly actorKey: KeyScratch;
  /** When set, keys of rows with these hashes are gathered, and no pairs. */
  private readonly wanted: ReadonlySet<number> | undefined;
  readonly found: Map<string, Uint8Array> = new Map();

  /** @param rest waits a while after a slice of so many milliseconds. */
  constructor(
    memory: MemoryRows,
    pin: ReaderPin,
    rest: (workedMs: number) => Promise<void>,
    wanted?: ReadonlySet<number>,
  ) {
    this.memory = memory;
    this.pin = pin;
    this.rest = rest;
    this.wanted = wanted;
    this.actorKey = new KeyScratch(memory.hashSeed);
  }

  async run(): Promise<void> {
    const { memory } = this;
    for (const table of SYSTEM_TABLES) {
      const prefix = Uint8Array.of(0, table.system);
      await this.map(
        prefix,
        () => memory.systemTable(table),
        (map, record) => {
          this.key.begin(prefix, undefined);
          this.record(map, record, () => memory.systemRow(table, record));
        },
      );
    }
    for (const layout of memory.layouts) {
      await this.map(
        Uint8Array.of(layout.type.name.length, ...new TextEncoder().encode(layout.type.name)),
        () => memory.table(layout),
        (map, record) => this.actor(layout, map, record),
        layout.structures.length > 0 ? this.scanOfActors : this.scanOfRows,
      );
    }
    for (const structure of this.large) await this.largeStructure(structure);
    this.pairs.sort();
  }

  /** Reads a map in slices, whatever it holds. */
  private async map(
    name: Uint8Array,
    mapNow: () => HotMap | undefined,
    take: (map: HotMap, record: number) => void,
    scan: TolerantScan = this.scanOfRows,
  ): Promise<void> {
    let cursor = 0;
    for (;;) {
      let next = 0;
      const read = await this.slice(name, () => {
        const map = mapNow();
        if (map === undefined) return;
        const own = this.isHurried ? this.scanOfActors : scan;
        next = map.scan(own, cursor);
        if (own.strays > 0) this.damage(name, 'a slot of its index leads nowhere', true);
        for (let index = 0; index < own.count; index++) take(map, own.refs[index] as number);
      });
      cursor = next;
      if (!read || cursor === 0) return;
    }
  }

  private actor(layout: StateLayout, table: HotMap, record: number): void {
    const { memory } = this;
    const { heap } = memory;
    const from = table.keyOffset(record);
    const prefix = actorPrefix(layout.type.name, heap.u8.slice(from, from + table.keyByteLength(record)));
    const damage = damageOfRecord(heap, record, table.shape, memory.hashSeed);
    if (damage === undefined && memory.isStub(layout, record)) {
      this.apart.add(latin1(prefix));
      return;
    }
    this.key.begin(prefix, FIELDS_TAG);
    if (damage !== undefined) {
      // Its references can't be believed: what they lead to is compared when it is mended.
      this.damage(this.key.copy(), damage, false);
      this.apart.add(latin1(prefix));
      return;
    }
    if (this.isLedTo(table, record)) this.row(memory.fieldsRow(layout, record));
    for (const slot of layout.structures) {
      const header = memory.header(record, slot);
      if (header !== 0) this.structure(layout, prefix, slot, header);
    }
  }

  private structure(layout: StateLayout, prefix: Uint8Array, slot: StructureSlot, header: number): void {
    const { memory } = this;
    this.key.begin(prefix, slot.tag);
    try {
      const size =
        slot.entry === undefined
          ? new RankingCheck(memory.heap, header, memory.hashSeed).count
          : memory.map(header, slot.entry).size;
      if (size > (this.isHurried ? HURRIED_ROWS : SMALL_ENTRIES)) {
        const keyAt = 1 + layout.type.name.length + 2;
        this.large.push({ layout, actor: prefix.slice(keyAt), slot });
      } else if (slot.entry === undefined) {
        const cursor: CheckCursor = { position: 0, lastKey: 0, root: 0 };
        this.members(new RankingCheck(memory.heap, header, memory.hashSeed), cursor, SMALL_ENTRIES * 2);
      } else {
        const { entry } = slot;
        const map = memory.map(header, entry);
        const own = new TolerantScan(64);
        let cursor = 0;
        do {
          cursor = map.scan(own, cursor);
          if (own.strays > 0) this.damage(this.key.copyPrefix(), 'a slot of its index leads nowhere', true);
          for (let index = 0; index < own.count; index++) {
            const record = own.refs[index] as number;
            this.record(map, record, () => memory.entryRow(layout, entry, record));
          }
        } while (cursor !== 0);
      }
    } catch (error) {
      if (!(error instanceof StaleReadError)) throw error;
      this.damage(this.key.copyPrefix(), 'its blocks can’t be read', true);
    }
  }

  private async largeStructure({ layout, actor, slot }: LargeStructure): Promise<void> {
    const { memory } = this;
    const prefix = actorPrefix(layout.type.name, actor);
    const name = new Uint8Array([...prefix, ...slot.tag]);
    const header = (): number => {
      const table = memory.table(layout);
      const record = table?.find(this.actorKey.pointAndHash(actor, 0, actor.length)) ?? 0;
      return table === undefined || record === 0 || memory.isStub(layout, record) ? 0 : memory.header(record, slot);
    };
    if (slot.entry !== undefined) {
      const { entry } = slot;
      await this.map(
        name,
        () => {
          const at = header();
          this.key.begin(prefix, slot.tag);
          return at === 0 ? undefined : memory.map(at, entry);
        },
        (map, record) => this.record(map, record, () => memory.entryRow(layout, entry, record)),
      );
      return;
    }
    const cursor: CheckCursor = { position: 0, lastKey: 0, root: 0 };
    for (let more = true; more; ) {
      let next: CheckCursor = cursor;
      more = false;
      const read = await this.slice(name, () => {
        const at = header();
        this.key.begin(prefix, slot.tag);
        next = { ...cursor };
        const rows = this.isHurried ? HURRIED_ROWS : SLICE_ROWS;
        more = at !== 0 && this.members(new RankingCheck(memory.heap, at, memory.hashSeed), next, rows);
      });
      if (!read) return;
      Object.assign(cursor, next);
    }
  }

  private members(check: RankingCheck, cursor: CheckCursor, limit: number): boolean {
    return check.step(
      cursor,
      limit,
      (record, damage) => {
        if (record !== 0) this.key.entryOfMember(check, record);
        if (damage === undefined) this.row(this.memory.memberRow(check, record));
        else this.damage(record === 0 ? this.key.copyPrefix() : this.key.copy(), damage, record === 0);
      },
      (damage) => this.damage(this.key.copyPrefix(), damage, true),
    );
  }

  /** One record of a map: its row's key begins with what `key` was begun with. */
  private record(map: HotMap, record: number, valueOf: () => Uint8Array): void {
    const { memory } = this;
    this.key.entryOfRecord(map, record);
    const damage = damageOfRecord(memory.heap, record, map.shape, memory.hashSeed);
    if (damage !== undefined) this.damage(this.key.copy(), damage, false);
    else if (this.isLedTo(map, record)) this.row(valueOf());
  }

  private isLedTo(map: HotMap, record: number): boolean {
    const from = map.keyOffset(record);
    const key = this.actorKey.point(map.heap.u8, from, map.keyByteLength(record), map.hashOf(record));
    if (map.find(key) !== 0) return true;
    this.doubtful.push(this.key.copy());
    return false;
  }

  private row(value: Uint8Array): void {
    const { bytes, at } = this.key;
    const keyHash = rowKeyHash(bytes, 0, at);
    this.rows++;
    this.bytes += at + value.length;
    if (this.wanted === undefined) this.pairs.add(keyHash, rowValueHash(value, 0, value.length, keyHash));
    else if (this.wanted.has(keyHash)) {
      const key = this.key.copy();
      this.found.set(latin1(key), key);
    }
  }

  private damage(key: Uint8Array, damage: string, isBlock: boolean): void {
    this.damages.push({ key, damage, isBlock });
  }

  /**
   * Runs `read` under a pin until the pin held, and forgets what attempts found whose pin did not: undone turns revoke pins, so
   * slices get small where many are. False when the memory can't be read, which is noted as damage of `name`.
   */
  private async slice(name: Uint8Array, read: () => void): Promise<boolean> {
    const { pairs, pin } = this;
    const before = [pairs.size, this.damages.length, this.doubtful.length, this.large.length, this.rows, this.bytes];
    for (let tries = 1, staleTries = 0; ; tries++) {
      this.isHurried = tries > LARGE_TRIES_MAX;
      const startedAt = performance.now();
      let stale = false;
      pin.enter();
      try {
        read();
      } catch (error) {
        if (!(error instanceof StaleReadError)) throw error;
        stale = true;
      }
      const held = pin.leave();
      const workedMs = performance.now() - startedAt;
      if (workedMs > SLICE_MS / 4 || stale || tries % RESTLESS_TRIES === 0) await this.rest(workedMs);
      if (held && !stale) return true;
      pairs.truncate(before[0] as number);
      this.damages.length = before[1] as number;
      this.doubtful.length = before[2] as number;
      this.large.length = before[3] as number;
      this.rows = before[4] as number;
      this.bytes = before[5] as number;
      // Under a pin that held it is not a turn's work.
      if (held && ++staleTries === STALE_TRIES_MAX) {
        this.damage(name, 'its blocks can’t be read', true);
        return false;
      }
      if (tries === TRIES_MAX)
        throw new PeekBusyError(
          'turns of the partition are undone too often for its memory to be read: verify again later',
        );
    }
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
