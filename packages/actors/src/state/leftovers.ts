/**
 * Rows of structures that a newer version of the code dropped, by what their keys begin with: found while a partition is loaded,
 * taken out of the store by turns of their own, so that no later version finds them again. Until then they are kept in the heap:
 * a thread that dies in between leaves them to its successor, which loads nothing any more.
 */
import {
  HotMap,
  IndexScan,
  KeyScratch,
  PackReader,
  PackWriter,
  RecordDraft,
  RecordShape,
  readByteLength,
  readByteOffset,
  readValue,
  writeValue,
} from '@spacegrid/core';
import type { Partition } from '../runtime/partition.ts';

const ROOT = 7;
const SHAPE = new RecordShape([{ name: 'prefixes', kind: 'packed' }]);
const PREFIXES = SHAPE.fieldOrThrow('prefixes');
/** Bound: what one turn takes out. */
const DROPPED_A_TURN = 256;

export class Leftovers {
  private readonly keys: KeyScratch;
  private readonly draft = new RecordDraft(SHAPE);

  constructor(hashSeed: number) {
    this.keys = new KeyScratch(hashSeed);
  }

  /** Before the loaded partition has a sequence; again after a death in the middle. Throws CapacityError. */
  keep(partition: Partition, prefixes: readonly Uint8Array[]): void {
    const { heap } = partition;
    for (let from = 0; from < prefixes.length; from += DROPPED_A_TURN) {
      const writer = PackWriter.growing();
      writeValue(writer, prefixes.slice(from, from + DROPPED_A_TURN));
      heap.begin();
      this.draft.reset();
      this.draft.setBytes(PREFIXES, writer.written());
      ensureTable(partition).put(this.keys.set(`${from}`), this.draft);
      heap.endMaintenance();
    }
    partition.generation++;
  }

  /** In turns of their own. What there is no room for is left to a successor. */
  drop(partition: Partition): void {
    const table = tableOf(partition);
    if (table === undefined || table.size === 0) return;
    const { heap, changes } = partition;
    const names: string[] = [];
    const scan = new IndexScan(DROPPED_A_TURN);
    let cursor = 0;
    do {
      cursor = table.scan(scan, cursor);
      for (let index = 0; index < scan.count; index++) names.push(table.keyOf(scan.refs[index] as number));
    } while (cursor !== 0);
    for (const name of names) {
      partition.internalTurn(() => {
        const record = table.find(this.keys.set(name));
        const from = readByteOffset(heap, record, PREFIXES);
        const reader = new PackReader(heap.u8, from, from + readByteLength(heap, record, PREFIXES));
        for (const prefix of readValue(reader) as Uint8Array[]) changes.clear(prefix, undefined);
        table.delete(this.keys.set(name));
      });
    }
  }
}

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}

function ensureTable(partition: Partition): HotMap {
  const table = tableOf(partition);
  if (table !== undefined) return table;
  partition.heap.publish(partition.heap.root(ROOT), HotMap.create(partition.heap));
  return tableOf(partition) as HotMap;
}
