/**
 * An actor on its way from the store to its place: its rows go to a table of its own, which nobody reads, in as many brackets as
 * they take. When all are there, one bracket moves its record to the table of its type, in the place of the stub. So no reader and
 * no turn sees half of it.
 *
 * A partition's staged actors are listed in its heap: when the thread dies over one, its successor frees what was staged, and the
 * stub stands as before. Partition thread only.
 */
import {
  assert,
  encodeKey,
  HotMap,
  IndexScan,
  type KeyBytes,
  RecordDraft,
  RecordShape,
  readU32,
} from '@spacegrid/core';
import type { Partition } from '../runtime/partition.ts';
import type { ActorHome } from './apply-rows.ts';
import { retireStructure } from './retire-structure.ts';
import type { StateLayout } from './state-layout.ts';
import { countStubs, isStub } from './stubs.ts';

const ROOT = 10;
const SHAPE = new RecordShape([
  { name: 'type', kind: 'u32' },
  { name: 'table', kind: 'u32' },
]);
const TYPE = SHAPE.fieldOrThrow('type');
const TABLE = SHAPE.fieldOrThrow('table');
const SCAN_ENTRIES = 64;

export class StagedActor implements ActorHome {
  private readonly partition: Partition;
  private readonly layout: StateLayout;
  private readonly listed: KeyBytes;
  private readonly staged: HotMap;

  private constructor(partition: Partition, layout: StateLayout, listed: KeyBytes, header: number) {
    this.partition = partition;
    this.layout = layout;
    this.listed = listed;
    this.staged = new HotMap(partition.heap, header, layout.shape, partition.scratch.seed);
  }

  /** Begins to stage an actor, under a number that no other of the partition has. Undefined when there is no room. */
  static begin(partition: Partition, layout: StateLayout, number: number): StagedActor | undefined {
    const listed = encodeKey(String(number), partition.scratch.seed);
    let header = 0;
    const isBegun = partition.maintain(() => {
      header = HotMap.create(partition.heap);
      const draft = new RecordDraft(SHAPE);
      draft.reset();
      draft.setInt(TYPE, layout.type.index);
      draft.setInt(TABLE, header);
      ensureList(partition).put(listed, draft);
    });
    return isBegun ? new StagedActor(partition, layout, listed, header) : undefined;
  }

  /** Frees what a predecessor of this thread had staged. */
  static discardAll(partition: Partition): void {
    const list = listOf(partition);
    if (list === undefined) return;
    const { heap } = partition;
    const found: { readonly listed: KeyBytes; readonly layout: StateLayout; readonly header: number }[] = [];
    const scan = new IndexScan(SCAN_ENTRIES);
    let cursor = 0;
    do {
      cursor = list.scan(scan, cursor);
      for (const record of scan.refs.subarray(0, scan.count)) {
        found.push({
          listed: encodeKey(list.keyOf(record), partition.scratch.seed),
          layout: partition.layouts[readU32(heap, record, TYPE)] as StateLayout,
          header: readU32(heap, record, TABLE),
        });
      }
    } while (cursor !== 0);
    for (const { listed, layout, header } of found) new StagedActor(partition, layout, listed, header).discard();
  }

  table(): HotMap {
    return this.staged;
  }

  ensureTable(): HotMap {
    return this.staged;
  }

  /** The actor is whole: it takes the place of its stub. False when there is no room. */
  publish(key: KeyBytes, tick: number): boolean {
    const { partition, layout, staged } = this;
    return partition.maintain(() => {
      const { heap } = partition;
      const table = partition.ensureTable(layout.type.index);
      const stub = table.find(key);
      assert(stub !== 0 && isStub(heap, layout, stub), 'an actor is loaded in the place of its stub');
      if (!table.moveFrom(staged, key)) {
        // Without a row: as it was before it was ever written.
        const draft = partition.draft(layout.type.index);
        draft.reset();
        table.put(key, draft);
      }
      table.touch(table.find(key), tick);
      countStubs(heap, -1);
      this.unlist();
    });
  }

  /** Gives up: what was staged is freed. */
  discard(): void {
    const { partition, layout, staged } = this;
    const isDone = partition.maintain(() => {
      const { heap } = partition;
      heap.takeReserve();
      const scan = new IndexScan(SCAN_ENTRIES);
      // One record at most, which a first look finds wherever it stands: the table is as small as they get.
      staged.scan(scan, 0);
      for (const record of scan.refs.subarray(0, scan.count)) {
        for (const slot of layout.structures) {
          const header = readU32(heap, record, slot.record);
          if (header !== 0) retireStructure(heap, slot, header);
        }
      }
      this.unlist();
    });
    assert(isDone, 'taking away needs no more than the reserve');
  }

  private unlist(): void {
    this.staged.destroy();
    listOf(this.partition)?.delete(this.listed);
  }
}

function listOf({ heap, scratch }: Partition): HotMap | undefined {
  const header = heap.i32[heap.root(ROOT)] as number;
  return header === 0 ? undefined : new HotMap(heap, header, SHAPE, scratch.seed);
}

function ensureList(partition: Partition): HotMap {
  const list = listOf(partition);
  if (list !== undefined) return list;
  partition.heap.publish(partition.heap.root(ROOT), HotMap.create(partition.heap));
  return listOf(partition) as HotMap;
}
