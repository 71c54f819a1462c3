import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeKey, KEY_BYTES_MAX, KeyScratch } from '../../../src/hash/key-bytes.ts';
import { partitionOf } from '../../../src/hash/partition-of.ts';
import { xxh32 } from '../../../src/hash/xxh32.ts';

const invalidKey = expect.objectContaining({ code: 'INVALID_KEY' });

describe('a key', () => {
  it('is the UTF-8 of its text', () => {
    const scratch = new KeyScratch(5);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }), (text) => {
        const key = scratch.set(text);
        expect(Buffer.from(key.bytes.subarray(key.offset, key.offset + key.length)).toString()).toBe(text);
        expect(key.hash).toBe(xxh32(Buffer.from(text), 0, key.length, 5));
      }),
    );
  });

  it('has 1 to 1,024 bytes, counted in UTF-8', () => {
    const scratch = new KeyScratch(0);
    expect(scratch.set('x'.repeat(KEY_BYTES_MAX)).length).toBe(KEY_BYTES_MAX);
    expect(scratch.set('€'.repeat(341)).length).toBe(1023);
    for (const text of ['', 'x'.repeat(1025), '€'.repeat(342), 'x'.repeat(100_000)]) {
      expect(() => scratch.set(text)).toThrow(invalidKey);
    }
  });

  it('holds no half of a surrogate pair', () => {
    for (const text of ['\ud800', 'a\udc00b', '\ude00\ud83d']) expect(() => encodeKey(text, 0)).toThrow(invalidKey);
    expect(encodeKey('😀', 0).length).toBe(4);
  });

  it('is a text', () => {
    for (const key of [undefined, null, 5, {}, ['a']]) expect(() => encodeKey(key as string, 0)).toThrow(invalidKey);
  });

  it('lasts when it was encoded without a scratch', () => {
    const first = encodeKey('first', 1);
    encodeKey('other', 1);
    expect(Buffer.from(first.bytes).toString()).toBe('first');
  });

  it('can stand elsewhere, and the scratch can be used again', () => {
    const scratch = new KeyScratch(3);
    const bytes = Buffer.from('..ada..');
    scratch.pointAndHash(bytes, 2, 3);
    expect(scratch.hash).toBe(encodeKey('ada', 3).hash);
    expect(scratch.set('eve').bytes).not.toBe(bytes);
    expect(bytes.toString()).toBe('..ada..');
  });

  it('belongs to one partition, evenly, whether its hash is read signed or not', () => {
    const counts = new Array<number>(64).fill(0);
    for (let index = 0; index < 64_000; index++) {
      const { hash } = encodeKey(`player-${index}`, 42);
      expect(partitionOf(hash, 64)).toBe(partitionOf(hash >>> 0, 64));
      counts[partitionOf(hash, 64)]!++;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1150);
  });
});
