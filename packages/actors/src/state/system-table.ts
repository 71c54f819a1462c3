/** A partition's table that belongs to no actor, and how its rows are written from records and back: for who compares them. */
import {
  type Heap,
  type PackReader,
  type PackWriter,
  type RecordDraft,
  type RecordField,
  type RecordShape,
  readByteLength,
  readByteOffset,
} from '@spacegrid/core';

export interface SystemTable {
  readonly root: number;
  readonly system: number;
  readonly shape: RecordShape;
  /** Writes a record as its row's value. */
  write(row: PackWriter, heap: Heap, record: number): void;
  /** Fills a fresh draft from a row's value. */
  draft(draft: RecordDraft, row: PackReader): void;
}

/** One whose rows are the bytes of one field. */
export function bytesTable(root: number, system: number, shape: RecordShape, field: RecordField): SystemTable {
  return {
    root,
    system,
    shape,
    write: (row, heap, record) => writeBytes(row, heap, record, field),
    draft: (draft, row) => draft.setBytes(field, row.raw(row.end - row.at)),
  };
}

export function writeBytes(row: PackWriter, heap: Heap, record: number, field: RecordField): void {
  const length = readByteLength(heap, record, field);
  if (length < 0) return;
  row.room(length);
  row.raw(heap.u8, readByteOffset(heap, record, field), length);
}
