/**
 * Reads primitives from a region of bytes. Safe for any bytes: each read checks what is left before it allocates, and throws
 * nothing but DecodeError.
 */
import { DecodeError } from '../errors/grid-errors.ts';
import { latin1Slice, utf8Slice, utf16Slice } from './buffer-text.ts';
import { SHORT_TEXT_BYTES_MAX, shortText } from './short-text.ts';
import { LATIN1, SHORT_TEXT, SHORT_TEXT_MAX, UTF8, UTF16 } from './tags.ts';
import { VALUE_BYTES_MAX } from './value-limits.ts';

const scratchF64 = new Float64Array(1);
const scratch = new Uint8Array(scratchF64.buffer);

export class PackReader {
  bytes: Uint8Array;
  /** Next byte to read. */
  at: number;
  /** First byte that may not be read. */
  end: number;
  /** Items read by the running readValue. */
  items: number;

  /** Over `bytes[at, end)`. */
  constructor(bytes: Uint8Array, at: number = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.items = 0;
  }

  /** Moves the reader to another region. */
  reset(bytes: Uint8Array, at: number, end: number): this {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    return this;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Throws DecodeError unless this many bytes are left. */
  need(bytes: number): void {
    if (this.at + bytes > this.end) this.truncated(bytes);
  }

  u8(): number {
    if (this.at >= this.end) this.truncated(1);
    return this.bytes[this.at++] as number;
  }

  i32(): number {
    this.need(4);
    const { bytes, at } = this;
    this.at = at + 4;
    return (
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    );
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  f64(): number {
    this.need(8);
    const { bytes, at } = this;
    scratch[0] = bytes[at] as number;
    scratch[1] = bytes[at + 1] as number;
    scratch[2] = bytes[at + 2] as number;
    scratch[3] = bytes[at + 3] as number;
    scratch[4] = bytes[at + 4] as number;
    scratch[5] = bytes[at + 5] as number;
    scratch[6] = bytes[at + 6] as number;
    scratch[7] = bytes[at + 7] as number;
    this.at = at + 8;
    return scratchF64[0] as number;
  }

  varint(): number {
    const first = this.u8();
    if (first < 128) return first;
    let value = first & 127;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.u8();
      value |= (byte & 127) << shift;
      if (byte < 128) {
        if (shift === 28 && byte > 15) break;
        return value >>> 0;
      }
    }
    throw new DecodeError(`a whole number before byte ${this.at} takes more than 32 bits`);
  }

  /** A copy of the next bytes. */
  raw(length: number): Uint8Array {
    this.need(length);
    const at = this.at;
    this.at = at + length;
    // Not slice: it would make shared memory for a region that is shared, and a Buffer of a Buffer's pool for a Buffer.
    const copy = new Uint8Array(length);
    copy.set(this.bytes.subarray(at, at + length));
    return copy;
  }

  /** A copy of bytes that stand behind their length. */
  blob(): Uint8Array {
    return this.raw(this.length());
  }

  /** A text that PackWriter.str wrote. */
  str(): string {
    const tag = this.u8();
    if (tag >= SHORT_TEXT && tag <= SHORT_TEXT + SHORT_TEXT_MAX) return this.latin1(tag & SHORT_TEXT_MAX);
    return this.longText(tag);
  }

  /** A text of `length` characters in as many bytes. */
  latin1(length: number): string {
    const { bytes, at } = this;
    const end = at + length;
    if (end > this.end) this.truncated(length);
    this.at = end;
    return length <= SHORT_TEXT_BYTES_MAX ? shortText(bytes, at, length) : latin1Slice(bytes, at, end);
  }

  /** The rest of a text whose tag was read. */
  longText(tag: number): string {
    if (tag < LATIN1 || tag > UTF16)
      throw new DecodeError(`a text is expected at byte ${this.at - 1}, and tag ${tag} stands there`);
    const length = this.length();
    if (tag === LATIN1) return this.latin1(length);
    const at = this.at;
    this.at = at + length;
    if (tag === UTF8) return utf8Slice(this.bytes, at, at + length);
    if ((length & 1) !== 0)
      throw new DecodeError(`a text at byte ${at} has ${length} bytes of UTF-16: the number is even`);
    return utf16Slice(this.bytes, at, at + length);
  }

  /** A length in bytes, all of them there and no more than a value may have. */
  private length(): number {
    const length = this.varint();
    if (length > VALUE_BYTES_MAX) {
      throw new DecodeError(
        `${length} bytes are announced before byte ${this.at}: at most ${VALUE_BYTES_MAX} are allowed`,
      );
    }
    this.need(length);
    return length;
  }

  private truncated(bytes: number): never {
    throw new DecodeError(`the bytes end at ${this.end}, and ${bytes} more are expected at ${this.at}`);
  }
}
