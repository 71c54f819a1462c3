import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import xxhash, { type XXHashAPI } from 'xxhash-wasm';
import { digest64, loadDigest64 } from '../../../src/hash/digest64.ts';
import { encodeKey } from '../../../src/hash/key-bytes.ts';
import { xxh32 } from '../../../src/hash/xxh32.ts';

let wasm: XXHashAPI;
beforeAll(async () => {
  wasm = await xxhash();
  await loadDigest64();
});

const anySeed = fc.oneof(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

describe('the hash in JavaScript', () => {
  it('is bit-equal to xxhash-wasm, at any offset and in shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4096));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), anySeed, fc.nat(64), (bytes, seed, offset) => {
        shared.set(bytes, offset);
        expect(xxh32(shared, offset, bytes.length, seed) >>> 0).toBe(wasm.h32Raw(bytes, seed) >>> 0);
      }),
      { numRuns: 5000 },
    );
  });

  it('is bit-equal for every length to 200', () => {
    const bytes = Uint8Array.from({ length: 200 }, (_, index) => index * 37);
    for (let length = 0; length <= 200; length++) {
      expect(xxh32(bytes, 0, length, 7) >>> 0).toBe(wasm.h32Raw(bytes.subarray(0, length), 7) >>> 0);
    }
  });

  it('of a key is that of its UTF-8', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ minLength: 1, maxLength: 60 }),
          fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
        ),
        anySeed,
        (key, seed) => {
          expect(encodeKey(key, seed).hash >>> 0).toBe(wasm.h32(key, seed) >>> 0);
        },
      ),
      { numRuns: 3000 },
    );
    for (const longest of ['x'.repeat(1024), '€'.repeat(341)]) {
      expect(encodeKey(longest, 3).hash >>> 0).toBe(wasm.h32(longest, 3) >>> 0);
    }
  });

  it('is signed, as words of a heap are', () => {
    const hashes = Array.from({ length: 100 }, (_, index) => encodeKey(`key-${index}`, 0).hash);
    expect(hashes.every((hash) => hash === (hash | 0))).toBe(true);
    expect(hashes.some((hash) => hash < 0)).toBe(true);
  });
});

describe('the 64-bit digest', () => {
  it('is XXH64, over shared memory too', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(100)).fill(5);
    expect(digest64(shared, 9n)).toBe(wasm.h64Raw(new Uint8Array(100).fill(5), 9n));
    expect(digest64(new Uint8Array(0))).toBe(0xef46db3751d8e999n);
  });
});
