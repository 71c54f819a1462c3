import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackReader } from '../../../src/codec/pack-reader.ts';
import { decodeValue } from '../../../src/codec/read-value.ts';
import { encodeValue } from '../../../src/codec/write-value.ts';
import { isGridError } from '../../../src/errors/grid-error.ts';
import { anyValue } from './arbitrary-value.ts';

/** True when the bytes decode; whatever else than DecodeError is thrown goes up. */
function decodes(bytes: Uint8Array): boolean {
  try {
    decodeValue(bytes);
    return true;
  } catch (error) {
    if (!isGridError(error, 'DECODE')) throw error;
    return false;
  }
}

const prototypes = [
  Object.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  Uint8Array.prototype,
];

function shapes(): string {
  return prototypes.map((prototype) => Reflect.ownKeys(prototype).map(String).join()).join(';');
}

describe('bytes from outside', () => {
  it('end in a value or a DecodeError, and leave every prototype as it was: random ones', () => {
    const before = shapes();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodes(bytes)),
      { numRuns: 20_000 },
    );
    expect(shapes()).toBe(before);
  });

  it('end so: containers of random parts', () => {
    const container = fc.tuple(
      fc.constantFrom(0xaf, 0xbf, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xcf, 0xd0),
      fc.uint8Array({ maxLength: 60 }),
    );
    fc.assert(
      fc.property(fc.array(container, { maxLength: 6 }), (parts) => {
        decodes(Uint8Array.from(parts.flatMap(([tag, bytes]) => [tag, ...bytes])));
      }),
      { numRuns: 10_000 },
    );
  });

  it('end so: changed ones', () => {
    const before = shapes();
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(anyValue, fc.array(change, { minLength: 1, maxLength: 4 }), (value, changes) => {
        const bytes = encodeValue(value);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        decodes(bytes);
      }),
      { numRuns: 10_000 },
    );
    expect(shapes()).toBe(before);
  });

  it('never decode when cut off, or with bytes left over', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), (value, cut) => {
        const bytes = encodeValue(value);
        expect(decodes(bytes.subarray(0, cut % bytes.length))).toBe(false);
        expect(decodes(Uint8Array.from([...bytes, 0]))).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  it('are refused before anything is allocated, when they announce more than is there', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    for (const tag of [0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xcf, 0xd0]) {
      const before = process.memoryUsage();
      for (let round = 0; round < 50; round++) expect(decodes(Uint8Array.from([tag, ...huge, 0, 0]))).toBe(false);
      const after = process.memoryUsage();
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20);
    }
  });

  it('are refused when counts multiply: a million empty records is the most that a value holds', () => {
    // 11 arrays of 100,000 empty records: 1.1 MB that would become 1.1 million objects.
    const one = [0xcc, 0xa0, 0x8d, 0x06, ...new Array<number>(100_000).fill(0xb0)];
    const bytes = new Uint8Array(1 + one.length * 11);
    bytes[0] = 0xab;
    for (let index = 0; index < 11; index++) bytes.set(one, 1 + index * one.length);
    expect(() => decodeValue(bytes)).toThrow(/too many/);
  });

  it('are refused when they nest without end', () => {
    expect(() => decodeValue(new Uint8Array(1000).fill(0xa1))).toThrow(/levels deep/);
  });

  it('are refused with keys that reach into a prototype, in every encoding of the key', () => {
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const latin1 = [...Buffer.from(key, 'latin1')];
      const utf16 = [...Buffer.from(key, 'utf16le')];
      const keys = [
        [0x80 + latin1.length, ...latin1],
        [0xc8, latin1.length, ...latin1],
        [0xc9, latin1.length, ...latin1],
        [0xca, utf16.length, ...utf16],
      ];
      for (const bytes of keys)
        expect(() => decodeValue(Uint8Array.from([0xb1, ...bytes, 0xb0]))).toThrow(/not allowed/);
    }
  });

  it('are refused with a key that is no text', () => {
    expect(decodes(Uint8Array.from([0xb1, 5, 5]))).toBe(false);
    expect(decodes(Uint8Array.from([0xb1, 0xc0, 5]))).toBe(false);
  });

  it('never call a setter, nor hide behind a field of Object.prototype', () => {
    const bytes = encodeValue({ evil: 1, toString: 2, hasOwnProperty: 3 });
    let called = false;
    Object.defineProperty(Object.prototype, 'evil', {
      set: () => {
        called = true;
      },
      configurable: true,
    });
    try {
      const value = decodeValue(bytes) as Record<string, unknown>;
      expect(Object.entries(value)).toEqual([
        ['evil', 1],
        ['toString', 2],
        ['hasOwnProperty', 3],
      ]);
      expect(called).toBe(false);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'evil');
    }
  });

  it('are never read beyond the end of the region, though more follow', () => {
    const bytes = Uint8Array.from([0x83, 97, 98, 99]);
    for (let end = 0; end < 4; end++) {
      expect(() => new PackReader(bytes, 0, end).str()).toThrow(expect.objectContaining({ code: 'DECODE' }));
    }
    const reads = ['u8', 'i32', 'u32', 'f64', 'varint', 'blob', 'str'] as const;
    for (const read of reads)
      expect(() => new PackReader(bytes, 2, 2)[read]()).toThrow(expect.objectContaining({ code: 'DECODE' }));
    expect(() => new PackReader(bytes, 0, 3).raw(4)).toThrow(expect.objectContaining({ code: 'DECODE' }));
  });
});
