import { StoreCorruptError } from '@spacegrid/core';
import type { RowPage } from './fold-messages.ts';

const KEYS_NAMED_MAX = 20;

/** Throws StoreCorruptError when rows of a page fail their checksum. */
export function refuseDamage(partition: number, { damaged }: RowPage): void {
  const [first] = damaged;
  if (first === undefined) return;
  const keys = damaged.slice(0, KEYS_NAMED_MAX).map((bytes) => Buffer.from(bytes).toString('hex'));
  throw new StoreCorruptError(
    `${damaged.length} rows of partition ${partition} fail their checksum, the first has the key ${keys[0]}: restore a backup`,
    { details: { partition, keys } },
  );
}
