/**
 * The reading side of a ring: one thread takes frames in order, finishes them in any order, and gives their room back.
 *
 * Roles: this thread writes HEAD, the counts beside it, and the state of published frames; the producer's thread writes all
 * else, and cancels frames that wait. Progress: wait-free. Costs one swap for each started frame, one load for each empty
 * look, one store for each released batch. Staleness: the producer's position is kept, and loaded again when it is reached.
 * Capacity: frames that are taken and not finished keep their room, and all behind them too.
 *
 * Why it holds on any architecture (arm64 too): the three steps in ring-producer.ts, seen from here, and
 *   4. `next` reads a state plainly, perhaps a moment old. Only two changes can happen beside this thread: none at all, or
 *      WAITING → CANCELLED. Seen late, `start` fails in its swap; seen early is not possible.
 *   5. `finish` and the passing over of cancelled frames are plain stores: the producer swaps from WAITING only, so it never
 *      writes that word again; whoever reads it later is this thread or its successor.
 *
 * When this thread dies, its successor is attached after the exit of the thread was seen, which orders all its stores
 * before the successor's loads. Death
 *   – between `next` and `start`: the frame waits, and is taken again;
 *   – between `start` and `finish`: the frame is STARTED with its count; the successor takes it again, and starts it at most
 *     STARTS_MAX times in all;
 *   – between `finish` and `release`: the frame is DONE; the successor passes over it;
 *   – inside `release`: BULK_RELEASED and FRAMES_RELEASED may be ahead of HEAD. The successor walks the same done frames
 *     again and at least as far: it stores the same block number or a later one. FRAMES_RELEASED counts them twice until
 *     the producer next begins at the ring's start.
 * When the producer's thread dies, what it published is drained as ever.
 */
import { assert } from '../assert.ts';
import {
  BULK_NUMBER,
  BULK_REFERENCE_BYTES,
  FRAME_BYTES,
  FRAME_CANCELLED,
  FRAME_DONE,
  FRAME_PADDING,
  FRAME_STARTED,
  FRAME_STATE,
  FRAME_WAITING,
  frameStarts,
  frameState,
  RING_BULK_RELEASED,
  RING_FRAMES_RELEASED,
  refersToBulk,
  STARTS_MAX,
  startedWord,
  wordInState,
} from './ring-layout.ts';
import { RingSide } from './ring-side.ts';

/** `next`: no frame. */
export const RING_EMPTY = -1;
/** `start`: the producer took the frame back; finish it, nothing else. */
export const START_CANCELLED = -1;

export class RingConsumer extends RingSide {
  private position: number;
  private tailSeen: number;
  private released: number;
  private framesReleased: number;
  private framesTaken: number;
  private blockReleased: number;
  private blockTaken: number;
  /** `next` passed over frames that are done, cancelled or padding since the last release. */
  private skipped: boolean;

