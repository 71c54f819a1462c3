/**
 * A single-producer, single-consumer ring of frames in shared memory.
 *
 * Roles: the producer writes frames behind TAIL and publishes by storing TAIL; the consumer reads frames before TAIL, marks
 * them done in any order, and gives room back by storing HEAD. Progress: wait-free on both sides; a full ring says so.
 * Capacity: the data's size; one frame at most half of it. Staleness: each side keeps the other's position and reads it
 * again only when it seems to be out of frames or room.
 *
 * Why it holds on any architecture:
 *   1. A frame's words and bytes are plain stores, then TAIL is stored by Atomics.store (release). The consumer loads TAIL
 *      (acquire) before it reads a frame, so it sees all of it.
 *   2. The consumer reads a frame, then stores HEAD (release). The producer loads HEAD (acquire) before it writes there, so
 *      its stores come after those reads.
 *   3. A frame's state changes by compare-and-set where both sides may change it: the consumer starts it, or the producer
 *      cancels it, never both.
 * Death: whatever the producer wrote behind TAIL was never there. A consumer's successor begins at HEAD and meets every
 * frame that is not done again, started ones with their count.
 */
import { assert } from '../assert.ts';
import {
  FRAME_BYTES,
  FRAME_CANCELLED,
  FRAME_DONE,
  FRAME_HEAD_BYTES,
  FRAME_PADDING,
  FRAME_STATE,
  FRAME_WAITING,
  frameState,
  RING_DATA,
  RING_HEAD,
  RING_TAIL,
  startedAgain,
} from './ring-layout.ts';

abstract class RingSide {
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  /** Bytes of data. */
  readonly size: number;
  protected readonly head: number;
  protected readonly tail: number;
  protected readonly dataAt: number;

  constructor(buffer: SharedArrayBuffer, byteOffset: number, size: number) {
    assert(size >= 1024 && size <= 2 ** 30 && (size & (size - 1)) === 0, 'a ring has a power of two of bytes');
    assert(byteOffset % 8 === 0, 'a ring begins at a multiple of 8');
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer, 0, buffer.byteLength >>> 3);
    this.u8 = new Uint8Array(buffer);
    this.size = size;
    this.head = byteOffset / 4 + RING_HEAD;
    this.tail = byteOffset / 4 + RING_TAIL;
    this.dataAt = byteOffset + RING_DATA * 4;
  }

  /** Bytes between the consumer's and the producer's position: read by any thread, a moment old. */
  usedBytes(): number {
    return (Atomics.load(this.i32, this.tail) - Atomics.load(this.i32, this.head)) | 0;
  }

  protected word(position: number): number {
    return (this.dataAt + (position & (this.size - 1))) >>> 2;
  }
}

export class RingProducer extends RingSide {
  private position: number;
  private published: number;
  private headSeen: number;

  /** Goes on where the last producer of this ring published. */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, size: number) {
    super(buffer, byteOffset, size);
    this.position = Atomics.load(this.i32, this.tail);
    this.published = this.position;
    this.headSeen = Atomics.load(this.i32, this.head);
  }

  /** Largest body that `reserve` may be asked for. */
  get bodyBytesMax(): number {
    return this.size / 2 - FRAME_HEAD_BYTES;
  }

  /** Byte offset of contiguous room for a body of `bodyBytes`; −1 when there is none now. */
  reserve(bodyBytes: number): number {
    const bytes = (bodyBytes + FRAME_HEAD_BYTES + 7) & ~7;
    assert(bytes <= this.size / 2, 'a frame fits half of its ring');
    const at = this.position & (this.size - 1);
    const contiguous = this.size - at;
    const needed = contiguous < bytes ? contiguous + bytes : bytes;
    if (((this.position + needed - this.headSeen) | 0) > this.size) {
      this.headSeen = Atomics.load(this.i32, this.head);
      if (((this.position + needed - this.headSeen) | 0) > this.size) return -1;
    }
    if (contiguous < bytes) {
      const padding = this.word(this.position);
      this.i32[padding + FRAME_BYTES] = contiguous;
      this.i32[padding + FRAME_STATE] = FRAME_PADDING;
      this.position = (this.position + contiguous) | 0;
    }
    return this.dataAt + (this.position & (this.size - 1)) + FRAME_HEAD_BYTES;
  }

  /** Ends the frame begun by `reserve`, with `bodyBytes` really written. Returns its word index, for `cancel`. */
  push(bodyBytes: number): number {
    const bytes = (bodyBytes + FRAME_HEAD_BYTES + 7) & ~7;
    const frame = this.word(this.position);
    this.i32[frame + FRAME_BYTES] = bytes;
    this.i32[frame + FRAME_STATE] = FRAME_WAITING;
    this.position = (this.position + bytes) | 0;
    return frame;
  }

  /** Publish: all frames pushed since the last time. True when there were any. */
  publish(): boolean {
    if (this.position === this.published) return false;
    this.published = this.position;
    Atomics.store(this.i32, this.tail, this.position);
    return true;
  }

  /** True when the frame was waiting and will certainly not be started. */
  cancel(frame: number): boolean {
    const state = Atomics.load(this.i32, frame + FRAME_STATE);
    return (
      frameState(state) === FRAME_WAITING &&
      Atomics.compareExchange(this.i32, frame + FRAME_STATE, state, FRAME_CANCELLED) === state
    );
  }
}

export class RingConsumer extends RingSide {
  private position: number;
  private tailSeen: number;
  private headStored: number;

  /** Begins at the oldest frame that is not given back. */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, size: number) {
    super(buffer, byteOffset, size);
    this.headStored = Atomics.load(this.i32, this.head);
    this.position = this.headStored;
    this.tailSeen = Atomics.load(this.i32, this.tail);
  }

  /** Word index of the next frame that is not done; −1 when there is none. Its body begins two words after it. */
  next(): number {
    for (;;) {
      if (this.position === this.tailSeen) {
        this.tailSeen = Atomics.load(this.i32, this.tail);
        if (this.position === this.tailSeen) return -1;
      }
      const frame = this.word(this.position);
      const bytes = this.i32[frame + FRAME_BYTES] as number;
      assert(bytes >= FRAME_HEAD_BYTES && bytes <= this.size, 'a published frame has a length');
      this.position = (this.position + bytes) | 0;
      const state = frameState(this.i32[frame + FRAME_STATE] as number);
      if (state !== FRAME_PADDING && state !== FRAME_DONE) return frame;
    }
  }

  /** Takes a frame to run it: how often it was started before, or −1 when its producer cancelled it. */
  start(frame: number): number {
    const state = Atomics.load(this.i32, frame + FRAME_STATE);
    if (frameState(state) === FRAME_CANCELLED) return -1;
    if (Atomics.compareExchange(this.i32, frame + FRAME_STATE, state, startedAgain(state)) !== state) return -1;
    return state >>> 8;
  }

  /** The frame is not needed any more. Its room is given back when all before it are done too. */
  finish(frame: number): void {
    this.i32[frame + FRAME_STATE] = FRAME_DONE;
  }

  /** Gives back the room of done frames, in order; once for a batch. */
  release(): void {
    let head = this.headStored;
    while (head !== this.position) {
      const frame = this.word(head);
      const state = frameState(this.i32[frame + FRAME_STATE] as number);
      if (state !== FRAME_DONE && state !== FRAME_PADDING) break;
      head = (head + (this.i32[frame + FRAME_BYTES] as number)) | 0;
    }
    if (head === this.headStored) return;
    this.headStored = head;
    Atomics.store(this.i32, this.head, head);
  }
}
