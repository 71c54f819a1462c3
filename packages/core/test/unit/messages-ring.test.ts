import { describe, expect, it } from 'vitest';
import { START_CANCELLED } from '../../src/messages/ring-consumer.ts';
import { FRAME_HEAD_BYTES, STARTS_MAX } from '../../src/messages/ring-layout.ts';
import { RingFixture } from './messages-fixtures.ts';

describe('ring', () => {
  it('delivers frames in order, and only what is published', () => {
    const ring = new RingFixture();
    ring.push(1);
    ring.push(2);
    expect(ring.consumer.next()).toBe(-1);
    expect(ring.producer.publish()).toBe(true);
    ring.push(3);
    expect(ring.take().map(({ number }) => number)).toEqual([1, 2]);
    expect(ring.consumer.hasMore()).toBe(false);
  });

  it('publishes nothing when nothing was pushed', () => {
    const ring = new RingFixture();
    ring.producer.reserve(100);
    expect(ring.producer.publish()).toBe(false);
  });

  it('takes nothing by a reservation, so that another size may follow', () => {
    const ring = new RingFixture();
    const first = ring.producer.reserve(100);
    expect(ring.producer.reserve(400)).toBe(first);
    ring.publish(7);
    expect(ring.take().map(({ number }) => number)).toEqual([7]);
  });

  it('fills to the last byte, says so, and takes frames again after a release', () => {
    const ring = new RingFixture(1024);
    for (let number = 0; number < 1024 / 64; number++) expect(ring.push(number, 14)).toBeDefined();
    expect(ring.push(99, 1)).toBeUndefined();
    ring.producer.publish();
    expect(ring.pressure).toMatchObject({ bytes: 1024, bytesMax: 1024, frames: 16 });
    const taken = ring.take();
    expect(taken.map(({ number }) => number)).toEqual([...Array(16).keys()]);
    expect(ring.push(99, 1)).toBeUndefined();
    ring.consumer.finish(taken[0]?.frame as number);
    expect(ring.consumer.release()).toBe(true);
    expect(ring.push(99, 15)).toBeUndefined();
    expect(ring.push(99, 14)).toBeDefined();
    expect(ring.push(99, 1)).toBeUndefined();
  });

  it('pads the end of its data where a frame would not be contiguous', () => {
    const ring = new RingFixture(1024);
    for (let round = 0; round < 50; round++) {
      const words = 20 + (round % 37);
      expect(ring.push(round, words)).toBeDefined();
      ring.producer.publish();
      const [taken] = ring.take();
      expect(taken?.number).toBe(round);
      ring.consumer.finish(taken?.frame as number);
      ring.consumer.release();
    }
    expect(ring.pressure).toMatchObject({ bytes: 0, frames: 0 });
  });

  it('takes a frame of half its data at any position', () => {
    const ring = new RingFixture(1024);
    expect(ring.producer.bodyBytesMax).toBe(512 - FRAME_HEAD_BYTES);
    for (let number = 0; number < 100; number++) {
      expect(ring.push(number, 2 + (number % 9))).toBeDefined();
      ring.producer.publish();
      ring.take();
      ring.consumer.releaseTaken();
      expect(ring.push(number, ring.producer.bodyBytesMax / 4)).toBeDefined();
      ring.producer.publish();
      expect(ring.take()[0]?.number).toBe(number);
      ring.consumer.releaseTaken();
    }
    expect(() => ring.producer.reserve(ring.producer.bodyBytesMax + 1)).toThrow('a frame fits half of its ring');
  });

  it('never refuses the largest frame while it is empty, wherever the last one ended', () => {
    const ring = new RingFixture(64 * 1024);
    for (let number = 0; number < 200; number++) {
      const words = number % 3 === 2 ? ring.producer.bodyBytesMax / 4 : 100 + ((number * 977) % 6000);
      expect(ring.push(number, words), `frame ${number}`).toBeDefined();
      ring.producer.publish();
      expect(ring.take()[0]?.number).toBe(number);
      ring.consumer.releaseTaken();
    }
  });

  it.each([-100, 2 ** 31 - 200, 0x7fff_fff8 | 0, 2 ** 32 - 512])('counts on where positions wrap (%d)', (position) => {
    const ring = new RingFixture(1024, position & ~7);
    let sent = 0;
    let received = 0;
    while (received < 500) {
      while (ring.push(sent, 3 + (sent % 20)) !== undefined) sent++;
      ring.producer.publish();
      const taken = ring.take();
      expect(taken.length).toBeGreaterThan(0);
      for (const { frame, number } of taken) {
        expect(number).toBe(received++);
        ring.consumer.start(frame);
        ring.consumer.finish(frame);
      }
      ring.consumer.release();
    }
  });

  it('begins at its start again when a batch finds it empty, so that untouched pages stay untouched', () => {
    const ring = new RingFixture(256 * 1024);
    const offsets = new Set<number>();
    for (let number = 0; number < 5000; number++) {
      offsets.add(ring.producer.reserve(120));
      ring.publish(number);
      expect(ring.take()[0]?.number).toBe(number);
      ring.consumer.releaseTaken();
    }
    expect(Math.max(...offsets) - Math.min(...offsets)).toBeLessThan(20 * 1024);
  });

  it('refuses to push what was not reserved', () => {
    const ring = new RingFixture();
    expect(() => ring.producer.push(8)).toThrow('a frame fits what was reserved for it');
    ring.producer.reserve(8);
    expect(() => ring.producer.push(9)).toThrow('a frame fits what was reserved for it');
  });

  it('refuses sizes and places that are none', () => {
    expect(() => new RingFixture(1000)).toThrow('a ring has a power of two of bytes');
    expect(() => new RingFixture(512)).toThrow('a ring has a power of two of bytes');
  });
});

