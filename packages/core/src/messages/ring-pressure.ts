/**
 * How full a ring is, read by any thread without a call and without disturbing its two sides.
 *
 * Staleness: a moment old. Bytes are exact for some recent moment; frames may be off by a batch after one of the sides died
 * between two stores, until the producer next finds the ring empty and begins at its start.
 */
import { RING_FRAMES_PUSHED, RING_FRAMES_RELEASED, RING_HEAD, RING_TAIL } from './ring-layout.ts';

export class RingPressure {
  /** Room for frames. */
  readonly bytesMax: number;
  private readonly i32: Int32Array;
  private readonly base: number;

  constructor(buffer: SharedArrayBuffer, byteOffset: number, dataBytes: number) {
    this.i32 = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
    this.base = byteOffset >>> 2;
    this.bytesMax = dataBytes;
  }

  /** Frames that are published and not given back. */
  get frames(): number {
    return this.distance(RING_FRAMES_PUSHED, RING_FRAMES_RELEASED);
  }

  /** Bytes that they take, with padding. */
  get bytes(): number {
    return Math.min(this.bytesMax, this.distance(RING_TAIL, RING_HEAD));
  }

  private distance(ahead: number, behind: number): number {
    // Behind first: what is ahead may have moved on since, and is never overtaken by a value loaded before it.
    const from = Atomics.load(this.i32, this.base + behind);
    return Math.max(0, (Atomics.load(this.i32, this.base + ahead) - from) | 0);
  }
}
