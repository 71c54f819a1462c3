/**
 * The shapes that a partition's rows were written in: for each actor type a list, whose numbers rows begin with. In the heap,
 * for successors of the thread, and as rows. The code's own shape is added before the first turn, so that turns only write a
 * number.
 */
import {
  HotMap,
  type KeyBytes,
  KeyScratch,
  type PackReader,
  RecordDraft,
  RecordShape,
  readByteLength,
  readByteOffset,
  SchemaVersionError,
} from '@spacegrid/core';
import type { Partition } from '../runtime/partition.ts';
import { RowMigration } from './row-migration.ts';
import { SYSTEM_SHAPE } from './row-keys.ts';
import { bytesTable, type SystemTable } from './system-table.ts';
import type { StateLayout } from './state-layout.ts';
import { decodeShape, encodeShape, shapeOf, shapeText, type StoredShape } from './stored-shape.ts';

const ROOT = 4;
const SHAPE = new RecordShape([{ name: 'shape', kind: 'packed' }]);
const BYTES = SHAPE.fieldOrThrow('shape');
const PREFIX = Uint8Array.of(0, SYSTEM_SHAPE);
/** Its rows: a shape. */
export const SHAPE_ROWS: SystemTable = bytesTable(ROOT, SYSTEM_SHAPE, SHAPE, BYTES);

export class ShapeTable {
  private readonly keys: KeyScratch;
  private readonly draft: RecordDraft;

  constructor(hashSeed: number) {
    this.keys = new KeyScratch(hashSeed);
    this.draft = new RecordDraft(SHAPE);
  }

  /** Restores a shape from its row. In a bracket. */
  restore(partition: Partition, key: KeyBytes, row: PackReader | undefined): void {
    if (row !== undefined) this.put(partition, key, row.raw(row.end - row.at));
  }

  /** Adds the shapes that the code defines, in a turn of its own, and notes their numbers for the turns to come. */
  register(partition: Partition): void {
    const missing: { readonly layout: StateLayout; readonly number: number }[] = [];
    for (const layout of partition.layouts) {
      const defined = shapeText(shapeOf(layout));
      const known = this.of(partition, layout.type.name);
      const at = known.findIndex((shape) => shapeText(shape) === defined);
      partition.shapeNumbers[layout.type.index] = at >= 0 ? at : known.length;
      if (at < 0) missing.push({ layout, number: known.length });
    }
    if (missing.length === 0) return;
    partition.begin(undefined);
    for (const { layout, number } of missing) {
      const key = this.keys.set(nameOf(layout.type.name, number));
      const bytes = encodeShape(shapeOf(layout));
      this.put(partition, key, bytes);
      partition.changes.put(PREFIX, undefined, key, bytes.length);
      partition.changes.writer.raw(bytes, 0, bytes.length);
    }
    partition.commitInternal();
  }

  /** How rows that begin with `number` are read. Throws SchemaVersionError when the code can't. */
  migration(partition: Partition, layout: StateLayout, number: number): RowMigration {
    const shape = this.at(partition, layout.type.name, number);
    if (shape === undefined) {
      throw new SchemaVersionError(
        `stored ${layout.type.name} has rows of shape ${number}, which partition ${partition.number} does not know; the code defines ${shapeText(shapeOf(layout))}`,
      );
    }
    return new RowMigration(shape, layout);
  }

  /** Throws SchemaVersionError when the code can't read one of the shapes in which actors of the type may be stored. */
  refuseUnreadable(partition: Partition, layout: StateLayout): void {
    const stored = this.of(partition, layout.type.name);
    for (let number = 0; number < stored.length; number++) this.migration(partition, layout, number);
  }

  /** All stored shapes of an actor type, oldest first. */
  of(partition: Partition, typeName: string): readonly StoredShape[] {
    const shapes: StoredShape[] = [];
    for (;;) {
      const shape = this.at(partition, typeName, shapes.length);
      if (shape === undefined) return shapes;
      shapes.push(shape);
    }
  }

  private at(partition: Partition, typeName: string, number: number): StoredShape | undefined {
    const record = tableOf(partition)?.find(this.keys.set(nameOf(typeName, number))) ?? 0;
    if (record === 0) return undefined;
    const { heap } = partition;
    const from = readByteOffset(heap, record, BYTES);
    return decodeShape(heap.u8.slice(from, from + readByteLength(heap, record, BYTES)));
  }

  private put(partition: Partition, key: KeyBytes, bytes: Uint8Array): void {
    this.draft.reset();
    this.draft.setBytes(BYTES, bytes);
    let table = tableOf(partition);
    if (table === undefined) {
      partition.heap.publish(partition.heap.root(ROOT), HotMap.create(partition.heap));
      table = tableOf(partition) as HotMap;
    }
    table.put(key, this.draft);
  }
}

function nameOf(typeName: string, number: number): string {
  return `${typeName}/${number}`;
}

function tableOf(partition: Partition): HotMap | undefined {
  const header = partition.heap.i32[partition.heap.root(ROOT)] as number;
  return header === 0 ? undefined : new HotMap(partition.heap, header, SHAPE, partition.scratch.seed);
}
