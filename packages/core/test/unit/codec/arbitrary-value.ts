import fc from 'fast-check';

/** Texts of any UTF-16 code units, half surrogate pairs too, of lengths around the limits of the fast paths. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 80 }).map((codes) => String.fromCharCode(...codes)),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((codes) => String.fromCharCode(...codes)),
  fc.array(fc.integer({ min: 0xd7ff, max: 0xe000 }), { maxLength: 10 }).map((codes) => String.fromCharCode(...codes)),
);

const refused = new Set(['__proto__', 'constructor', 'prototype']);
const anyKey = fc
  .oneof(anyText, fc.constantFrom('toString', 'valueOf', 'hasOwnProperty', 'then', '', '0', '17', 'length'))
  .filter((key) => !refused.has(key));

const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    false,
    0,
    -0,
    127,
    128,
    -32,
    -33,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
  ),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  anyText,
  fc.uint8Array({ maxLength: 100 }),
  fc.date({ noInvalidDate: false }),
);

/** Every kind of value that can be packed. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(anyKey, tie('value'), { maxKeys: 20, noNullPrototype: true }),
    fc.array(fc.tuple(fc.oneof(leaf, tie('value')), tie('value')), { maxLength: 6 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 6 }).map((items) => new Set(items)),
  ),
})).value;
