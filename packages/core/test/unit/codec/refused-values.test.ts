import { describe, expect, it } from 'vitest';
import { decodeValue } from '../../../src/codec/read-value.ts';
import { VALUE_BYTES_MAX, VALUE_DEPTH_MAX, VALUE_ITEMS_MAX } from '../../../src/codec/value-limits.ts';
import { encodeValue } from '../../../src/codec/write-value.ts';
import { isGridError } from '../../../src/errors/grid-error.ts';

class Money {
  readonly cents = 5;
}
class Stack extends Array<number> {}

function refusal(value: unknown): string {
  try {
    encodeValue(value, 'args[0]');
  } catch (error) {
    if (!isGridError(error, 'ENCODE')) throw error;
    expect(error.message.startsWith(String(error.details.path))).toBe(true);
    return error.message;
  }
  throw new Error('the value was not refused');
}

describe('a value that is no plain data is refused with its path', () => {
  const cases: [string, unknown, RegExp][] = [
    ['a function', { when: { fn() {} } }, /^args\[0\]\.when\.fn is a function/],
    ['a symbol', [1, Symbol('s')], /^args\[0\]\[1\] is a symbol/],
    ['a class instance', { price: new Money() }, /^args\[0\]\.price is of class Money/],
    ['a promise', { later: Promise.resolve(1) }, /^args\[0\]\.later is a promise: await it/],
    ['an error', new TypeError('x'), /^args\[0\] is of class TypeError/],
    ['another typed array', { 'a b': new Float64Array(1) }, /^args\[0\]\["a b"\] is of class Float64Array: bytes/],
    ['an array buffer', new ArrayBuffer(1), /of class ArrayBuffer: bytes/],
    ['a class that extends Array', Stack.from([1]), /of class Stack: an array itself/],
    ['a hole in an array', [1, , 3], /^args\[0\]\[1\] is a hole/], // oxlint-disable-line no-sparse-arrays
    ['a boxed text', Object('x'), /of class String/],
    ['a regular expression', /x/, /of class RegExp/],
    ['a function in a map', new Map([['k', [() => 1]]]), /^args\[0\]\.get\("k"\)\[0\] is a function/],
    ['a function as key of a map', new Map([[() => 1, 1]]), /^args\[0\]\.keys\[0\] is a function/],
    ['a symbol in a set', new Set([1, Symbol('s')]), /^args\[0\]\.values\[1\] is a symbol/],
    ['an own key __proto__', JSON.parse('{"a":{"__proto__":1}}'), /^args\[0\]\.a\.__proto__ has a key/],
    ['a key constructor', { constructor: 1 }, /^args\[0\]\.constructor has a key/],
    ['a key prototype', { prototype: 1 }, /^args\[0\]\.prototype has a key/],
    ['a huge bigint', 2n ** 8192n, /bigint of more than 1024 bytes/],
  ];
  for (const [what, value, message] of cases) {
    it(`refuses ${what}`, () => expect(refusal(value)).toMatch(message));
  }

  it('leaves out symbol keys and fields that can not be enumerated, as structuredClone does', () => {
    const value = Object.defineProperty({ a: 1, [Symbol('hidden')]: 2 }, 'b', { value: 3 });
    expect(decodeValue(encodeValue(value))).toEqual({ a: 1 });
  });

  it('leaves out what was put into Object.prototype', () => {
    let keys: string[];
    Object.defineProperty(Object.prototype, 'everywhere', { value: 1, enumerable: true, configurable: true });
    try {
      keys = Object.keys(decodeValue(encodeValue({ a: { b: 2 } })) as object);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'everywhere');
    }
    expect(keys).toEqual(['a']);
  });

  it('refuses a record that a getter changes while it is packed', () => {
    const value = {
      get a() {
        Reflect.deleteProperty(value, 'b');
        return 1;
      },
      b: 2,
    };
    expect(() => encodeValue(value)).toThrow(expect.objectContaining({ code: 'ENCODE' }));
  });

  it('leaves the error of a getter as it is', () => {
    const error = new Error('mine');
    expect(() =>
      encodeValue({
        get x() {
          throw error;
        },
      }),
    ).toThrow(error);
  });
});

describe('limits hold on both sides', () => {
  function nested(levels: number): unknown {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = [value];
    return value;
  }

  it('refuses what is too deep, also a value that holds itself', () => {
    expect(decodeValue(encodeValue(nested(VALUE_DEPTH_MAX)))).toEqual(nested(VALUE_DEPTH_MAX));
    expect(refusal(nested(VALUE_DEPTH_MAX + 1))).toMatch(/levels deep/);
    const itself: { me?: unknown } = {};
    itself.me = itself;
    expect(refusal(itself)).toMatch(/in itself/);
  });

  it('refuses too many items in one place', () => {
    const many = Array.from({ length: VALUE_ITEMS_MAX }, () => 0);
    expect(decodeValue(encodeValue(many))).toEqual(many);
    expect(refusal([...many, 0])).toMatch(/100001 items/);
    expect(refusal(new Set([...many, 0].keys()))).toMatch(/100001 items/);
  });

  it('refuses too many items in all', () => {
    const many = Array.from({ length: VALUE_ITEMS_MAX }, () => 0);
    expect(refusal(Array.from({ length: 11 }, () => many))).toMatch(/1000000 items in all/);
  });

  it('keeps 16 MiB of bytes or text, and refuses one more', () => {
    const bytes = new Uint8Array(VALUE_BYTES_MAX);
    expect((decodeValue(encodeValue(bytes)) as Uint8Array).length).toBe(VALUE_BYTES_MAX);
    expect(refusal(new Uint8Array(VALUE_BYTES_MAX + 1))).toMatch(/bytes: at most 16777216/);
    expect(refusal({ text: 'x'.repeat(VALUE_BYTES_MAX + 1) })).toMatch(/^args\[0\]\.text is a text of 16777217/);
    expect(() => encodeValue('€'.repeat(VALUE_BYTES_MAX / 2))).toThrow(/takes 25165824 bytes/);
  });

  it('refuses several texts that together exceed what a message holds', () => {
    const text = 'x'.repeat(6 * 1024 * 1024);
    expect(() => encodeValue([text, text, text])).toThrow(/at most 16842752/);
  });
});
