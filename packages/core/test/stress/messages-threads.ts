/** Threads of the ring and doorbell stress tests: what a worker does is chosen by `workerData.role`. */
import { parentPort, workerData } from 'node:worker_threads';
import { BulkConsumer } from '../../src/messages/bulk-region.ts';
import { Doorbell } from '../../src/messages/doorbell.ts';
import { START_CANCELLED, RingConsumer } from '../../src/messages/ring-consumer.ts';
import { FRAME_HEAD_WORDS, ringRegionBytes, STARTS_MAX } from '../../src/messages/ring-layout.ts';
import { RingProducer } from '../../src/messages/ring-producer.ts';
import { readBody, writeBody } from '../unit/messages-fixtures.ts';

export const RING_BYTES: number = 64 * 1024;
/** Int32 words from one doorbell to the next: 128 bytes, so that they travel apart between caches. */
const DOORBELL_WORDS = 32;
export const CHILDREN_MAX = 3;

export type Parking = 'blocking' | 'async' | 'both';
export type Role = 'bulky' | 'echo' | 'shaky' | 'sender' | 'collector';

export interface ThreadData {
  readonly role: Role;
  readonly rings: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
  readonly parking: Parking;
  /** Of a sender: its ring and doorbell. Of all: where random choices begin. */
  readonly number: number;
  readonly seed: number;
  /** Of a sender: how many messages; of a collector: how many in all. */
  readonly count: number;
  readonly bulk?: SharedArrayBuffer;
  /** Int32 words of results; see each role. */
  readonly results: SharedArrayBuffer;
}

export function createDoorbells(): SharedArrayBuffer {
  return new SharedArrayBuffer(CHILDREN_MAX * DOORBELL_WORDS * 4);
}

export function doorbellAt(number: number): number {
  return number * DOORBELL_WORDS;
}

export function createRings(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * ringRegionBytes(RING_BYTES));
}

export function ringAt(index: number): number {
  return index * ringRegionBytes(RING_BYTES);
}

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0 || 1;
  }

  /** A number from 0 to `below` − 1. */
  below(below: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % below;
  }
}

/** Parks as asked; 'both' takes turns. Notes in `results[0]` when a park ended by its time: a wake-up was lost. */
export class Parker {
  private readonly bell: Doorbell;
  private readonly parking: Parking;
  private readonly lost: () => void;
  private turn: number;

  constructor(bell: Doorbell, parking: Parking, lost: () => void) {
    this.bell = bell;
    this.parking = parking;
    this.lost = lost;
    this.turn = 0;
  }

  async park(found: () => boolean): Promise<void> {
    const blocking = this.parking === 'blocking' || (this.parking === 'both' && this.turn++ % 2 === 0);
    // Now and then an asynchronous park ends early and leaves its waitAsync behind for the next one.
    const short = this.parking === 'both' && this.turn % 64 === 0;
    const woken = blocking
      ? this.bell.parkBlocking(PARK_MS, found)
      : await this.bell.parkAsync(short ? 1 : PARK_MS, found);
    if (!woken && !short) this.lost();
  }
}

/** Longer than any pause of a busy machine, shorter than a test's deadline. */
export const PARK_MS = 8000;

/** Sends every frame of ring 0 back by ring 1, checked and copied. results: [lost wake-ups]. */
async function echo(data: ThreadData): Promise<void> {
  const words = new Int32Array(data.words);
  const results = new Int32Array(data.results);
  const into = new RingConsumer(data.rings, ringAt(0), RING_BYTES);
  const out = new RingProducer(data.rings, ringAt(1), RING_BYTES);
  const own = new Doorbell(words, doorbellAt(1));
  const peer = new Doorbell(words, doorbellAt(0));
  own.keepAlive(true);
  const parker = new Parker(own, data.parking, () => Atomics.add(results, 0, 1));
  const found = () => into.hasMore();
  const hasRoom = () => out.reserve(1024) >= 0;
  for (;;) {
    let moved = 0;
    for (; moved < 64; moved++) {
      const room = out.reserve(1024);
      if (room < 0) break;
      const frame = into.next();
      if (frame < 0) break;
      const number = readBody(into.i32, frame + FRAME_HEAD_WORDS);
      const length = into.i32[frame + FRAME_HEAD_WORDS + 1] as number;
      if (into.start(frame) !== 0) throw new Error(`frame ${number} was not fresh`);
      writeBody(out.i32, room >>> 2, number, length);
      out.push(length * 4);
      into.finish(frame);
    }
    const published = out.publish();
    // Rung for what came back, and for the room: the other side may park because its ring is full.
    if (into.release() || published) peer.ring();
    if (moved === 0) await parker.park(out.reserve(1024) < 0 ? hasRoom : found);
  }
}

/**
 * Runs frames of ring 0 and finishes them in random order, until it is terminated. results, four words for each number:
 * [times run, finished, refused at STARTS_MAX, run again after it was finished].
 */
