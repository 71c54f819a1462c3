/** Entries of a map between JavaScript and the words of their records. */
import { type Heap, InvalidArgumentError, type RecordDraft, readField } from '@spacegrid/core';
import { checkScalar, draftScalar } from './scalar-values.ts';
import type { EntryLayout } from './state-layout.ts';

export function readEntry(heap: Heap, record: number, layout: EntryLayout): Readonly<Record<string, unknown>> {
  const entry: Record<string, unknown> = {};
  for (const slot of layout.scalars) entry[slot.name] = readField(heap, record, slot.record);
  return Object.freeze(entry);
}

/** Puts the given fields in a draft. Throws InvalidArgumentError for a name that the entry does not have. */
export function draftEntry(draft: RecordDraft, layout: EntryLayout, value: Readonly<Record<string, unknown>>): void {
  if (typeof value !== 'object' || value === null)
    throw new InvalidArgumentError(`an entry is a record of its fields: got ${String(value)}`);
  for (const name of Object.keys(value)) {
    const slot = layout.byName.get(name);
    if (slot === undefined)
      throw new InvalidArgumentError(`an entry has no field ${name}: it has ${[...layout.byName.keys()].join(', ')}`);
    draftScalar(draft, slot, checkScalar(slot, value[name]));
  }
}
