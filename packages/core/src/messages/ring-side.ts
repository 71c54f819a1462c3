/** What both sides of a ring share: views of its region, and where its words and positions stand. See ring-layout.ts. */
import { assert } from '../assert.ts';
import {
  FRAME_BYTES,
  FRAME_HEAD_BYTES,
  RING_BYTES_MAX,
  RING_BYTES_MIN,
  RING_DATA,
  RING_HEAD,
  RING_TAIL,
  ringRegionBytes,
} from './ring-layout.ts';

export abstract class RingSide {
  /** Views of the whole buffer: word index, 8-byte index and byte offset into it are what the methods return and take. */
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u8: Uint8Array;
  /** Bytes of room for frames. */
  readonly dataBytes: number;
  /** Word index of the ring's first word. */
  readonly base: number;
  protected readonly head: number;
  protected readonly tail: number;
  protected readonly mask: number;
  protected readonly dataAt: number;

  constructor(buffer: SharedArrayBuffer, byteOffset: number, dataBytes: number) {
    const powerOfTwo = (dataBytes & (dataBytes - 1)) === 0;
    assert(
      powerOfTwo && dataBytes >= RING_BYTES_MIN && dataBytes <= RING_BYTES_MAX,
      'a ring has a power of two of bytes',
    );
    assert(byteOffset % 8 === 0, 'a ring begins at a multiple of 8');
    assert(byteOffset + ringRegionBytes(dataBytes) <= buffer.byteLength, 'a ring lies within its buffer');
    assert(!buffer.growable, 'a ring lies in a buffer of fixed length: views of growable ones are slow');
    this.i32 = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
    this.f64 = new Float64Array(buffer, 0, buffer.byteLength >>> 3);
    this.u8 = new Uint8Array(buffer);
    this.dataBytes = dataBytes;
    this.base = byteOffset >>> 2;
    this.head = this.base + RING_HEAD;
    this.tail = this.base + RING_TAIL;
    this.mask = dataBytes - 1;
    this.dataAt = byteOffset + RING_DATA * 4;
  }

  /** Bytes that frames take now: read by any thread, a moment old. */
  usedBytes(): number {
    const head = Atomics.load(this.i32, this.head);
    return Math.min(this.dataBytes, (Atomics.load(this.i32, this.tail) - head) | 0);
  }

  /** Word index of the frame at a position. */
  protected wordAt(position: number): number {
    return (this.dataAt + (position & this.mask)) >>> 2;
  }

  /** Bytes of a published frame. A length that can't be says that memory was overwritten: our bug. */
  protected bytesOf(frame: number): number {
    const bytes = this.i32[frame + FRAME_BYTES] as number;
    assert(bytes >= FRAME_HEAD_BYTES && bytes <= this.dataBytes && (bytes & 7) === 0, 'a published frame has a length');
    return bytes;
  }
}
