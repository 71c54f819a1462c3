/**
 * Room for large bodies beside a ring: a growable SharedArrayBuffer used in ring order by the same two threads. A frame in
 * the ring refers to a block in the region by offset, length and number; the block comes back when the frame is released.
 *
 * Roles: the producer's thread places blocks, writes them and grows the buffer; the consumer's thread reads them. What the
 * consumer has given back is one word beside the ring's HEAD, the number of the last block, which the ring's own
 * `release` stores. Progress: wait-free; no room is −1. Staleness: that word is loaded once for each reservation.
 * Capacity: the buffer's maxByteLength, BULK_BLOCKS_MAX blocks under way, `messageBytesMax` for one block. The region begins
 * at its start again whenever it is empty, so any message that is allowed fits sooner or later.
 *
 * Why it holds on any architecture:
 *   1. A block and the reference to it are written before the ring's TAIL is stored (release); the consumer loads TAIL
 *      (acquire) before it reads either. The growth that made the room precedes them, so the consumer's remade view covers it.
 *   2. The consumer reads blocks, then stores BULK_RELEASED (release), then HEAD. The producer loads BULK_RELEASED (acquire)
 *      before it places anything over those blocks.
 *
 * Death: a block that no published frame refers to was never there; a producer's successor finds those under way by walking
 * the ring's frames. A consumer that died between the stores of BULK_RELEASED and HEAD leaves done frames whose blocks are
 * given back already: its successor passes over them unread and stores the same number again.
 */
import { assert } from '../assert.ts';
import { MessageTooLargeError } from '../errors/grid-errors.ts';
import { BULK_BYTES, BULK_OFFSET, BULK_REFERENCE_BYTES, FRAME_BYTES, RING_BULK_RELEASED } from './ring-layout.ts';
import type { RingConsumer } from './ring-consumer.ts';
import type { RingProducer } from './ring-producer.ts';

export const BULK_BYTES_MAX_DEFAULT: number = 64 * 1024 * 1024;
export const MESSAGE_BYTES_MAX_DEFAULT: number = 16 * 1024 * 1024;
/** Most blocks under way; a power of two. At 16 KiB and more a block, the default region is full before. */
export const BULK_BLOCKS_MAX = 4096;
const BLOCK_ALIGN = 64;
const GROWTH_MIN_BYTES = 64 * 1024;

/** The buffer of one region: takes address space for `bytesMax` and memory for what is used. */
export function createBulkBuffer(bytesMax: number = BULK_BYTES_MAX_DEFAULT): SharedArrayBuffer {
  return new SharedArrayBuffer(0, { maxByteLength: bytesMax });
}

export class BulkProducer {
  /** View of the region, of fixed length: REMADE when it grows, so read it after `reserve`. */
  u8: Uint8Array;
  private readonly buffer: SharedArrayBuffer;
  private readonly ring: RingProducer;
  private readonly messageBytesMax: number;
  /** Starts of the blocks under way, by number. */
  private readonly starts: Int32Array;
  /** Numbers (modulo 2³²) of the last block placed, and of the last one known to be given back. */
  private last: number;
  private given: number;
  /** Where the last block ends. */
  private end: number;
  private reservedAt: number;
  private reservedBytes: number;

  /** Goes on with what the ring's published frames refer to, whoever wrote them. */
  constructor(ring: RingProducer, buffer: SharedArrayBuffer, messageBytesMax: number = MESSAGE_BYTES_MAX_DEFAULT) {
    assert(buffer.growable && buffer.maxByteLength < 2 ** 31, 'a bulk region is growable, to less than 2 GiB');
    assert(blockBytes(messageBytesMax) <= buffer.maxByteLength, 'the largest message fits an empty region');
    this.buffer = buffer;
    this.ring = ring;
    this.messageBytesMax = messageBytesMax;
    this.u8 = viewOf(buffer);
    this.starts = new Int32Array(BULK_BLOCKS_MAX);
    this.given = 0;
    this.last = 0;
    this.end = 0;
    this.reservedAt = 0;
    this.reservedBytes = 0;
    this.adopt();
  }

  /**
   * Byte offset of contiguous room in `u8`; −1 when there is none now. Nothing is taken until `push`: reserving again with
   * another size replaces this. Throws MessageTooLargeError beyond the largest message.
   */
  reserve(bytes: number): number {
    if (bytes > this.messageBytesMax) {
      throw new MessageTooLargeError(
        `a message of ${bytes} bytes exceeds the largest of ${this.messageBytesMax} bytes`,
      );
    }
    assert(bytes > 0, 'a bulk block has bytes');
    const offset = this.place(blockBytes(bytes));
    this.reservedAt = offset;
    this.reservedBytes = offset < 0 ? 0 : bytes;
    return offset;
  }