describe('finishing out of order', () => {
  it('gives room back only behind the oldest unfinished frame', () => {
    const ring = new RingFixture();
    ring.publish(0, 1, 2, 3);
    const frames = ring.take().map(({ frame }) => frame) as [number, number, number, number];
    for (const frame of frames) expect(ring.consumer.start(frame)).toBe(0);
    ring.consumer.finish(frames[2]);
    ring.consumer.finish(frames[1]);
    expect(ring.consumer.release()).toBe(false);
    expect(ring.pressure.frames).toBe(4);
    ring.consumer.finish(frames[0]);
    expect(ring.consumer.release()).toBe(true);
    expect(ring.pressure.frames).toBe(1);
    expect(ring.consumer.release()).toBe(false);
    ring.consumer.finish(frames[3]);
    expect(ring.consumer.release()).toBe(true);
    expect(ring.pressure).toMatchObject({ bytes: 0, frames: 0 });
  });

  it('refuses to finish a frame twice', () => {
    const ring = new RingFixture();
    ring.publish(0);
    const frame = ring.consumer.next();
    ring.consumer.finish(frame);
    expect(() => ring.consumer.finish(frame)).toThrow('a frame is finished once');
  });
});

describe('cancelling', () => {
  it('wins before the start: the frame is passed over', () => {
    const ring = new RingFixture();
    const [first, second] = ring.publish(1, 2) as [number, number];
    expect(ring.producer.cancel(first)).toBe(true);
    expect(ring.producer.cancel(first)).toBe(false);
    expect(ring.take().map(({ number }) => number)).toEqual([2]);
    expect(ring.producer.cancel(second, 3)).toBe(false);
    expect(ring.producer.cancel(second, 2)).toBe(true);
  });

  it('wins between taking and starting: the start says so, and the frame is finished only', () => {
    const ring = new RingFixture();
    const [ticket] = ring.publish(1) as [number];
    const frame = ring.consumer.next();
    expect(ring.producer.cancel(ticket)).toBe(true);
    expect(ring.consumer.start(frame)).toBe(START_CANCELLED);
    expect(ring.consumer.release()).toBe(false);
    ring.consumer.finish(frame);
    expect(ring.consumer.release()).toBe(true);
  });

  it('wins in the middle of the start, and the start loses', () => {
    const ring = new RingFixture();
    const [ticket] = ring.publish(1) as [number];
    const frame = ring.consumer.next();
    const { compareExchange } = Atomics;
    let cancelled = false;
    Atomics.compareExchange = ((array: Int32Array, index: number, expected: number, value: number) => {
      Atomics.compareExchange = compareExchange;
      cancelled = ring.producer.cancel(ticket);
      return compareExchange(array, index, expected, value);
    }) as typeof compareExchange;
    expect(ring.consumer.start(frame)).toBe(START_CANCELLED);
    expect(cancelled).toBe(true);
  });

  it('loses to a start in its middle', () => {
    const ring = new RingFixture();
    const [ticket] = ring.publish(1) as [number];
    const frame = ring.consumer.next();
    const { compareExchange } = Atomics;
    let starts = START_CANCELLED;
    Atomics.compareExchange = ((array: Int32Array, index: number, expected: number, value: number) => {
      Atomics.compareExchange = compareExchange;
      starts = ring.consumer.start(frame);
      return compareExchange(array, index, expected, value);
    }) as typeof compareExchange;
    expect(ring.producer.cancel(ticket)).toBe(false);
    expect(starts).toBe(0);
  });

  it('loses after the start, after the finish, and after the release', () => {
    const ring = new RingFixture();
    const [ticket] = ring.publish(1) as [number];
    const frame = ring.consumer.next();
    expect(ring.consumer.start(frame)).toBe(0);
    expect(ring.producer.cancel(ticket)).toBe(false);
    ring.consumer.finish(frame);
    expect(ring.producer.cancel(ticket)).toBe(false);
    ring.consumer.release();
    expect(ring.producer.cancel(ticket)).toBe(false);
  });

  it('never reaches a later frame at the same place', () => {
    const ring = new RingFixture(1024);
    const [ticket] = ring.publish(1) as [number];
    for (let number = 2; number < 200; number++) {
      ring.take();
      ring.consumer.releaseTaken();
      ring.publish(number);
      expect(ring.producer.cancel(ticket)).toBe(false);
    }
    expect(ring.take().map(({ number }) => number)).toEqual([199]);
  });

  it('reaches frames that are not published yet', () => {
    const ring = new RingFixture();
    const ticket = ring.push(1) as number;
    expect(ring.producer.cancel(ticket)).toBe(true);
    ring.producer.publish();
    expect(ring.consumer.next()).toBe(-1);
  });
});

