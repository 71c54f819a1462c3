/**
 * Reads of many entries of a map: in rounds of 64, whose cache misses overlap. One round serves a thread, since no read calls
 * back.
 */
import { type HotMap, KeyRound, type KeyScratch } from '@spacegrid/core';

let round: KeyRound | undefined;

/** What `read` makes of each key's record (0: there is none), in order. Throws InvalidKeyError. */
export function readMany<T>(
  map: HotMap | undefined,
  keys: readonly string[],
  scratch: KeyScratch,
  read: (record: number) => T,
): T[] {
  const found: T[] = [];
  round ??= new KeyRound();
  for (let first = 0; first < keys.length; ) {
    const count = round.take(keys, first, scratch);
    if (map === undefined) round.refs.fill(0, 0, count);
    else map.findMany(round, round.refs);
    for (let index = 0; index < count; index++) found.push(read(round.refs[index] as number));
    first += count;
  }
  return found;
}