  /**
   * Ends the reserved block with the bytes really written, and the frame reserved in the ring that refers to it. The ring's
   * reservation holds BULK_REFERENCE_BYTES more than the body. Returns the frame's ticket; the ring's `publish` shows both.
   */
  push(bodyBytes: number, bulkBytes: number): number {
    assert(bulkBytes > 0 && bulkBytes <= this.reservedBytes, 'a bulk block fits what was reserved for it');
    const number = (this.last + 1) | 0;
    const ticket = this.ring.pushReferring(bodyBytes, this.reservedAt, bulkBytes, number);
    this.take(number, this.reservedAt, bulkBytes);
    this.reservedBytes = 0;
    return ticket;
  }

  private place(bytes: number): number {
    this.given = this.loadReleased();
    const underWay = (this.last - this.given) | 0;
    assert(underWay >= 0 && underWay <= BULK_BLOCKS_MAX, 'blocks are given back after they were placed');
    if (underWay === BULK_BLOCKS_MAX) return -1;
    if (underWay === 0) this.end = 0;
    const oldest = underWay === 0 ? 0 : (this.starts[(this.given + 1) & (BULK_BLOCKS_MAX - 1)] as number);
    // Blocks take [oldest, end), or when `end` has passed the region's end [oldest, …) and [0, end).
    const wrapped = underWay > 0 && this.end <= oldest;
    if (wrapped) return this.end + bytes <= oldest ? this.end : -1;
    if (this.end + bytes <= this.u8.length) return this.end;
    if (bytes <= oldest) return 0;
    return this.grow(this.end + bytes) ? this.end : -1;
  }

  private grow(bytes: number): boolean {
    const max = this.buffer.maxByteLength;
    if (bytes > max) return false;
    const size = Math.min(max, Math.max(GROWTH_MIN_BYTES, 2 ** Math.ceil(Math.log2(bytes))));
    this.buffer.grow(size);
    this.u8 = viewOf(this.buffer);
    return true;
  }

  private take(number: number, offset: number, bytes: number): void {
    this.starts[number & (BULK_BLOCKS_MAX - 1)] = offset;
    this.last = number;
    this.end = offset + blockBytes(bytes);
  }

  /** Finds the blocks under way in the ring's frames. */
  private adopt(): void {
    let found = 0;
    this.ring.forEachReference((offset, bytes, number) => {
      assert(found++ === 0 || number === ((this.last + 1) | 0), 'blocks follow each other in their ring');
      this.take(number, offset, bytes);
    });
    // Loaded after the walk, whose first load was HEAD: a walk that finds none has seen the last release, which stands before HEAD.
    this.given = this.loadReleased();
    if (found === 0) this.last = this.given;
  }

  private loadReleased(): number {
    return Atomics.load(this.ring.i32, this.ring.base + RING_BULK_RELEASED);
  }
}

export class BulkConsumer {
  /** View of the region, of fixed length: REMADE when it has grown, so read it after `offsetOf`. */
  u8: Uint8Array;
  private readonly buffer: SharedArrayBuffer;
  private readonly ring: RingConsumer;

  constructor(ring: RingConsumer, buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.ring = ring;
    this.u8 = viewOf(buffer);
  }

  /** Byte offset in `u8` of the block that a frame refers to. Valid until the frame is released. */
  offsetOf(frame: number): number {
    const reference = this.referenceOf(frame);
    const offset = this.ring.i32[reference + BULK_OFFSET] as number;
    const end = offset + (this.ring.i32[reference + BULK_BYTES] as number);
    if (end > this.u8.length) this.u8 = viewOf(this.buffer);
    assert(offset >= 0 && end > offset && end <= this.u8.length, 'a bulk block lies within its region');
    return offset;
  }

  /** Length of that block. */
  bytesOf(frame: number): number {
    return this.ring.i32[this.referenceOf(frame) + BULK_BYTES] as number;
  }

  private referenceOf(frame: number): number {
    assert(this.ring.hasBulk(frame), 'the frame refers to a bulk block');
    return frame + (((this.ring.i32[frame + FRAME_BYTES] as number) - BULK_REFERENCE_BYTES) >>> 2);
  }
}

function viewOf(buffer: SharedArrayBuffer): Uint8Array {
  // With its length given the view is of fixed length: 1.8 ns a random read, 21 ns when it tracks the buffer's.
  return new Uint8Array(buffer, 0, buffer.byteLength);
}

function blockBytes(bytes: number): number {
  return (bytes + BLOCK_ALIGN - 1) & ~(BLOCK_ALIGN - 1);
}
