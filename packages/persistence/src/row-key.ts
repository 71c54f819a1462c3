/** A row's identity as a text, for tables in memory: partition and key bytes. */
export function rowIdentity(partition: number, key: Uint8Array): string {
  return `${partition}:${Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')}`;
}

export function beginsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && prefix.every((byte, index) => key[index] === byte);
}
