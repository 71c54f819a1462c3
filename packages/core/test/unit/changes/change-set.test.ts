import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHANGE_CLEAR_PREFIX,
  CHANGE_DELETE,
  CHANGE_PUT,
  ChangeSetWriter,
  forEachChange,
} from '../../../src/changes/change-set.ts';
import { checksum32 } from '../../../src/changes/checksum.ts';
import { PackOverflow, PackWriter } from '../../../src/codec/pack-writer.ts';
import { isGridError } from '../../../src/errors/grid-error.ts';

const anyBytes = fc.uint8Array({ maxLength: 200 });
const anyChange = fc.oneof(
  fc.record({ kind: fc.constant(CHANGE_PUT), key: anyBytes, value: anyBytes }),
  fc.record({
    kind: fc.constantFrom(CHANGE_DELETE, CHANGE_CLEAR_PREFIX),
    key: anyBytes,
    value: fc.constant(new Uint8Array(0)),
  }),
);
type Change = { kind: number; key: Uint8Array; value: Uint8Array };

function write(changes: readonly Change[], writer: PackWriter): void {
  const set = new ChangeSetWriter(writer);
  for (const { kind, key, value } of changes) {
    if (kind === CHANGE_PUT) set.put(key, value);
    else if (kind === CHANGE_DELETE) set.delete(key);
    else set.clearPrefix(key);
  }
  expect(set.count).toBe(changes.length);
}

function read(bytes: Uint8Array, from = 0, to = bytes.length): Change[] {
  const changes: Change[] = [];
  const count = forEachChange(bytes, from, to, (kind, keyOffset, keyLength, valueOffset, valueLength) => {
    changes.push({
      kind,
      key: bytes.slice(keyOffset, keyOffset + keyLength),
      value: bytes.slice(valueOffset, valueOffset + valueLength),
    });
  });
  expect(count).toBe(changes.length);
  return changes;
}

describe('a change set', () => {
  it('is visited as it was written, wherever it stands', () => {
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 20 }), fc.nat(20), (changes, offset) => {
        const writer = PackWriter.growing();
        writer.raw(new Uint8Array(offset));
        write(changes, writer);
        const to = writer.at;
        writer.u8(1);
        expect(read(writer.written(), offset, to)).toEqual(changes);
      }),
      { numRuns: 1000 },
    );
  });

  it('ends in changes or a DecodeError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 5 }), fc.nat(), fc.nat(255), fc.nat(), (changes, at, byte, cut) => {
        const writer = PackWriter.growing();
        write(changes, writer);
        const bytes = writer.written().slice();
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        try {
          read(bytes.subarray(0, bytes.length - (cut % 3)));
        } catch (error) {
          if (!isGridError(error, 'DECODE')) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('holds whole operations only, when its region overflows', () => {
    const key = new Uint8Array(10).fill(7);
    const value = new Uint8Array(20).fill(8);
    for (let size = 0; size < 120; size++) {
      const writer = new PackWriter(new Uint8Array(size));
      const set = new ChangeSetWriter(writer);
      expect(() => {
        for (;;) set.put(key, value);
      }).toThrow(PackOverflow);
      expect(read(writer.written())).toEqual(
        Array.from({ length: set.count }, () => ({ kind: CHANGE_PUT, key, value })),
      );
    }
  });
});

describe('a checksum', () => {
  it('is the same wherever the bytes stand, and another for every flipped bit', () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, index) => index);
    const sum = checksum32(bytes);
    expect(sum).toBe(checksum32(Uint8Array.from([9, ...bytes, 9]), 1, 41));
    for (let bit = 0; bit < 320; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(checksum32(flipped)).not.toBe(sum);
    }
  });

  it('is stored on disk: it never changes', () => {
    expect(checksum32(Buffer.from('SpaceGrid'))).toMatchInlineSnapshot(`770352220`);
  });
});
