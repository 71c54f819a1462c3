/**
 * The row of a map's entry: `shape number (varint), scalars…`, and where entries of its map can end `deadline (f64)`, in
 * wall-clock milliseconds, Infinity for never. Rows from before the map had such options have none.
 */
import { type Heap, type PackReader, type PackWriter, readF64 } from '@spacegrid/core';
import { rowScalarBytesMax, writeRowScalars } from './scalar-values.ts';
import type { EntryLayout } from './state-layout.ts';

const SHAPE_NUMBER_BYTES_MAX = 5;
const DEADLINE_BYTES = 8;

export function entryRowBytesMax(heap: Heap, record: number, layout: EntryLayout): number {
  return SHAPE_NUMBER_BYTES_MAX + rowScalarBytesMax(heap, record, layout.scalars) + DEADLINE_BYTES;
}

export function writeEntryRow(
  row: PackWriter,
  shapeNumber: number,
  heap: Heap,
  record: number,
  layout: EntryLayout,
): void {
  row.varint(shapeNumber);
  writeRowScalars(row, heap, record, layout.scalars);
  const { deadline } = layout.shape;
  if (deadline !== undefined) row.f64(readF64(heap, record, deadline));
}

/** What stands behind the scalars; undefined in a row without a deadline. */
export function readRowDeadline(row: PackReader): number | undefined {
  return row.at < row.end ? row.f64() : undefined;
}
