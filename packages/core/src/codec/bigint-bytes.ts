import { DecodeError } from '../errors/grid-errors.ts';
import type { PackReader } from './pack-reader.ts';
import type { PackWriter } from './pack-writer.ts';
import { BIGINT, BIGINT64 } from './tags.ts';
import { BIGINT_BYTES_MAX } from './value-limits.ts';

const word = new BigInt64Array(1);
const halves = new Int32Array(word.buffer);

/** False, and nothing written, when the number takes more than BIGINT_BYTES_MAX bytes. */
export function writeBigint(writer: PackWriter, value: bigint): boolean {
  if (BigInt.asIntN(64, value) === value) {
    writer.u8(BIGINT64);
    word[0] = value;
    writer.i32(halves[0] as number);
    writer.i32(halves[1] as number);
    return true;
  }
  const negative = value < 0n;
  const magnitude = negative ? -value : value;
  // By comparison first: turning a number of a million digits into text is work that nobody asked for.
  if (magnitude >> BigInt(BIGINT_BYTES_MAX * 8) !== 0n) return false;
  let hex = magnitude.toString(16);
  if ((hex.length & 1) !== 0) hex = `0${hex}`;
  const length = hex.length >>> 1;
  writer.u8(BIGINT);
  writer.varint(length * 2 + (negative ? 1 : 0));
  writer.raw(Buffer.from(hex, 'hex'));
  return true;
}

/** After the tag BIGINT64. */
export function readBigint64(reader: PackReader): bigint {
  halves[0] = reader.i32();
  halves[1] = reader.i32();
  return word[0] as bigint;
}

/** After the tag BIGINT. */
export function readBigint(reader: PackReader): bigint {
  const head = reader.varint();
  const length = head >>> 1;
  if (length === 0 || length > BIGINT_BYTES_MAX) {
    throw new DecodeError(
      `a bigint before byte ${reader.at} has ${length} bytes: allowed are 1 to ${BIGINT_BYTES_MAX}`,
    );
  }
  const magnitude = BigInt(`0x${Buffer.from(reader.raw(length).buffer).toString('hex')}`);
  return (head & 1) === 1 ? -magnitude : magnitude;
}
