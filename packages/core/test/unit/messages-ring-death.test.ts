import { expect, it } from 'vitest';
import { STARTS_MAX } from '../../src/messages/ring-layout.ts';
import { Death, dieAtStep, RingFixture } from './messages-fixtures.ts';

const FRAMES = 8;
const CANCELLED = 3;

/** A ring near its wrap, with eight frames: number 3 cancelled, numbers 2 and 5 with bulk blocks. */
function loadedRing(): RingFixture {
  const ring = new RingFixture(1024, 880);
  for (let number = 0; number < FRAMES; number++) {
    const ticket = number === 2 || number === 5 ? ring.pushBulk(number, 5000) : ring.push(number, 6 + number);
    if (number === CANCELLED) ring.producer.cancel(ticket as number);
  }
  ring.producer.publish();
  return ring;
}

/** Takes everything, runs it, finishes the second half first. Notes what was run and what was finished. */
function consume(ring: RingFixture, run: number[], finished: Set<number>): void {
  const inHand: { frame: number; number: number }[] = [];
  for (let frame = ring.consumer.next(); frame >= 0; frame = ring.consumer.next()) {
    const number = ring.read(frame);
    const starts = ring.consumer.start(frame);
    if (starts >= 0 && starts < STARTS_MAX) run.push(number);
    inHand.push({ frame, number });
  }
  for (const { frame, number } of [...inHand.slice(4), ...inHand.slice(0, 4)]) {
    ring.consumer.finish(frame);
    finished.add(number);
    ring.consumer.release();
  }
}

it('a consumer may die at any step: what was not done is run again, what was done is not', () => {
  let deaths = 0;
  for (let steps = 0; ; steps++) {
    const ring = loadedRing();
    const run: number[] = [];
    const finished = new Set<number>();
    const revive = dieAtStep(ring.consumer, steps);
    let died = false;
    try {
      consume(ring, run, finished);
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      died = true;
    } finally {
      revive();
    }
    if (!died) break;
    deaths++;
    const runAgain: number[] = [];
    ring.succeedConsumer();
    consume(ring, runAgain, new Set());
    for (const number of finished) expect(runAgain, `death at step ${steps}`).not.toContain(number);
    expect(runAgain).toEqual(runAgain.toSorted((a, b) => a - b));
    const all = new Set([...run, ...runAgain]);
    expect(all, `death at step ${steps}`).toEqual(new Set([0, 1, 2, 4, 5, 6, 7]));
    expect(ring.pressure.bytes).toBe(0);
    // Room and bulk room are all back: as much fits as into a fresh ring.
    for (let round = 0; round < 3; round++) {
      expect(ring.pushBulk(200, 250_000), `death at step ${steps}`).toBeDefined();
      expect(ring.push(201, 100)).toBeDefined();
      ring.producer.publish();
      expect(ring.take().map(({ number }) => number)).toEqual([200, 201]);
      ring.consumer.releaseTaken();
    }
  }
  expect(deaths).toBeGreaterThan(100);
});

it('a consumer may die at any step of taking in order: frames come again from the last release on', () => {
  let deaths = 0;
  for (let steps = 0; ; steps++) {
    const ring = loadedRing();
    const revive = dieAtStep(ring.consumer, steps);
    let released = false;
    try {
      ring.take();
      ring.consumer.releaseTaken();
      released = true;
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    } finally {
      revive();
    }
    ring.succeedConsumer();
    const again = ring.take().map(({ number }) => number);
    if (released) {
      expect(again).toEqual([]);
      break;
    }
    deaths++;
    expect(again).toEqual([0, 1, 2, 4, 5, 6, 7]);
    ring.consumer.releaseTaken();
    expect(ring.pressure.bytes).toBe(0);
  }
  expect(deaths).toBeGreaterThan(20);
});

it('a producer may die at any step: a batch is there as a whole or not at all', () => {
  let deaths = 0;
  for (let steps = 0; ; steps++) {
    const ring = new RingFixture(1024, 880);
    ring.publish(100);
    const revive = dieAtStep(ring.producer, steps);
    let died = false;
    try {
      for (let number = 0; number < 3; number++) ring.push(number, 6);
      ring.pushBulk(3, 3000);
      ring.producer.publish();
      for (let number = 4; number < 7; number++) ring.push(number, 30);
      ring.producer.publish();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      died = true;
    } finally {
      revive();
    }
    ring.succeedProducer();
    expect(ring.pushBulk(200, 4000)).toBeDefined();
    ring.producer.publish();
    const numbers = ring.take().map(({ number }) => number);
    const possible = [[], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6]].map((batches) => [100, ...batches, 200]);
    expect(possible, `death at step ${steps}`).toContainEqual(numbers);
    ring.consumer.releaseTaken();
    expect(ring.pressure.bytes).toBe(0);
    if (!died) break;
    deaths++;
  }
  expect(deaths).toBeGreaterThan(20);
});

it('counts frames exactly again when the successor finds the ring empty', () => {
  for (let steps = 0; steps < 40; steps++) {
    const ring = new RingFixture(64 * 1024, 20_000);
    const revive = dieAtStep(ring.producer, steps);
    try {
      for (let number = 0; number < 5; number++) ring.publish(number);
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    } finally {
      revive();
    }
    ring.take();
    ring.consumer.releaseTaken();
    ring.succeedProducer();
    ring.publish(7, 8);
    expect(ring.pressure.frames, `death at step ${steps}`).toBe(2);
  }
});
