/** Rings over memory of their own, and threads that die at a chosen step. */
import { BulkConsumer, BulkProducer, createBulkBuffer } from '../../src/messages/bulk-region.ts';
import { RingConsumer } from '../../src/messages/ring-consumer.ts';
import { FRAME_HEAD_WORDS, RING_HEAD, RING_TAIL, ringRegionBytes } from '../../src/messages/ring-layout.ts';
import { RingPressure } from '../../src/messages/ring-pressure.ts';
import { RingProducer } from '../../src/messages/ring-producer.ts';

export class RingFixture {
  readonly buffer: SharedArrayBuffer;
  readonly bulkBuffer: SharedArrayBuffer;
  readonly byteOffset = 64;
  readonly pressure: RingPressure;
  readonly dataBytes: number;
  readonly messageBytesMax: number;
  producer: RingProducer;
  consumer: RingConsumer;
  bulkProducer: BulkProducer;
  bulkConsumer: BulkConsumer;

  /** @param position where the positions of a ring begin that has been in use before. */
  constructor(dataBytes = 1024, position = 0, bulkBytesMax = 1024 * 1024, messageBytesMax = 256 * 1024) {
    this.buffer = new SharedArrayBuffer(this.byteOffset + ringRegionBytes(dataBytes) + 64);
    const words = new Int32Array(this.buffer);
    words[this.byteOffset / 4 + RING_HEAD] = position;
    words[this.byteOffset / 4 + RING_TAIL] = position;
    this.bulkBuffer = createBulkBuffer(bulkBytesMax);
    this.dataBytes = dataBytes;
    this.messageBytesMax = messageBytesMax;
    this.pressure = new RingPressure(this.buffer, this.byteOffset, dataBytes);
    this.producer = new RingProducer(this.buffer, this.byteOffset, dataBytes);
    this.consumer = new RingConsumer(this.buffer, this.byteOffset, dataBytes);
    this.bulkProducer = new BulkProducer(this.producer, this.bulkBuffer, messageBytesMax);
    this.bulkConsumer = new BulkConsumer(this.consumer, this.bulkBuffer);
  }

  succeedProducer(): void {
    this.producer = new RingProducer(this.buffer, this.byteOffset, this.dataBytes);
    this.bulkProducer = new BulkProducer(this.producer, this.bulkBuffer, this.messageBytesMax);
  }

  succeedConsumer(): void {
    this.consumer = new RingConsumer(this.buffer, this.byteOffset, this.dataBytes);
    this.bulkConsumer = new BulkConsumer(this.consumer, this.bulkBuffer);
  }

  /** Pushes a frame [number, length in words, then words that follow from both]; undefined when the ring is full. */
  push(number: number, words = 4): number | undefined {
    const at = this.producer.reserve(words * 4) >>> 2;
    if (at === -1 >>> 2) return undefined;
    writeBody(this.producer.i32, at, number, words);
    return this.producer.push(words * 4);
  }

  /** Pushes a frame [number, 1] that refers to a block whose bytes follow from the number; undefined when there is no room. */
  pushBulk(number: number, bytes: number): number | undefined {
    const room = this.producer.reserve(8 + 16);
    if (room < 0) return undefined;
    const offset = this.bulkProducer.reserve(bytes);
    if (offset < 0) return undefined;
    this.bulkProducer.u8.fill(number & 255, offset, offset + bytes);
    this.producer.i32[room >>> 2] = number;
    this.producer.i32[(room >>> 2) + 1] = 1;
    return this.bulkProducer.push(8, bytes);
  }

  publish(...numbers: number[]): number[] {
    const tickets = numbers.map((number) => this.push(number) as number);
    this.producer.publish();
    return tickets;
  }

  /** Number of a frame, after checking its contents. */
  read(frame: number): number {
    const number = readBody(this.consumer.i32, frame + FRAME_HEAD_WORDS);
    if (this.consumer.hasBulk(frame)) {
      const offset = this.bulkConsumer.offsetOf(frame);
      const end = offset + this.bulkConsumer.bytesOf(frame);
      for (let at = offset; at < end; at++) {
        if (this.bulkConsumer.u8[at] !== (number & 255)) throw new Error(`block of frame ${number} is torn at ${at}`);
      }
    }
    return number;
  }

  /** Takes all frames there are, without starting them. */
  take(): { frame: number; number: number }[] {
    const taken: { frame: number; number: number }[] = [];
    for (let frame = this.consumer.next(); frame >= 0; frame = this.consumer.next()) {
      taken.push({ frame, number: this.read(frame) });
    }
    return taken;
  }
}

export function writeBody(i32: Int32Array, at: number, number: number, words: number): void {
  i32[at] = number;
  // Also for one word: frames are padded to 8 bytes.
  i32[at + 1] = words;
  for (let word = 2; word < words; word++) i32[at + word] = Math.imul(number + word, 0x9e3779b1);
}

export function readBody(i32: Int32Array, at: number): number {
  const number = i32[at] as number;
  const words = i32[at + 1] as number;
  for (let word = 2; word < words; word++) {
    if (i32[at + word] !== Math.imul(number + word, 0x9e3779b1))
      throw new Error(`frame ${number} is torn at word ${word}`);
  }
  return number;
}

export class Death extends Error {}

/**
 * Makes the side of a ring die at its n-th step: each access to its words, and each atomic operation, is a step, and dying
 * means that nothing after it happens. Returns a function that ends the spell.
 */
export function dieAtStep(side: { readonly i32: Int32Array }, steps: number): () => void {
  const words = side.i32;
  let left = steps;
  const step = () => {
    if (--left < 0) throw new Death();
  };
  Object.defineProperty(side, 'i32', {
    configurable: true,
    get: () => {
      step();
      return words;
    },
  });
  const { store, compareExchange } = Atomics;
  Atomics.store = ((array: Int32Array, index: number, value: number) => {
    step();
    return store(array, index, value);
  }) as typeof Atomics.store;
  Atomics.compareExchange = ((array: Int32Array, index: number, expected: number, value: number) => {
    step();
    return compareExchange(array, index, expected, value);
  }) as typeof Atomics.compareExchange;
  return () => {
    Atomics.store = store;
    Atomics.compareExchange = compareExchange;
    Object.defineProperty(side, 'i32', { configurable: true, value: words });
  };
}
