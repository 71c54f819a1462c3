/** 64-bit digests (XXH64 by xxhash-wasm) of batches and ranges: to find damage and differences, not to resist an attacker. */
import xxhash, { type XXHashAPI } from 'xxhash-wasm';
import { assert } from '../assert.ts';

let api: XXHashAPI | undefined;
let loading: Promise<void> | undefined;

/** Compiles the wasm module, once a thread. To be awaited before the first digest64. */
export function loadDigest64(): Promise<void> {
  loading ??= xxhash().then((loaded) => {
    api = loaded;
  });
  return loading;
}

/** XXH64 of the bytes, which may be shared memory. */
export function digest64(bytes: Uint8Array, seed?: bigint): bigint {
  assert(api !== undefined, 'loadDigest64 was awaited before digest64');
  return api.h64Raw(bytes, seed);
}
