import { describe, expect, it } from 'vitest';
import { MessageTooLargeError } from '../../src/errors/grid-errors.ts';
import { BULK_BLOCKS_MAX, BulkProducer, createBulkBuffer } from '../../src/messages/bulk-region.ts';
import { RingProducer } from '../../src/messages/ring-producer.ts';
import { RingFixture } from './messages-fixtures.ts';

const KIB = 1024;

describe('bulk region', () => {
  it('takes no memory before it is used, and grows to what is needed', () => {
    const ring = new RingFixture();
    expect(ring.bulkBuffer.byteLength).toBe(0);
    expect(ring.pushBulk(1, 100)).toBeDefined();
    expect(ring.bulkBuffer.byteLength).toBe(64 * KIB);
    expect(ring.pushBulk(2, 200 * KIB)).toBeDefined();
    expect(ring.bulkBuffer.byteLength).toBe(256 * KIB);
    ring.producer.publish();
    expect(ring.take().map(({ number }) => number)).toEqual([1, 2]);
  });

  it('uses views of fixed length on both sides, remade after growth', () => {
    const ring = new RingFixture();
    ring.pushBulk(1, 100);
    ring.producer.publish();
    ring.take();
    const view = ring.bulkConsumer.u8;
    ring.pushBulk(2, 100 * KIB);
    ring.producer.publish();
    expect(view.length).toBe(64 * KIB);
    ring.take();
    expect(ring.bulkConsumer.u8.length).toBe(ring.bulkBuffer.byteLength);
  });

  it('is bounded: full is −1, and a release makes room again', () => {
    const ring = new RingFixture(1024, 0, 512 * KIB, 256 * KIB);
    expect(ring.pushBulk(1, 256 * KIB)).toBeDefined();
    expect(ring.pushBulk(2, 256 * KIB)).toBeDefined();
    expect(ring.pushBulk(3, 1)).toBeUndefined();
    ring.producer.publish();
    const [first, second] = ring.take();
    ring.consumer.finish(second?.frame as number);
    ring.consumer.release();
    expect(ring.bulkProducer.reserve(1)).toBe(-1);
    ring.consumer.finish(first?.frame as number);
    ring.consumer.release();
    expect(ring.bulkProducer.reserve(256 * KIB)).toBe(0);
  });

  it('goes round, and never over a block that is not given back', () => {
    const ring = new RingFixture(4096, 0, 1024 * KIB, 256 * KIB);
    const inHand: { frame: number; number: number }[] = [];
    let sent = 0;
    let received = 0;
    for (let round = 0; round < 300; round++) {
      while (ring.pushBulk(sent, 1 + ((sent * 7919) % (200 * KIB))) !== undefined) sent++;
      ring.producer.publish();
      inHand.push(...ring.take());
      expect(inHand.length).toBeGreaterThan(0);
      const count = 1 + (round % inHand.length);
      for (const { frame, number } of inHand.splice(0, count)) {
        expect(ring.read(frame)).toBe(number);
        expect(number).toBe(received++);
        ring.consumer.finish(frame);
      }
      ring.consumer.release();
    }
    expect(ring.bulkBuffer.byteLength).toBe(1024 * KIB);
  });

  it('refuses a message beyond the limit with MessageTooLargeError, and takes one of exactly the limit', () => {
    const ring = new RingFixture(1024, 0, 512 * KIB, 256 * KIB);
    expect(() => ring.bulkProducer.reserve(256 * KIB + 1)).toThrow(MessageTooLargeError);
    expect(ring.bulkProducer.reserve(256 * KIB)).toBe(0);
  });

  it('takes only what was written of a reservation', () => {
    const ring = new RingFixture();
    ring.producer.reserve(8 + 16);
    expect(ring.bulkProducer.reserve(200 * KIB)).toBe(0);
    ring.bulkProducer.push(8, 65);
    expect(ring.bulkProducer.reserve(1)).toBe(128);
  });

  it('has at most BULK_BLOCKS_MAX blocks under way', () => {
    const ring = new RingFixture(256 * KIB);
    for (let number = 0; number < BULK_BLOCKS_MAX; number++) expect(ring.pushBulk(number, 1)).toBeDefined();
    expect(ring.pushBulk(0, 1)).toBeUndefined();
    ring.producer.publish();
    ring.consumer.finish(ring.consumer.next());
    ring.consumer.release();
    expect(ring.pushBulk(0, 1)).toBeDefined();
  });

  it('passes cancelled frames over, and gives their blocks back', () => {
    const ring = new RingFixture(1024, 0, 256 * KIB, 256 * KIB);
    const ticket = ring.pushBulk(1, 200 * KIB) as number;
    ring.producer.publish();
    expect(ring.producer.cancel(ticket)).toBe(true);
    expect(ring.pushBulk(2, 200 * KIB)).toBeUndefined();
    expect(ring.consumer.next()).toBe(-1);
    expect(ring.pushBulk(2, 200 * KIB)).toBeDefined();
  });

  it('lets a successor of the producer find the blocks that are under way', () => {
    const ring = new RingFixture(1024, 0, 512 * KIB, 256 * KIB);
    ring.pushBulk(1, 200 * KIB);
    ring.producer.publish();
    ring.pushBulk(2, 200 * KIB);
    ring.succeedProducer();
    expect(ring.pushBulk(3, 250 * KIB)).toBeDefined();
    expect(ring.pushBulk(4, 250 * KIB)).toBeUndefined();
    ring.producer.publish();
    const taken = ring.take();
    expect(taken.map(({ number }) => number)).toEqual([1, 3]);
    ring.consumer.releaseTaken();
    expect(ring.bulkProducer.reserve(256 * KIB)).toBe(0);
  });

  it('lets a successor of the producer attach while the consumer gives the last block back', () => {
    const ring = new RingFixture();
    ring.pushBulk(1, 100);
    ring.producer.publish();
    ring.take();
    const walk = RingProducer.prototype.forEachReference;
    RingProducer.prototype.forEachReference = function (visit) {
      ring.consumer.releaseTaken();
      walk.call(this, visit);
    };
    try {
      ring.succeedProducer();
    } finally {
      RingProducer.prototype.forEachReference = walk;
    }
    expect(ring.pushBulk(2, 100)).toBeDefined();
    ring.producer.publish();
    expect(ring.take().map(({ number }) => number)).toEqual([2]);
  });

  it('refuses a region in which the largest message does not fit', () => {
    const { producer } = new RingFixture();
    expect(() => new BulkProducer(producer, createBulkBuffer(64 * KIB), 65 * KIB)).toThrow('the largest message fits');
  });

  it('refuses to look for a block where a frame has none', () => {
    const ring = new RingFixture();
    ring.publish(1);
    const frame = ring.consumer.next();
    expect(() => ring.bulkConsumer.offsetOf(frame)).toThrow('the frame refers to a bulk block');
  });
});
