import { type Heap, type HotMap, IndexScan, InvalidArgumentError } from '@spacegrid/core';
import { readEntry } from './entry-values.ts';
import type { EntryLayout } from './state-layout.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;
/** Bound: steps of the index in one call; each looks at some hundred buckets. */
const STEPS_MAX = 64;

export interface EntryPage {
  readonly entries: [string, Readonly<Record<string, unknown>>][];
  readonly cursor: string | undefined;
}

/** Some of a map's entries behind `cursor`: about `limit`, up to a bucket's worth more; those that `isLive`, where it is given. */
export function scanEntries(
  map: HotMap | undefined,
  layout: EntryLayout,
  cursor = '0',
  limit: number = LIMIT_DEFAULT,
  isLive?: (heap: Heap, record: number) => boolean,
): EntryPage {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX)) {
    throw new InvalidArgumentError(`scan takes a limit from 1 to ${LIMIT_MAX}: not ${limit}`);
  }
  const from = Number(cursor);
  if (!(typeof cursor === 'string' && Number.isSafeInteger(from) && from >= 0))
    throw new InvalidArgumentError(`${cursor} is no cursor of a scan`);
  const entries: [string, Readonly<Record<string, unknown>>][] = [];
  if (map === undefined) return { entries, cursor: undefined };
  const scan = new IndexScan(limit);
  let next = from;
  for (let steps = 0; steps < STEPS_MAX && entries.length < limit; steps++) {
    next = map.scan(scan, next);
    for (let index = 0; index < scan.count; index++) {
      const record = scan.refs[index] as number;
      if (isLive !== undefined && !isLive(map.heap, record)) continue;
      entries.push([map.keyOf(record), readEntry(map.heap, record, layout)]);
    }
    if (next === 0) return { entries, cursor: undefined };
  }
  return { entries, cursor: String(next) };
}
