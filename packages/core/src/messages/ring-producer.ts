/**
 * The writing side of a ring: one thread puts frames into shared memory and publishes them in batches.
 *
 * Roles: this thread writes TAIL, FRAMES_PUSHED and the data behind TAIL; the consumer's thread writes HEAD and the state of
 * published frames, which both change by compare-and-set while it is WAITING (`cancel` here, `start` there).
 * Progress: wait-free; a full ring answers −1. Costs nothing atomic per frame and one store per batch.
 * Staleness: the consumer's position is kept, and loaded again only when room seems to be missing or a batch begins.
 * Capacity: the ring's data; one frame at most half of it, since a frame is contiguous and the data's end may be padded.
 *
 * Why it holds on any architecture (arm64 too):
 *   1. A frame's words and bytes are plain stores; TAIL is stored after them by Atomics.store (release). The consumer loads
 *      TAIL by Atomics.load (acquire) before it reads a frame: it sees all of it.
 *   2. The consumer reads a frame, then stores HEAD (release). `reserve` loads HEAD (acquire) before it hands that room out,
 *      so the caller's stores come after those reads and can not be seen by them.
 *   3. `cancel` and `start` swap the same word from WAITING: one of them wins, in the single order of that word. The word of
 *      a frame that was given back is never swapped: only this thread overwrites it, and it compares with HEAD before.
 *
 * When this thread dies:
 *   – anywhere before the store of TAIL: the frames of the batch were never there. Who follows begins at TAIL;
 *   – after it: they are all there. FRAMES_PUSHED may double a batch until a producer next begins at the ring's start;
 *   – after a won `cancel`: the frame stays cancelled, and the consumer passes over it.
 * When the consumer's thread dies the ring stays as it is and fills; its successor goes on at HEAD.
 */
import { assert } from '../assert.ts';
import {
  BULK_BYTES,
  BULK_NUMBER,
  BULK_OFFSET,
  BULK_REFERENCE_BYTES,
  FRAME_BYTES,
  FRAME_CANCELLED,
  FRAME_HEAD_BYTES,
  FRAME_HEAD_WORDS,
  FRAME_PADDING,
  FRAME_STATE,
  FRAME_WAITING,
  frameBytes,
  frameState,
  refersToBulk,
  RING_BULK_RELEASED,
  RING_FRAMES_PUSHED,
  RING_FRAMES_RELEASED,
  waitingWord,
  wordInState,
} from './ring-layout.ts';
import { RingSide } from './ring-side.ts';

/**
 * From here on (or the middle of a small ring) a batch that finds the ring empty begins at the ring's start: pages that are
 * not needed are never touched, so that many mostly idle rings cost little memory.
 */
const RESTART_BYTES = 16 * 1024;

export class RingProducer extends RingSide {
  private position: number;
  private published: number;
  private headSeen: number;
  private pushed: number;
  /** Where the reserved frame begins, and how long it may be; 0 when nothing is reserved. */
  private reservedAt: number;
  private reservedBytes: number;
  private readonly restartAt: number;

