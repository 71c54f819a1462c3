import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { BulkProducer, createBulkBuffer } from '../../src/messages/bulk-region.ts';
import { Doorbell } from '../../src/messages/doorbell.ts';
import { RingConsumer } from '../../src/messages/ring-consumer.ts';
import { BULK_REFERENCE_BYTES, FRAME_HEAD_WORDS } from '../../src/messages/ring-layout.ts';
import { RingPressure } from '../../src/messages/ring-pressure.ts';
import { RingProducer } from '../../src/messages/ring-producer.ts';
import { readBody, writeBody } from '../unit/messages-fixtures.ts';
import {
  createDoorbells,
  createRings,
  doorbellAt,
  type Parking,
  Parker,
  Random,
  RING_BYTES,
  ringAt,
  type ThreadData,
} from './messages-threads.ts';

const SEED = (Date.now() % 1_000_000_007) | 1;

/** Starts a thread; `failed` rejects when it throws. */
function startThread(data: ThreadData): { worker: Worker; failed: Promise<never>; ended: Promise<void> } {
  const worker = new Worker(new URL('./messages-threads.ts', import.meta.url), { workerData: data });
  const failed = new Promise<never>((_resolve, reject) => {
    worker.once('error', reject);
  });
  failed.catch(() => undefined);
  return { worker, failed, ended: once(worker, 'exit').then(() => undefined) };
}

function threadData(data: Pick<ThreadData, 'role' | 'rings'> & Partial<ThreadData>): ThreadData {
  return {
    words: createDoorbells(),
    parking: 'blocking',
    number: 0,
    seed: SEED,
    count: 0,
    results: new SharedArrayBuffer(64),
    ...data,
  };
}

/** Echoes `count` frames of random length with `window` in flight. Returns lost wake-ups on this side. */
async function exchange(data: ThreadData, count: number, window: number, ownParking: Parking): Promise<number> {
  const random = new Random(SEED);
  const words = new Int32Array(data.words);
  const out = new RingProducer(data.rings, ringAt(0), RING_BYTES);
  const into = new RingConsumer(data.rings, ringAt(1), RING_BYTES);
  const own = new Doorbell(words, doorbellAt(0));
  const peer = new Doorbell(words, doorbellAt(1));
  let lost = 0;
  const parker = new Parker(own, ownParking, () => lost++);
  const found = () => into.hasMore();
  let sent = 0;
  let received = 0;
  own.keepAlive(true);
  while (received < count) {
    while (sent < count && sent - received < window) {
      const length = 2 + random.below(window === 1 ? 8 : 40);
      const room = out.reserve(length * 4);
      if (room < 0) break;
      writeBody(out.i32, room >>> 2, sent++, length);
      out.push(length * 4);
    }
    if (out.publish()) peer.ring();
    const before = received;
    for (let frame = into.next(); frame >= 0; frame = into.next()) {
      const number = readBody(into.i32, frame + FRAME_HEAD_WORDS);
      if (number !== received) throw new Error(`frame ${number} came, not ${received} (seed ${SEED})`);
      received++;
    }
    if (into.releaseTaken()) peer.ring();
    if (received === before) await parker.park(found);
  }
  own.close();
  return lost;
}

for (const [parking, count] of [
  ['blocking', 1_000_000],
  ['async', 300_000],
  ['both', 100_000],
] as const) {
  it(`carries ${count} frames there and back between threads that park ${parking}, whole and in order`, async () => {
    const data = threadData({ role: 'echo', rings: createRings(2), parking });
    const { worker, failed } = startThread(data);
    const lost = await Promise.race([exchange(data, count, 500, parking), failed]);
    await worker.terminate();
    expect(lost).toBe(0);
    expect(Atomics.load(new Int32Array(data.results), 0)).toBe(0);
  });
}

for (const [own, other, count] of [
  ['blocking', 'blocking', 20_000],
  ['async', 'async', 20_000],
  ['async', 'both', 10_000],
  ['both', 'blocking', 10_000],
] as const) {
  it(`loses no wake-up in ${count} single echoes (${own} and ${other} parking)`, async () => {
    const data = threadData({ role: 'echo', rings: createRings(2), parking: other });
    const { worker, failed } = startThread(data);
    const lost = await Promise.race([exchange(data, count, 1, own), failed]);
    await worker.terminate();
    expect(lost).toBe(0);
    expect(Atomics.load(new Int32Array(data.results), 0)).toBe(0);
  });
}

for (const parking of ['blocking', 'async', 'both'] as const) {
  it(`loses no wake-up of one thread that two others ring (${parking} parking)`, async () => {
    const count = 40_000;
    const rings = createRings(2);
    const results = new SharedArrayBuffer(64);
    const collector = threadData({ role: 'collector', rings, results, parking, count: count * 2 });
    const { words } = collector;
    const senders = [0, 1].map((number) =>
      threadData({ role: 'sender', rings, words, number, count, seed: SEED + number }),
    );
    const threads = [collector, ...senders].map((data) => startThread(data));
    await Promise.race([Promise.all(threads.map(({ ended }) => ended)), ...threads.map(({ failed }) => failed)]);
    expect([...new Int32Array(results, 0, 2)]).toEqual([0, count * 2]);
  });
}

