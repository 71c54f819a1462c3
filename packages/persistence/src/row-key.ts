/** A row's identity as a text, for tables in memory: partition and key bytes. */
export function rowIdentity(partition: number, key: Uint8Array): string {
  return `${partition}:${Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')}`;
}

export function beginsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && prefix.every((byte, index) => key[index] === byte);
}

/** The first key behind `key`. */
export function keyBehind(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** The first key behind all that begin with `prefix`; undefined when there is none. */
export function endOfPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let at = prefix.length - 1; at >= 0; at--) {
    if (prefix[at] === 0xff) continue;
    const end = prefix.slice(0, at + 1);
    end[at] = (end[at] as number) + 1;
    return end;
  }
  return undefined;
}

/** Keys from `from` on and before `to`; without one, to the last. */
export interface RowRange {
  readonly from: Uint8Array;
  readonly to?: Uint8Array | undefined;
}
