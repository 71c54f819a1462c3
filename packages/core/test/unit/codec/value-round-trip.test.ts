import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackReader } from '../../../src/codec/pack-reader.ts';
import { PackOverflow, PackWriter } from '../../../src/codec/pack-writer.ts';
import { decodeValue, readValue } from '../../../src/codec/read-value.ts';
import { encodeValue, writeValue } from '../../../src/codec/write-value.ts';
import { anyText, anyValue } from './arbitrary-value.ts';

const GUARD = 0xa5;

describe('a packed value', () => {
  it('comes back equal, whatever it is', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(isDeepStrictEqual(decodeValue(encodeValue(value)), value)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('comes back equal through shared memory, and nothing beside its region is touched', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(1 << 16));
    fc.assert(
      fc.property(anyValue, fc.integer({ min: 0, max: 9 }), (value, offset) => {
        const bytes = encodeValue(value);
        fc.pre(bytes.length < 60_000);
        shared.fill(GUARD, 0, offset + bytes.length + 8);
        const writer = new PackWriter(shared, offset, offset + bytes.length);
        writeValue(writer, value);
        expect(writer.at).toBe(offset + bytes.length);
        expect(shared.subarray(0, offset).every((byte) => byte === GUARD)).toBe(true);
        expect(shared.subarray(writer.at, writer.at + 8).every((byte) => byte === GUARD)).toBe(true);
        expect(isDeepStrictEqual(readValue(new PackReader(shared, offset, writer.at)), value)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('overflows every region that is too small, with the one instance, and counts as not written', () => {
    fc.assert(
      fc.property(anyValue, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (value, part) => {
        const bytes = encodeValue(value);
        const end = 4 + Math.floor(bytes.length * part);
        const region = new Uint8Array(bytes.length + 16).fill(GUARD);
        const writer = new PackWriter(region, 4, end);
        let thrown: unknown;
        try {
          writeValue(writer, value);
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toBe(PackOverflow);
        expect(writer.at).toBe(4);
        expect(region.subarray(end).every((byte) => byte === GUARD)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps texts of any code units', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, times) => {
        const long = text.repeat(times);
        expect(decodeValue(encodeValue(long))).toBe(long);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps texts around the lengths where the encoding changes', () => {
    for (const unit of ['a', '\u00ff', '\u0100', '€', '😀', '\ud800']) {
      for (const length of [0, 1, 15, 16, 17, 30, 31, 32, 33, 63, 64, 65, 127, 128, 16_383, 16_384]) {
        const text = unit.repeat(length);
        expect(decodeValue(encodeValue(text))).toBe(text);
      }
    }
  });

  it('keeps whole numbers around each power of two', () => {
    for (let bits = 0; bits < 54; bits++) {
      for (const near of [-1, 0, 1]) {
        for (const sign of [1, -1]) {
          const number = sign * (2 ** bits + near);
          expect(Object.is(decodeValue(encodeValue(number)), number)).toBe(true);
        }
      }
    }
  });

  it('is small for what is common', () => {
    expect(encodeValue(7).length).toBe(1);
    expect(encodeValue(1000).length).toBe(3);
    expect(encodeValue('ada').length).toBe(4);
    expect(encodeValue({ rank: 1, member: 'ada', score: 120 }).length).toBe(25);
  });

  it('is a Uint8Array of its own where bytes were given', () => {
    const bytes = decodeValue(encodeValue(Buffer.from([1, 2, 3]))) as Uint8Array;
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect([...bytes]).toEqual([1, 2, 3]);
    const shared = new Uint8Array(new SharedArrayBuffer(64));
    writeValue(new PackWriter(shared), new Uint8Array([9]));
    const copy = readValue(new PackReader(shared)) as Uint8Array;
    expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('comes back equal as one of many records whose shapes share their first key', () => {
    const record = fc.subarray(['member', 'rank', 'score', 'note', 'toString', '7', 'ünï'], { minLength: 0 });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), fc.boolean(), (shapes, freeze) => {
        const value = shapes.map((keys, index) =>
          Object.fromEntries([['first', index], ...keys.map((key) => [key, key + index])]),
        );
        const decoded = decodeValue(encodeValue(value), freeze) as object[];
        expect(isDeepStrictEqual(decoded, value)).toBe(true);
        expect(decoded.map((one) => Object.keys(one))).toEqual(value.map((one) => Object.keys(one)));
      }),
      { numRuns: 500 },
    );
  });

  it('may have been made in another realm', () => {
    const value: unknown = runInNewContext('({ list: [1, { x: 2 }] })');
    expect(decodeValue(encodeValue(value))).toEqual({ list: [1, { x: 2 }] });
  });

  it('has the values of getters, and of records without a prototype', () => {
    const value = Object.assign(Object.create(null) as object, { a: 1 });
    expect(
      decodeValue(
        encodeValue({
          get now() {
            return 5;
          },
          value,
        }),
      ),
    ).toEqual({ now: 5, value: { a: 1 } });
  });

  it('may be packed while another one is being packed', () => {
    const outer = {
      first: 'x',
      get inner() {
        return encodeValue({ deep: true }).length;
      },
      last: 'y',
    };
    expect(decodeValue(encodeValue(outer))).toEqual({
      first: 'x',
      inner: encodeValue({ deep: true }).length,
      last: 'y',
    });
  });
});

describe('a frozen value', () => {
  const value = { list: [{ x: 1 }], map: new Map([['k', { y: 2 }]]), set: new Set([{ z: 3 }]) };

  it('is equal, and refuses every write at every depth', () => {
    'use strict';
    const frozen = decodeValue(encodeValue(value), true) as typeof value;
    expect(isDeepStrictEqual(decodeValue(encodeValue(frozen)), value)).toBe(true);
    expect(() => frozen.list.push({ x: 2 })).toThrow(TypeError);
    expect(() => {
      (frozen.list[0] as { x: number }).x = 5;
    }).toThrow(TypeError);
    expect(() => {
      frozen.list = [];
    }).toThrow(TypeError);
    expect(() => frozen.map.set('k', { y: 3 })).toThrow(/change a copy and assign it/);
    expect(() => {
      (frozen.map.get('k') as { y: number }).y = 5;
    }).toThrow(TypeError);
    expect(() => frozen.set.clear()).toThrow(/change a copy and assign it/);
  });
});
