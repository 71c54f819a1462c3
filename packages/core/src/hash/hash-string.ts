import { utf8Length, utf8Write } from '../codec/buffer-text.ts';
import { xxh32 } from './xxh32.ts';

const SCRATCH_BYTES = 4096;
const scratch = new Uint8Array(SCRATCH_BYTES);

/** XXH32 of a text's UTF-8, as a signed 32-bit number. Half surrogate pairs hash as U+FFFD: keys refuse them before. */
export function hashString(text: string, seed: number): number {
  const units = text.length;
  if (units > SCRATCH_BYTES) return hashUnicode(text, seed);
  let bits = 0;
  for (let at = 0; at < units; at++) {
    const code = text.charCodeAt(at);
    bits |= code;
    scratch[at] = code;
  }
  return bits <= 0x7f ? xxh32(scratch, 0, units, seed) : hashUnicode(text, seed);
}

function hashUnicode(text: string, seed: number): number {
  const length = utf8Length(text);
  const bytes = length <= SCRATCH_BYTES ? scratch : new Uint8Array(length);
  utf8Write(bytes, text, 0, length);
  return xxh32(bytes, 0, length, seed);
}