  /**
   * Begins at the oldest frame that is not given back: `next` then walks over all that are not done, in order, also those
   * that a predecessor took. The predecessor's thread must have ended.
   */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, dataBytes: number) {
    super(buffer, byteOffset, dataBytes);
    this.released = Atomics.load(this.i32, this.head);
    this.position = this.released;
    this.tailSeen = this.released;
    this.framesReleased = Atomics.load(this.i32, this.base + RING_FRAMES_RELEASED);
    this.framesTaken = this.framesReleased;
    this.blockReleased = Atomics.load(this.i32, this.base + RING_BULK_RELEASED);
    this.blockTaken = this.blockReleased;
    this.skipped = false;
  }

  /** Word index of the next frame that is not done; RING_EMPTY (−1) when there is none. Its body begins FRAME_HEAD_WORDS later. */
  next(): number {
    const i32 = this.i32;
    // Bound: ends at the published position.
    for (;;) {
      const position = this.position;
      if (position === this.tailSeen && !this.hasMore()) {
        // Frames that were passed over would keep their room until the caller takes another, which may wait for that room.
        if (this.skipped) this.release();
        return RING_EMPTY;
      }
      const frame = this.wordAt(position);
      this.position = (position + this.bytesOf(frame)) | 0;
      const word = i32[frame + FRAME_STATE] as number;
      const state = frameState(word);
      if (state !== FRAME_PADDING) {
        this.framesTaken = (this.framesTaken + 1) | 0;
        if (refersToBulk(word)) this.blockTaken = this.blockOf(frame);
        if (state <= FRAME_STARTED) return frame;
      }
      this.skipped = true;
      if (state === FRAME_CANCELLED) i32[frame + FRAME_STATE] = wordInState(word, FRAME_DONE);
    }
  }

  /** True when `next` may find something: a fresh look, for the second one before parking. */
  hasMore(): boolean {
    // Observe: pairs with the producer's store of TAIL.
    this.tailSeen = Atomics.load(this.i32, this.tail);
    const ahead = (this.tailSeen - this.position) | 0;
    assert(ahead >= 0 && ahead <= this.dataBytes, 'the published position lies ahead of the consumer');
    return ahead !== 0;
  }

  /**
   * Takes a frame to run it. Returns how often it was started before (0, or 1 by a predecessor that died), START_CANCELLED
   * (−1) when its producer took it back, or STARTS_MAX when it was started that often and is not started again. In the last
   * two cases the caller only finishes it.
   */
  start(frame: number): number {
    const word = this.i32[frame + FRAME_STATE] as number;
    const starts = frameStarts(word);
    const state = frameState(word);
    if (state === FRAME_CANCELLED) return START_CANCELLED;
    assert(state === FRAME_WAITING || state === FRAME_STARTED, 'a frame is started before it is done');
    if (starts >= STARTS_MAX) return starts;
    const swapped = Atomics.compareExchange(this.i32, frame + FRAME_STATE, word, startedWord(word));
    return swapped === word ? starts : START_CANCELLED;
  }

  /** How often a frame was started; START_CANCELLED when its producer took it back. A moment old while it waits. */
  startsOf(frame: number): number {
    const word = Atomics.load(this.i32, frame + FRAME_STATE);
    return frameState(word) === FRAME_CANCELLED ? START_CANCELLED : frameStarts(word);
  }

  /** True when the frame refers to a bulk block; see BulkConsumer. */
  hasBulk(frame: number): boolean {
    return refersToBulk(this.i32[frame + FRAME_STATE] as number);
  }

  /**
   * The frame is not needed any more; its room comes back by `release`, once all before it are finished too. In a ring whose
   * producer cancels, only after `start`.
   */
  finish(frame: number): void {
    const word = this.i32[frame + FRAME_STATE] as number;
    assert(frameState(word) !== FRAME_DONE, 'a frame is finished once');
    this.i32[frame + FRAME_STATE] = wordInState(word, FRAME_DONE);
  }

  /** Bytes of frames that were taken and not given back: what the oldest unfinished frame keeps. */
  get heldBytes(): number {
    return (this.position - this.released) | 0;
  }

  /** Publish: gives back the room of finished frames, in order; once for a batch. True when there was any. */
  release(): boolean {
    this.skipped = false;
    let position = this.released;
    let frames = this.framesReleased;
    let block = this.blockReleased;
    // Bound: ends at this thread's position.
    while (position !== this.position) {
      const frame = this.wordAt(position);
      const word = this.i32[frame + FRAME_STATE] as number;
      const state = frameState(word);
      if (state === FRAME_DONE) frames = (frames + 1) | 0;
      else if (state !== FRAME_PADDING) break;
      if (refersToBulk(word)) block = this.blockOf(frame);
      position = (position + this.bytesOf(frame)) | 0;
    }
    if (position === this.released) return false;
    this.storeHead(position, frames, block);
    return true;
  }

  /**
   * Finishes and releases all that `next` has returned so far, without touching the frames again: 20 ns a frame less than
   * `start` and `finish`. For consumers that are through with frames in order and keep none back, and only in a ring whose
   * producer does not cancel. True when there was any.
   */
  releaseTaken(): boolean {
    if (this.position === this.released) return false;
    this.storeHead(this.position, this.framesTaken, this.blockTaken);
    return true;
  }

  /**
   * Drops all that is published and not given back. For a ring whose producer's thread has ended, before the next one
   * attaches; frames taken and not finished are forgotten too.
   */
  reset(): void {
    while (this.next() !== RING_EMPTY);
    this.releaseTaken();
  }

  private storeHead(position: number, frames: number, block: number): void {
    if (block !== this.blockReleased) {
      this.blockReleased = block;
      Atomics.store(this.i32, this.base + RING_BULK_RELEASED, block);
    }
    this.framesReleased = frames;
    this.i32[this.base + RING_FRAMES_RELEASED] = frames;
    this.released = position;
    Atomics.store(this.i32, this.head, position);
  }

  private blockOf(frame: number): number {
    const end = frame + ((this.i32[frame + FRAME_BYTES] as number) >>> 2);
    return this.i32[end - BULK_REFERENCE_BYTES / 4 + BULK_NUMBER] as number;
  }
}
