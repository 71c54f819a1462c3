/**
 * Walks the groups of rows whose keys begin alike (RecoveryCredit in core says what a group is): what a start wants to know of
 * actors that it does not load. Keys are read in pages; a group of more rows than a page holds is skipped with one look-up.
 */
import { ChangeSetWriter, PackWriter } from '@spacegrid/core';
import type { GroupRange, RowPage } from './fold-messages.ts';
import { beginsWith, endOfPrefix } from './row-key.ts';
import type { RowsFile } from './rows-file.ts';

const LENGTH_BYTES = 2;
const KEYS_A_PAGE = 4000;
const NO_VALUE = new Uint8Array(0);

/** One page. A key that holds no group is left out: nothing that an actor wrote looks so. */
export function groupsOf(file: Pick<RowsFile, 'keys'>, partition: number, { prefix, from }: GroupRange): RowPage {
  const writer = PackWriter.growing(64 * 1024, 256 * 1024 * 1024);
  const changes = new ChangeSetWriter(writer);
  const to = endOfPrefix(prefix);
  const keys = to === undefined ? [] : file.keys(partition, { from, to }, KEYS_A_PAGE);
  let group: Uint8Array | undefined;
  for (const key of keys) {
    if (group !== undefined && beginsWith(key, group)) continue;
    group = groupOf(key, prefix.length);
    if (group !== undefined) changes.put(group, NO_VALUE);
  }
  const last = keys[keys.length - 1];
  const isLast = keys.length < KEYS_A_PAGE || last === undefined;
  // The rest of the last group, whose rows may be many, is passed over.
  const next = isLast ? undefined : endOfPrefix(group ?? last);
  return { changes: writer.written().slice(), rows: changes.count, next, damaged: [] };
}

function groupOf(key: Uint8Array, prefixBytes: number): Uint8Array | undefined {
  const high = key[prefixBytes];
  const low = key[prefixBytes + 1];
  if (high === undefined || low === undefined) return undefined;
  const end = prefixBytes + LENGTH_BYTES + high * 256 + low;
  return end <= key.length ? key.slice(0, end) : undefined;
}
