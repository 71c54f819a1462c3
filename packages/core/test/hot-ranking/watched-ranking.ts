/** What the stress test's writer and readers agree on. */
import type { RankingOptions } from '../../src/structures/hot-ranking/ranking-header.ts';

export const HASH_SEED = 5;
/** Members 0 to this are always there, though their scores change. */
export const STABLE_MEMBERS = 600;
export const MEMBERS = 6000;
/** A score leaves the remainder of its member's number: a record mixed up with another one shows. */
export const REMAINDERS = 16;

export const RANKINGS: readonly Required<RankingOptions>[] = [
  { order: 'desc', ties: 'first-to-reach' },
  { order: 'asc', ties: 'dense' },
  { order: 'desc', ties: 'competition' },
  { order: 'asc', ties: 'ordinal' },
];

/** What readers count. */
export const SNAPSHOTS = 0;
export const ENTRIES = 1;
export const AGREEMENTS = 2;
export const TORN = 3;
export const DROPPED = 4;
export const BUSY = 5;

/** Made once: readers check millions of names. */
const names = Array.from({ length: MEMBERS }, (_, number) =>
  number % 3 === 0 ? `${number} ${'long name '.repeat(number % 4)}` : `member-${number}`,
);
const numbers = new Map(names.map((name, number) => [name, number]));

export function memberName(number: number): string {
  return names[number] as string;
}

/** −1 for a name that nobody has. */
export function numberOfMember(member: string): number {
  return numbers.get(member) ?? -1;
}

export function scoreFor(number: number, step: number): number {
  return (step % 97) * REMAINDERS + (number % REMAINDERS);
}
