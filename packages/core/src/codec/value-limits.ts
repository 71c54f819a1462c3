/** Limits of one packed value, checked on both sides, and when reading before anything is allocated. */

/** Bytes of a value, and of any text or bytes in it. */
export const VALUE_BYTES_MAX: number = 16 * 1024 * 1024;
/** Arrays, records, maps and sets inside each other. */
export const VALUE_DEPTH_MAX = 32;
/** Items of one array, map or set, fields of one record. */
export const VALUE_ITEMS_MAX = 100_000;
/** Items of all arrays, records, maps and sets of a value: bounds what 16 MiB of one-byte items can make a reader allocate. */
export const VALUE_ITEMS_TOTAL_MAX = 1_000_000;
/** Bytes of a bigint's magnitude. */
export const BIGINT_BYTES_MAX = 1024;

/** Keys of records that reach into prototypes where code is careless: refused when writing and when reading. */
export function isRefusedKey(key: string): boolean {
  const length = key.length;
  if (length === 9) return key === '__proto__' || key === 'prototype';
  return length === 11 && key === 'constructor';
}
