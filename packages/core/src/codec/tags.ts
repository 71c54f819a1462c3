/**
 * First byte of each packed value. Numbers are little-endian, counts and lengths are varints; lengths of texts are in bytes.
 *
 * ```
 * 00…7f  whole numbers 0…127          c0  null          c8  text, one byte a character (Latin-1): length, bytes
 * 80…9f  Latin-1 text of 0…31         c1  undefined     c9  text in UTF-8: length, bytes
 * a0…af  array of 0…15 items          c2  false         ca  text in UTF-16, of any code units: length, bytes
 * b0…bf  record of 0…15 fields        c3  true          cb  bytes: length, bytes
 * e0…ff  whole numbers −32…−1         c4  whole number of 32 bits, zigzag varint
 *                                     c5  number, 8 bytes
 * d1…df  not used: refused            c6  bigint of 64 bits, 8 bytes
 *                                     c7  bigint: (length × 2 + sign), magnitude
 *                                     cc  array: count, items
 *                                     cd  record: count, (text, value)…
 *                                     ce  date, milliseconds in 8 bytes
 *                                     cf  map: count, (key, value)…
 *                                     d0  set: count, items
 * ```
 * Stored and sent between versions: a tag never changes its meaning.
 */
export const SMALL_INT_MAX = 0x7f;
export const SHORT_TEXT = 0x80;
export const SHORT_TEXT_MAX = 31;
export const SHORT_ARRAY = 0xa0;
export const SHORT_RECORD = 0xb0;
export const SHORT_COUNT_MAX = 15;
export const NULL = 0xc0;
export const UNDEFINED = 0xc1;
export const FALSE = 0xc2;
export const TRUE = 0xc3;
export const INT = 0xc4;
export const DOUBLE = 0xc5;
export const BIGINT64 = 0xc6;
export const BIGINT = 0xc7;
export const LATIN1 = 0xc8;
export const UTF8 = 0xc9;
export const UTF16 = 0xca;
export const BYTES = 0xcb;
export const ARRAY = 0xcc;
export const RECORD = 0xcd;
export const DATE = 0xce;
export const MAP = 0xcf;
export const SET = 0xd0;
export const NEGATIVE_INT = 0xe0;
export const NEGATIVE_INT_MIN = -32;
