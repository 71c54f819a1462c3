/**
 * Where the words of a ring stand, in words from the start of its region of a SharedArrayBuffer:
 *
 * ```
 *   0  HEAD            position up to which frames are given back       written by the consumer
 *   1  FRAMES_RELEASED how many frames are given back                   "
 *   2  BULK_RELEASED   number of the last bulk block given back         "
 *  32  TAIL            position up to which frames are published        written by the producer
 *  33  FRAMES_PUSHED   how many frames are published                    "
 *  64  data: frames, each [bytes, state] body…, a multiple of 8 bytes long
 * ```
 * The two sides write lines 128 bytes apart (adjacent lines of 64 bytes are fetched in pairs). Positions are bytes since the
 * ring was made, modulo 2³²; the room for data is a power of two, so a position's place is its low bits.
 *
 * A frame's state word:
 *
 * ```
 *   bits 0–7    state                 WAITING → STARTED → DONE        by the consumer
 *   bits 8–15   how often started     WAITING → CANCELLED             by the producer, against the consumer's start
 *   bit 16      refers to a bulk block: its last four words are [offset, bytes, number, –]
 * ```
 */
export const RING_HEAD = 0;
export const RING_FRAMES_RELEASED = 1;
export const RING_BULK_RELEASED = 2;
export const RING_TAIL = 32;
export const RING_FRAMES_PUSHED = 33;
export const RING_DATA = 64;

export const RING_BYTES_MIN = 1024;
export const RING_BYTES_MAX: number = 2 ** 30;

export const FRAME_BYTES = 0;
export const FRAME_STATE = 1;
/** A frame's body begins this many words after the frame. */
export const FRAME_HEAD_WORDS = 2;
export const FRAME_HEAD_BYTES: number = FRAME_HEAD_WORDS * 4;

export const FRAME_WAITING = 0;
export const FRAME_STARTED = 1;
export const FRAME_DONE = 2;
export const FRAME_CANCELLED = 3;
/** Fills the data up to its end, where a frame would not fit contiguously. */
export const FRAME_PADDING = 4;

/** A frame is started at most this often: by the consumer, and once more by its successor. */
export const STARTS_MAX = 2;

export const BULK_OFFSET = 0;
export const BULK_BYTES = 1;
export const BULK_NUMBER = 2;
/** What a reference to a bulk block takes at a frame's end. */
export const BULK_REFERENCE_BYTES = 16;

const STATE_MASK = 0xff;
const STARTS_SHIFT = 8;
const STARTS_ONE: number = 1 << STARTS_SHIFT;
const BULK_FLAG: number = 1 << 16;

/** The state itself: one of FRAME_WAITING … FRAME_PADDING. */
export function frameState(word: number): number {
  return word & STATE_MASK;
}

export function frameStarts(word: number): number {
  return (word >>> STARTS_SHIFT) & STATE_MASK;
}

/** The state word of a fresh frame. */
export function waitingWord(bulk: boolean): number {
  return bulk ? FRAME_WAITING | BULK_FLAG : FRAME_WAITING;
}

/** The same frame, started once more. */
export function startedWord(word: number): number {
  return ((word & ~STATE_MASK) + STARTS_ONE) | FRAME_STARTED;
}

/** The same frame in another state. */
export function wordInState(word: number, state: number): number {
  return (word & ~STATE_MASK) | state;
}

export function refersToBulk(word: number): boolean {
  return (word & BULK_FLAG) !== 0;
}

/** Bytes of a frame with a body of this size. */
export function frameBytes(bodyBytes: number): number {
  return (bodyBytes + FRAME_HEAD_BYTES + 7) & ~7;
}

/** Bytes of shared memory that a ring with this much room takes. */
export function ringRegionBytes(dataBytes: number): number {
  return RING_DATA * 4 + dataBytes;
}
