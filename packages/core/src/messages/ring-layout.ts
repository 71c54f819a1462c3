/**
 * A ring's region of a SharedArrayBuffer, in words from its start:
 *
 * ```
 *   0  HEAD   position up to which frames are done; the consumer stores it
 *  32  TAIL   position up to which frames are published; the producer stores it
 *  64  data   frames: [bytes, state] body…, each a multiple of 8 bytes
 * ```
 * Positions are bytes since the ring was made, modulo 2³²; the data's size is a power of two.
 */
export const RING_HEAD = 0;
export const RING_TAIL = 32;
export const RING_DATA = 64;

export const FRAME_BYTES = 0;
export const FRAME_STATE = 1;
export const FRAME_HEAD_BYTES = 8;

/** States of a frame. The low byte; the second counts how often it was started. */
export const FRAME_WAITING = 0;
export const FRAME_STARTED = 1;
export const FRAME_DONE = 2;
export const FRAME_CANCELLED = 3;
/** Fills the rest of the data before the wrap. */
export const FRAME_PADDING = 4;
const STARTS_SHIFT = 8;

export function frameStarts(state: number): number {
  return state >>> STARTS_SHIFT;
}

export function startedAgain(state: number): number {
  return ((frameStarts(state) + 1) << STARTS_SHIFT) | FRAME_STARTED;
}

export function frameState(state: number): number {
  return state & 255;
}

/** Bytes that a ring with `dataBytes` of room takes. */
export function ringRegionBytes(dataBytes: number): number {
  return RING_DATA * 4 + dataBytes;
}