it('hands the frames of a terminated consumer to its successor: none lost, none done twice, none started three times', async () => {
  const count = 40_000;
  const rounds = 30;
  const random = new Random(SEED);
  const results = new SharedArrayBuffer(count * 16);
  const perNumber = new Int32Array(results);
  const rings = createRings(1);
  const words = createDoorbells();
  const out = new RingProducer(rings, ringAt(0), RING_BYTES);
  const pressure = new RingPressure(rings, ringAt(0), RING_BYTES);
  const bell = new Doorbell(new Int32Array(words), doorbellAt(1));
  const cancelled = new Uint8Array(count);
  const tickets: number[] = [];
  let sent = 0;

  const send = () => {
    for (; sent < count; sent++) {
      const length = 2 + random.below(12);
      const room = out.reserve(length * 4);
      if (room < 0) break;
      writeBody(out.i32, room >>> 2, sent, length);
      tickets[sent % 64] = out.push(length * 4);
      if (random.below(8) === 0) {
        const back = random.below(Math.min(64, sent + 1));
        const number = sent - back;
        if (cancelled[number] === 0 && out.cancel(tickets[number % 64] as number, number)) cancelled[number] = 1;
      }
      if (random.below(4) === 0 && out.publish()) bell.ring();
    }
    if (out.publish()) bell.ring();
  };

  for (let round = 1; round <= rounds; round++) {
    const data = threadData({ role: 'shaky', rings, words, results, seed: SEED + round });
    const { worker, failed, ended } = startThread(data);
    send();
    await Promise.race([once(worker, 'message'), failed]);
    const endAt = performance.now() + 3 + random.below(15);
    while (round === rounds ? sent < count || pressure.bytes > 0 : performance.now() < endAt) {
      send();
      await Promise.race([new Promise(setImmediate), failed]);
    }
    await worker.terminate();
    await ended;
  }

  let ranTwice = 0;
  let refused = 0;
  for (let number = 0; number < count; number++) {
    const [run, finished, refusals, again] = perNumber.subarray(number * 4, number * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const hint = `number ${number}: run ${run}, finished ${finished}, refused ${refusals} (seed ${SEED})`;
    if (again !== 0) throw new Error(`run again after it was finished; ${hint}`);
    if (run > 2) throw new Error(`started more than twice; ${hint}`);
    if (cancelled[number] === 1 && run > 0) throw new Error(`run though it was cancelled; ${hint}`);
    if (cancelled[number] === 0 && run + refusals === 0) throw new Error(`lost; ${hint}`);
    if (run === 2) ranTwice++;
    refused += refusals;
  }
  expect(ranTwice, 'some frames were in hand when their consumer was terminated').toBeGreaterThan(0);
  expect(cancelled.filter((won) => won === 1).length).toBeGreaterThan(0);
  expect(refused).toBeLessThan(rounds * 16);
  expect(pressure).toMatchObject({ bytes: 0 });
});

it('carries large bodies through a region that grows, goes round and fills, whole and in order', async () => {
  const count = 2000;
  const random = new Random(SEED);
  const rings = createRings(1);
  const bulk = createBulkBuffer(1024 * 1024);
  const results = new SharedArrayBuffer(64);
  const data = threadData({ role: 'bulky', rings, bulk, results, count, parking: 'blocking' });
  const { failed, ended } = startThread(data);
  const words = new Int32Array(data.words);
  const out = new RingProducer(rings, ringAt(0), RING_BYTES);
  const region = new BulkProducer(out, bulk, 256 * 1024);
  const bell = new Doorbell(words, doorbellAt(1));
  let full = 0;
  for (let sent = 0; sent < count; ) {
    const bytes = 1 + random.below(random.below(20) === 0 ? 256 * 1024 : 32 * 1024);
    const room = out.reserve(8 + BULK_REFERENCE_BYTES);
    const offset = room < 0 ? -1 : region.reserve(bytes);
    if (offset < 0) {
      full++;
      await Promise.race([new Promise(setImmediate), failed]);
      continue;
    }
    region.u8.fill(sent & 255, offset, offset + bytes);
    writeBody(out.i32, room >>> 2, sent++, 2);
    region.push(8, bytes);
    out.publish();
    bell.ring();
  }
  await Promise.race([ended, failed]);
  expect([...new Int32Array(results, 0, 2)]).toEqual([0, count]);
  expect(full).toBeGreaterThan(0);
  expect(bulk.byteLength).toBe(1024 * 1024);
});
