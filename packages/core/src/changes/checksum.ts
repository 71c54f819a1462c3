import { xxh32 } from '../hash/xxh32.ts';

/** 'SGck': apart from the seeds that keys are hashed with. Stored: never changes. */
const CHECKSUM_SEED = 0x5347636b;

/**
 * Checksum of `bytes[from, to)` for what is stored or sent: unsigned, 32 bits (XXH32). Finds damage; does not resist an
 * attacker. Measured: 40 ns for 64 bytes, 26 µs for 64 KiB (2.5 GB/s); zlib's CRC-32 takes 128 ns and 11 µs.
 */
export function checksum32(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
  return xxh32(bytes, from, to - from, CHECKSUM_SEED) >>> 0;
}
