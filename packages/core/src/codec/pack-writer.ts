/**
 * Writes primitives into a region of bytes: a fixed one, which may be shared memory, or a growing one of its own. The hot
 * path (small numbers, short texts) is plain byte stores, with no allocation.
 */
import { EncodeError } from '../errors/grid-errors.ts';
import { latin1Write, utf8Length, utf8Write, utf16Write } from './buffer-text.ts';
import { LATIN1, SHORT_TEXT, SHORT_TEXT_MAX, UTF8, UTF16 } from './tags.ts';
import { VALUE_BYTES_MAX } from './value-limits.ts';

class Overflow extends Error {
  override readonly name: string = 'PackOverflow';
}

/** Thrown, always this instance, when a fixed region is full. Internal: the caller finds more room, or says what is too large. */
export const PackOverflow: Error = new Overflow('the region is full');

/** Up to here a loop over the characters is faster than a call into Node. */
const LOOP_UNITS_MAX = 64;
const GROWING_BYTES = 256;
/** Room for a value of the largest size and what stands around it. */
const GROWING_BYTES_MAX: number = VALUE_BYTES_MAX + 65_536;

const scratchF64 = new Float64Array(1);
const scratch = new Uint8Array(scratchF64.buffer);

export class PackWriter {
  bytes: Uint8Array;
  /** Next byte to write. */
  at: number;
  /** First byte that may not be written. */
  end: number;
  /** Items written by the running writeValue. */
  items: number;
  private readonly bytesMax: number;

  /** Over `bytes[at, end)`. To move it, assign `bytes`, `at` and `end`. */
  constructor(bytes: Uint8Array, at: number = 0, end: number = bytes.length, growingBytesMax: number = 0) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.items = 0;
    this.bytesMax = growingBytesMax;
  }

  /** A writer with a region of its own, which doubles when full; beyond `bytesMax` it throws EncodeError. */
  static growing(bytes: number = GROWING_BYTES, bytesMax: number = GROWING_BYTES_MAX): PackWriter {
    return new PackWriter(new Uint8Array(bytes), 0, bytes, bytesMax);
  }

  /** What was written from `from` on: a view, valid until the next write. */
  written(from = 0): Uint8Array {
    return this.bytes.subarray(from, this.at);
  }

  /** Makes sure that this many bytes can be written. Throws PackOverflow in a fixed region. */
  room(bytes: number): void {
    if (this.at + bytes > this.end) this.grow(bytes);
  }

  u8(value: number): void {
    if (this.at >= this.end) this.grow(1);
    this.bytes[this.at++] = value;
  }

  i32(value: number): void {
    this.room(4);
    const { bytes, at } = this;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.at = at + 4;
  }

  u32(value: number): void {
    this.i32(value);
  }

  f64(value: number): void {
    this.room(8);
    const { bytes, at } = this;
    scratchF64[0] = value;
    bytes[at] = scratch[0] as number;
    bytes[at + 1] = scratch[1] as number;
    bytes[at + 2] = scratch[2] as number;
    bytes[at + 3] = scratch[3] as number;
    bytes[at + 4] = scratch[4] as number;
    bytes[at + 5] = scratch[5] as number;
    bytes[at + 6] = scratch[6] as number;
    bytes[at + 7] = scratch[7] as number;
    this.at = at + 8;
  }

  /** An unsigned whole number below 2³², 7 bits a byte, low ones first: 1 to 5 bytes. */
  varint(value: number): void {
    let rest = value >>> 0;
    this.room(rest < 0x80 ? 1 : rest < 0x4000 ? 2 : rest < 0x200000 ? 3 : rest < 0x10000000 ? 4 : 5);
    const { bytes } = this;
    let at = this.at;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.at = at;
  }

  /** Copies bytes without their length. */
  raw(from: Uint8Array, offset: number = 0, length: number = from.length - offset): void {
    this.room(length);
    const { bytes, at } = this;
    if (length <= LOOP_UNITS_MAX) {
      for (let index = 0; index < length; index++) bytes[at + index] = from[offset + index] as number;
    } else {
      bytes.set(offset === 0 && length === from.length ? from : from.subarray(offset, offset + length), at);
    }
    this.at = at + length;
  }

  /** Bytes behind their length. */
  blob(from: Uint8Array): void {
    this.varint(from.length);
    this.raw(from);
  }

  /** Any text, half surrogate pairs too, to be read by `PackReader.str`. A packed value as it stands. */
  str(text: string): void {
    const units = text.length;
    if (units > LOOP_UNITS_MAX) return this.longText(text);
    const head = units <= SHORT_TEXT_MAX ? 1 : 2;
    if (this.at + head + units > this.end) this.grow(head + units);
    const { bytes } = this;
    const start = this.at;
    const body = start + head;
    let bits = 0;
    for (let index = 0; index < units; index++) {
      const code = text.charCodeAt(index);
      bits |= code;
      bytes[body + index] = code;
    }
    if (bits > 0xff) return this.longText(text);
    if (head === 1) {
      bytes[start] = SHORT_TEXT | units;
    } else {
      bytes[start] = LATIN1;
      bytes[start + 1] = units;
    }
    this.at = body + units;
  }

  private longText(text: string): void {
    const byteLength = text.length > VALUE_BYTES_MAX ? text.length : utf8Length(text);
    if (byteLength > VALUE_BYTES_MAX) {
      throw new EncodeError(`a text takes ${byteLength} bytes or more: at most ${VALUE_BYTES_MAX} are allowed`);
    }
    const start = this.at;
    const ascii = byteLength === text.length;
    const utf8 = !ascii && text.isWellFormed();
    const bodyBytes = ascii || utf8 ? byteLength : text.length * 2;
    this.room(1 + varintBytes(bodyBytes) + bodyBytes);
    this.bytes[start] = ascii ? LATIN1 : utf8 ? UTF8 : UTF16;
    this.at = start + 1;
    this.varint(bodyBytes);
    if (ascii) latin1Write(this.bytes, text, this.at);
    else if (utf8) utf8Write(this.bytes, text, this.at, bodyBytes);
    else utf16Write(this.bytes, text, this.at);
    this.at += bodyBytes;
  }

  private grow(bytes: number): void {
    const needed = this.at + bytes;
    if (this.bytesMax === 0) throw PackOverflow;
    if (needed > this.bytesMax) {
      throw new EncodeError(`the message takes ${needed} bytes or more: at most ${this.bytesMax} are allowed`);
    }
    const larger = new Uint8Array(Math.min(this.bytesMax, Math.max(needed, this.bytes.length * 2)));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.end = larger.length;
  }
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}