it('gives the room of cancelled frames back though nothing is ever taken', () => {
  const ring = new RingFixture(1024);
  for (let round = 0; round < 20; round++) {
    const tickets: number[] = [];
    for (let ticket = ring.push(round); ticket !== undefined; ticket = ring.push(round)) tickets.push(ticket);
    expect(tickets.length).toBeGreaterThan(20);
    ring.producer.publish();
    for (const ticket of tickets) expect(ring.producer.cancel(ticket)).toBe(true);
    expect(ring.consumer.next()).toBe(-1);
  }
});

describe('a successor', () => {
  it('of the consumer meets all that is not done, in order, with the number of starts', () => {
    const ring = new RingFixture();
    ring.publish(0, 1, 2, 3, 4);
    const frames = ring.take().map(({ frame }) => frame) as [number, number, number, number, number];
    ring.consumer.start(frames[0]);
    ring.consumer.start(frames[1]);
    ring.consumer.start(frames[2]);
    ring.consumer.finish(frames[1]);
    ring.succeedConsumer();
    const again = ring.take();
    expect(again.map(({ number }) => number)).toEqual([0, 2, 3, 4]);
    expect(again.map(({ frame }) => ring.consumer.start(frame))).toEqual([1, 1, 0, 0]);
    ring.succeedConsumer();
    const third = ring.take();
    expect(third.map(({ frame }) => ring.consumer.start(frame))).toEqual([STARTS_MAX, STARTS_MAX, 1, 1]);
    ring.succeedConsumer();
    const fourth = ring.take();
    expect(fourth.map(({ frame }) => ring.consumer.start(frame))).toEqual(Array(4).fill(STARTS_MAX));
    for (const { frame } of fourth) ring.consumer.finish(frame);
    expect(ring.consumer.release()).toBe(true);
    expect(ring.pressure).toMatchObject({ bytes: 0, frames: 0 });
  });

  it('of a consumer that died before it released gives that room back though nothing is to be taken', () => {
    const ring = new RingFixture(1024);
    while (ring.push(1) !== undefined);
    ring.producer.publish();
    for (const { frame } of ring.take()) ring.consumer.finish(frame);
    ring.succeedConsumer();
    expect(ring.consumer.next()).toBe(-1);
    expect(ring.pressure).toMatchObject({ bytes: 0, frames: 0 });
    expect(ring.push(2)).toBeDefined();
  });

  it('of the producer goes on behind what was published, and drops what was not', () => {
    const ring = new RingFixture();
    ring.publish(0, 1);
    ring.push(2);
    ring.succeedProducer();
    ring.publish(3);
    expect(ring.take().map(({ number }) => number)).toEqual([0, 1, 3]);
  });

  it('of a client finds its ring empty after the consumer drained and reset it', () => {
    const ring = new RingFixture();
    ring.publish(0, 1, 2);
    const frame = ring.consumer.next();
    ring.consumer.start(frame);
    ring.consumer.reset();
    expect(ring.pressure).toMatchObject({ bytes: 0, frames: 0 });
    ring.succeedProducer();
    ring.publish(7);
    expect(ring.take().map(({ number }) => number)).toEqual([7]);
  });

  it('of a reading client finds its ring empty after the producer reset it', () => {
    const ring = new RingFixture();
    ring.publish(0, 1);
    ring.pushBulk(2, 100);
    ring.producer.publish();
    ring.take();
    ring.push(3);
    ring.producer.reset();
    expect(ring.pressure).toMatchObject({ bytes: 0, frames: 0 });
    ring.succeedConsumer();
    ring.publish(8);
    expect(ring.take().map(({ number }) => number)).toEqual([8]);
  });
});
