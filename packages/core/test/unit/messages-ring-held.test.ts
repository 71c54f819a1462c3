// A consumer that holds one old frame open while others pass: how far the ring goes on, and that it goes on again.
import { describe, expect, it } from 'vitest';
import { RING_BULK_RELEASED } from '../../src/messages/ring-layout.ts';
import { RingFixture } from './messages-fixtures.ts';

/** Bytes of a frame that the fixture pushes. */
const FRAME = 24;

/** Sends and finishes frames from `number` on until the ring is full, 2,000 at most, and returns the number of the next. */
function pass(ring: RingFixture, number: number): number {
  let next = number;
  while (next < number + 2000 && ring.push(next) !== undefined) {
    ring.producer.publish();
    const frame = ring.consumer.next();
    expect(ring.read(frame)).toBe(next++);
    expect(ring.consumer.start(frame)).toBe(0);
    ring.consumer.finish(frame);
    ring.consumer.release();
  }
  return next;
}

for (const position of [0, 2 ** 31 - 4096, 2 ** 32 - 4096]) {
  describe(`a frame held open at position ${position}`, () => {
    it('lets as many pass as the ring has room for, then the producer is told that it is full', () => {
      const ring = new RingFixture(8192, position | 0);
      ring.publish(0);
      const held = ring.consumer.next();
      ring.consumer.start(held);
      const passed = pass(ring, 1);
      expect(passed).toBe(Math.floor(8192 / FRAME));
      expect(ring.consumer.heldBytes).toBe(passed * FRAME);
      expect(ring.pressure.bytes).toBeGreaterThan(0.99 * ring.pressure.bytesMax);
      // What is full stays full, and nothing is lost or overwritten.
      for (let count = 0; count < 100; count++) expect(ring.push(passed)).toBeUndefined();
      expect(ring.consumer.next()).toBe(-1);
      expect(ring.read(held)).toBe(0);
      ring.consumer.finish(held);
      expect(ring.consumer.release()).toBe(true);
      expect(ring.consumer.heldBytes).toBe(0);
      expect(ring.pressure).toMatchObject({ bytes: 0, frames: 0 });
    });

    it('is let go when half of the ring is held behind it, and thousands pass', () => {
      const ring = new RingFixture(8192, position | 0);
      ring.publish(0);
      let held = ring.consumer.next();
      ring.consumer.start(held);
      let letGo = 0;
      for (let number = 1; number < 5000; number++) {
        ring.publish(number);
        const frame = ring.consumer.next();
        expect(ring.read(frame)).toBe(number);
        expect(ring.consumer.start(frame)).toBe(0);
        if (ring.consumer.heldBytes > ring.dataBytes >>> 1) {
          // Its owner has copied it, and holds a younger one instead.
          ring.consumer.finish(held);
          held = frame;
          letGo++;
        } else {
          ring.consumer.finish(frame);
        }
        ring.consumer.release();
      }
      expect(letGo).toBeGreaterThan(20);
    });

    it('comes again to a successor, alone: those that passed are done', () => {
      const ring = new RingFixture(8192, position | 0);
      ring.publish(0);
      ring.consumer.start(ring.consumer.next());
      const passed = pass(ring, 1);
      ring.succeedConsumer();
      const again = ring.consumer.next();
      expect(ring.read(again)).toBe(0);
      expect(ring.consumer.start(again)).toBe(1);
      expect(ring.consumer.next()).toBe(-1);
      ring.consumer.finish(again);
      ring.consumer.release();
      expect(pass(ring, passed)).toBe(passed + 2000);
    });
  });
}

describe('a bulk block held open', () => {
  it('keeps its bytes while blocks behind it come and go, until the region is full', () => {
    const ring = new RingFixture(8192, 0, 1024 * 1024, 64 * 1024);
    expect(ring.pushBulk(1, 60_000)).toBeDefined();
    ring.producer.publish();
    const held = ring.consumer.next();
    let number = 2;
    for (; ring.pushBulk(number, 60_000) !== undefined; number++) {
      ring.producer.publish();
      const frame = ring.consumer.next();
      expect(ring.read(frame)).toBe(number);
      ring.consumer.finish(frame);
      ring.consumer.release();
    }
    expect(number).toBeGreaterThan(15);
    expect(ring.read(held)).toBe(1);
    ring.consumer.finish(held);
    ring.consumer.release();
    expect(ring.pushBulk(number, 60_000)).toBeDefined();
  });

  for (const first of [2 ** 31 - 3, 2 ** 32 - 3]) {
    it(`is numbered on across ${first + 3}`, () => {
      const ring = new RingFixture(8192, 0, 256 * 1024, 64 * 1024);
      new Int32Array(ring.buffer)[ring.byteOffset / 4 + RING_BULK_RELEASED] = first | 0;
      ring.succeedProducer();
      ring.succeedConsumer();
      for (let number = 0; number < 40; number++) {
        expect(ring.pushBulk(number, 50_000)).toBeDefined();
        ring.producer.publish();
        if (number % 3 === 1) ring.succeedProducer();
        if (number % 4 !== 3) continue;
        for (const { frame } of ring.take()) ring.consumer.finish(frame);
        ring.consumer.release();
      }
    });
  }
});