  /** Goes on behind the last published frame, whoever wrote it. The thread that wrote it must have ended. */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, dataBytes: number) {
    super(buffer, byteOffset, dataBytes);
    this.position = Atomics.load(this.i32, this.tail);
    this.published = this.position;
    this.headSeen = Atomics.load(this.i32, this.head);
    this.pushed = Atomics.load(this.i32, this.base + RING_FRAMES_PUSHED);
    this.reservedAt = this.position;
    this.reservedBytes = 0;
    this.restartAt = Math.min(RESTART_BYTES, dataBytes / 2);
    if (this.headSeen === this.position) this.foundEmpty();
    const used = (this.position - this.headSeen) | 0;
    assert(used >= 0 && used <= dataBytes, 'the positions of a ring lie within its data of each other');
  }

  /** Largest body that `reserve` may be asked for. */
  get bodyBytesMax(): number {
    return this.dataBytes / 2 - FRAME_HEAD_BYTES;
  }

  /** Bytes that frames take now, those not yet published too. This thread only. */
  override usedBytes(): number {
    return Math.min(this.dataBytes, (this.position - Atomics.load(this.i32, this.head)) | 0);
  }

  /**
   * Byte offset of contiguous room for a body of up to `bodyBytesMax`, 8-byte aligned; −1 when there is none now. Nothing is
   * taken until `push`: reserving again with another size replaces this.
   */
  reserve(bodyBytes: number): number {
    const bytes = frameBytes(bodyBytes);
    assert(bytes <= this.dataBytes >>> 1, 'a frame fits half of its ring');
    const position = this.position;
    const at = position & this.mask;
    const contiguous = this.dataBytes - at;
    let start = position;
    // A restart needs `bytes <= at`: padding and frame together must fit, or an empty ring would refuse the frame for ever.
    const restart = at >= this.restartAt && bytes <= at && position === this.published && this.foundEmpty();
    if (contiguous < bytes || restart) start = (position + contiguous) | 0;
    if (((start + bytes - this.headSeen) | 0) > this.dataBytes) {
      // Observe: pairs with the consumer's store of HEAD.
      this.headSeen = Atomics.load(this.i32, this.head);
      if (((start + bytes - this.headSeen) | 0) > this.dataBytes) {
        this.reservedBytes = 0;
        return -1;
      }
    }
    this.reservedAt = start;
    this.reservedBytes = bytes;
    return this.dataAt + (start & this.mask) + FRAME_HEAD_BYTES;
  }

  /** Ends the reserved frame with the bytes really written. Returns its ticket, for `cancel`. Seen by nobody before `publish`. */
  push(bodyBytes: number): number {
    return this.close(frameBytes(bodyBytes), false);
  }

  /** The same for a frame that refers to a bulk block, for BulkProducer: BULK_REFERENCE_BYTES of the reservation are for that. */
  pushReferring(bodyBytes: number, offset: number, bytes: number, number: number): number {
    const whole = frameBytes(bodyBytes) + BULK_REFERENCE_BYTES;
    const ticket = this.close(whole, true);
    const reference = this.wordAt(ticket) + ((whole - BULK_REFERENCE_BYTES) >>> 2);
    this.i32[reference + BULK_OFFSET] = offset;
    this.i32[reference + BULK_BYTES] = bytes;
    this.i32[reference + BULK_NUMBER] = number;
    return ticket;
  }

  /** Publish: all frames pushed since the last time; then ring the consumer's doorbell. False when there was none. */
  publish(): boolean {
    if (this.position === this.published) return false;
    this.published = this.position;
    this.i32[this.base + RING_FRAMES_PUSHED] = this.pushed;
    Atomics.store(this.i32, this.tail, this.position);
    return true;
  }

  /**
   * Takes a frame back. True: it was waiting and will certainly not be started. False: it was started, or is done.
   * Gotcha: a ticket is a position modulo 2³². To tell its frame from one that was pushed an exact multiple of 4 GiB later,
   * give the first word of its body too.
   */
  cancel(ticket: number, firstWord?: number): boolean {
    const age = (this.position - ticket) >>> 0;
    if (age === 0 || age > this.dataBytes) return false;
    this.headSeen = Atomics.load(this.i32, this.head);
    if (((ticket - this.headSeen) | 0) < 0) return false;
    const frame = this.wordAt(ticket);
    if (firstWord !== undefined && this.i32[frame + FRAME_HEAD_WORDS] !== firstWord) return false;
    const state = Atomics.load(this.i32, frame + FRAME_STATE);
    if (frameState(state) !== FRAME_WAITING) return false;
    const cancelled = wordInState(state, FRAME_CANCELLED);
    return Atomics.compareExchange(this.i32, frame + FRAME_STATE, state, cancelled) === state;
  }

  /**
   * Drops all that the consumer has not given back. Only while there is no consumer: its thread has ended, and the next one
   * attaches later.
   */
  reset(): void {
    this.reservedBytes = 0;
    this.publish();
    this.forEachReference((_offset, _bytes, number) => Atomics.store(this.i32, this.base + RING_BULK_RELEASED, number));
    Atomics.store(this.i32, this.base + RING_FRAMES_RELEASED, this.pushed);
    Atomics.store(this.i32, this.head, this.position);
    this.headSeen = this.position;
  }

  /** Calls back for each bulk block that published frames refer to and that is not given back, in order. */
  forEachReference(visit: (offset: number, bytes: number, number: number) => void): void {
    let position = Atomics.load(this.i32, this.head);
    // Bound: ends at this thread's position. Frames given back meanwhile stay whole, as only this thread overwrites them.
    while (position !== this.published) {
      const frame = this.wordAt(position);
      const bytes = this.bytesOf(frame);
      if (refersToBulk(this.i32[frame + FRAME_STATE] as number)) {
        const reference = frame + ((bytes - BULK_REFERENCE_BYTES) >>> 2);
        const { i32 } = this;
        visit(
          i32[reference + BULK_OFFSET] as number,
          i32[reference + BULK_BYTES] as number,
          i32[reference + BULK_NUMBER] as number,
        );
      }
      position = (position + bytes) | 0;
    }
  }

  /** A batch found the ring empty: all that was pushed is given back, so the counts agree again whoever died in between. */
  private foundEmpty(): boolean {
    this.headSeen = Atomics.load(this.i32, this.head);
    if (this.headSeen !== this.position) return false;
    this.pushed = Atomics.load(this.i32, this.base + RING_FRAMES_RELEASED);
    this.i32[this.base + RING_FRAMES_PUSHED] = this.pushed;
    return true;
  }

  private close(bytes: number, bulk: boolean): number {
    assert(bytes <= this.reservedBytes, 'a frame fits what was reserved for it');
    const { i32, position, reservedAt } = this;
    if (reservedAt !== position) {
      const padding = this.wordAt(position);
      i32[padding + FRAME_BYTES] = (reservedAt - position) | 0;
      i32[padding + FRAME_STATE] = FRAME_PADDING;
    }
    const frame = this.wordAt(reservedAt);
    i32[frame + FRAME_BYTES] = bytes;
    i32[frame + FRAME_STATE] = waitingWord(bulk);
    this.position = (reservedAt + bytes) | 0;
    this.reservedBytes = 0;
    this.pushed = (this.pushed + 1) | 0;
    return reservedAt;
  }
}
