import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackReader } from '../../../src/codec/pack-reader.ts';
import { PackOverflow, PackWriter } from '../../../src/codec/pack-writer.ts';
import { anyText } from './arbitrary-value.ts';

const primitive = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant('i32' as const), value: fc.integer() }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.record({ kind: fc.constant('varint' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.record({ kind: fc.constant('f64' as const), value: fc.double() }),
  fc.record({ kind: fc.constant('str' as const), value: anyText }),
  fc.record({ kind: fc.constant('blob' as const), value: fc.uint8Array({ maxLength: 200 }) }),
);

describe('primitives', () => {
  it('come back in order', () => {
    fc.assert(
      fc.property(fc.array(primitive, { maxLength: 30 }), (items) => {
        const writer = PackWriter.growing(16);
        for (const { kind, value } of items) (writer[kind] as (value: unknown) => void)(value);
        const reader = new PackReader(writer.written());
        for (const { kind, value } of items) expect(reader[kind]()).toEqual(value);
        expect(reader.left).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('take 1 to 5 bytes as varint, and fit a region of just that size', () => {
    for (const [value, bytes] of [
      [0, 1],
      [127, 1],
      [128, 2],
      [16_383, 2],
      [16_384, 3],
      [2 ** 21, 4],
      [2 ** 28, 5],
      [2 ** 32 - 1, 5],
    ] as const) {
      const writer = new PackWriter(new Uint8Array(bytes));
      writer.varint(value);
      expect(writer.at).toBe(bytes);
      expect(() => new PackWriter(new Uint8Array(bytes - 1)).varint(value)).toThrow(PackOverflow);
    }
  });

  it('refuse a varint of more than 32 bits', () => {
    expect(() => new PackReader(Uint8Array.from([255, 255, 255, 255, 16])).varint()).toThrow(/32 bits/);
    expect(() => new PackReader(new Uint8Array(9).fill(255)).varint()).toThrow(/32 bits/);
  });

  it('stop a growing writer at its limit with an EncodeError', () => {
    const writer = PackWriter.growing(16, 1000);
    writer.raw(new Uint8Array(1000));
    expect(() => writer.u8(1)).toThrow(expect.objectContaining({ code: 'ENCODE' }));
  });
});
