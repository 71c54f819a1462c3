/** Memory that blocks take, in units of 16 bytes, for byte accounting in 32-bit words. */
import { classOfPayload, SLAB_PAYLOAD_MAX, slotWords } from '../memory/size-classes.ts';

export const BYTES_PER_UNIT = 16;

/** Units that a block of `words` payload words takes from the heap, its header and rounding included. */
export function unitsOfBlock(words: number): number {
  if (words <= SLAB_PAYLOAD_MAX) return (slotWords[classOfPayload(words)] as number) >> 2;
  return ((words + 4 + 1023) >>> 10) << 8;
}