function shaky(data: ThreadData): void {
  const random = new Random(data.seed);
  const results = new Int32Array(data.results);
  const words = new Int32Array(data.words);
  const into = new RingConsumer(data.rings, ringAt(0), RING_BYTES);
  const own = new Doorbell(words, doorbellAt(1));
  const inHand: { frame: number; number: number }[] = [];
  parentPort?.postMessage('ready');
  for (;;) {
    for (let frame = into.next(); frame >= 0; frame = into.next()) {
      const number = readBody(into.i32, frame + FRAME_HEAD_WORDS);
      const starts = into.start(frame);
      if (starts === STARTS_MAX) Atomics.add(results, number * 4 + 2, 1);
      else if (starts !== START_CANCELLED) {
        Atomics.add(results, number * 4, 1);
        if (Atomics.load(results, number * 4 + 1) !== 0) Atomics.add(results, number * 4 + 3, 1);
      }
      inHand.push({ frame, number });
      // Some microseconds, so that the ring has frames when the thread is terminated.
      for (let pause = random.below(1000); pause > 0; pause--) Atomics.load(results, 0);
      if (inHand.length >= 16) break;
    }
    for (let left = random.below(inHand.length + 1); left > 0; left--) {
      const [held] = inHand.splice(random.below(inHand.length), 1) as [{ frame: number; number: number }];
      into.finish(held.frame);
      Atomics.store(results, held.number * 4 + 1, 1);
    }
    into.release();
    if (inHand.length === 0) own.parkBlocking(20, () => into.hasMore());
  }
}

/** Puts `count` numbered frames into its ring, one at a time with random pauses. */
async function sender(data: ThreadData): Promise<void> {
  const random = new Random(data.seed);
  const out = new RingProducer(data.rings, ringAt(data.number), RING_BYTES);
  const bell = new Doorbell(new Int32Array(data.words), doorbellAt(0));
  for (let number = 0; number < data.count; ) {
    const room = out.reserve(16);
    if (room < 0) {
      await new Promise(setImmediate);
      continue;
    }
    writeBody(out.i32, room >>> 2, number++, 4);
    out.push(16);
    out.publish();
    bell.ring();
    for (let pause = random.below(400); pause > 0; pause--) Atomics.load(out.i32, 0);
  }
}

/** Takes what all senders send, and parks between. results: [lost wake-ups, frames taken]. */
async function collector(data: ThreadData): Promise<void> {
  const results = new Int32Array(data.results);
  const rings = [0, 1].map((index) => new RingConsumer(data.rings, ringAt(index), RING_BYTES));
  const bell = new Doorbell(new Int32Array(data.words), doorbellAt(0));
  const parker = new Parker(bell, data.parking, () => Atomics.add(results, 0, 1));
  const expected = [0, 0];
  const found = () => rings.some((ring) => ring.hasMore());
  let taken = 0;
  bell.keepAlive(true);
  while (taken < data.count) {
    const before = taken;
    for (const [index, ring] of rings.entries()) {
      for (let frame = ring.next(); frame >= 0; frame = ring.next()) {
        const number = readBody(ring.i32, frame + FRAME_HEAD_WORDS);
        if (number !== expected[index]) throw new Error(`sender ${index}: ${number} came, not ${expected[index]}`);
        expected[index]++;
        taken++;
      }
      ring.releaseTaken();
    }
    Atomics.store(results, 1, taken);
    if (taken === before) await parker.park(found);
  }
  bell.close();
}

/** Checks `count` large bodies, and finishes them in random order. results: [lost wake-ups, bodies that are whole]. */
async function bulky(data: ThreadData): Promise<void> {
  const random = new Random(data.seed);
  const results = new Int32Array(data.results);
  const into = new RingConsumer(data.rings, ringAt(0), RING_BYTES);
  const region = new BulkConsumer(into, data.bulk as SharedArrayBuffer);
  const own = new Doorbell(new Int32Array(data.words), doorbellAt(1));
  const parker = new Parker(own, data.parking, () => Atomics.add(results, 0, 1));
  const inHand: { frame: number; number: number }[] = [];
  for (let checked = 0; checked < data.count; ) {
    while (inHand.length < 8) {
      const frame = into.next();
      if (frame < 0) break;
      inHand.push({ frame, number: readBody(into.i32, frame + FRAME_HEAD_WORDS) });
    }
    for (let left = random.below(inHand.length + 1); left > 0; left--) {
      const [held] = inHand.splice(random.below(inHand.length), 1) as [{ frame: number; number: number }];
      const offset = region.offsetOf(held.frame);
      const end = offset + region.bytesOf(held.frame);
      for (let at = offset; at < end; at++) {
        if (region.u8[at] !== (held.number & 255))
          throw new Error(`body ${held.number} is torn at byte ${at - offset}`);
      }
      into.finish(held.frame);
      checked++;
    }
    into.release();
    Atomics.store(results, 1, checked);
    if (inHand.length === 0 && checked < data.count) await parker.park(() => into.hasMore());
  }
}

const roles: Record<Role, (data: ThreadData) => Promise<void> | void> = { bulky, collector, echo, sender, shaky };
if (parentPort !== null && (workerData as Partial<ThreadData> | undefined)?.role !== undefined) {
  const data = workerData as ThreadData;
  await roles[data.role](data);
}
