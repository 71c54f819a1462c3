/**
 * Measures the rings and doorbells by themselves, main thread against one worker:
 *   – echo: frames of 16 to 64 bytes with 1,000 in flight, no promises;
 *   – ping: one frame at a time, both sides parking between, blocking or asynchronous.
 *
 *     node --conditions=@spacegrid/source packages/core/bench/ring-ping.ts [seconds per figure]
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Doorbell } from '../src/messages/doorbell.ts';
import { RingConsumer } from '../src/messages/ring-consumer.ts';
import { FRAME_HEAD_WORDS, ringRegionBytes } from '../src/messages/ring-layout.ts';
import { RingProducer } from '../src/messages/ring-producer.ts';

const WINDOW = 1000;
const BATCH_MAX = 256;
const RING_BYTES = 256 * 1024;
/** Int32 words from one doorbell to the next: 128 bytes, so that they travel apart between caches. */
const DOORBELL_WORDS = 32;

type WorkerParking = 'blocking' | 'async';

interface Shared {
  readonly rings: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
  readonly parking: WorkerParking;
  /** Whether the echo starts and finishes frames one by one, as commands are, or takes them in order, as replies are. */
  readonly starts: boolean;
}

/** One side's end of a pair of rings. */
function pairOf(shared: Shared, side: 0 | 1) {
  const region = ringRegionBytes(RING_BYTES);
  const words = new Int32Array(shared.words);
  return {
    out: new RingProducer(shared.rings, side * region, RING_BYTES),
    into: new RingConsumer(shared.rings, (1 - side) * region, RING_BYTES),
    own: new Doorbell(words, side * DOORBELL_WORDS),
    peer: new Doorbell(words, (1 - side) * DOORBELL_WORDS),
  };
}

type Pair = ReturnType<typeof pairOf>;

/** Sends what has come back to where it came from. True when there was anything. */
function echo({ out, into, peer }: Pair, starts: boolean): boolean {
  const from = into.i32;
  const to = out.i32;
  let count = 0;
  for (; count < BATCH_MAX; count++) {
    const room = out.reserve(64);
    if (room < 0) break;
    const frame = into.next();
    if (frame < 0) break;
    if (starts) into.start(frame);
    const bytes = from[frame + FRAME_HEAD_WORDS] as number;
    const body = frame + FRAME_HEAD_WORDS;
    const target = room >>> 2;
    for (let word = 0; word < bytes >>> 2; word++) to[target + word] = from[body + word] as number;
    out.push(bytes);
    if (starts) into.finish(frame);
  }
  if (count === 0) return false;
  if (out.publish()) peer.ring();
  if (starts) into.release();
  else into.releaseTaken();
  return true;
}

async function serve(shared: Shared): Promise<void> {
  const pair = pairOf(shared, 1);
  const found = () => pair.into.hasMore();
  for (;;) {
    if (echo(pair, shared.starts)) continue;
    if (shared.parking === 'blocking') pair.own.parkBlocking(1000, found);
    else {
      pair.own.keepAlive(true);
      await pair.own.parkAsync(1000, found);
    }
  }
}

interface EchoFigures {
  readonly perSecond: number;
  /** Processor time of both threads: what a machine with busy cores still tells. */
  readonly cpuNanosEach: number;
}

/** Echoes with WINDOW frames in flight. */
function measureEcho(pair: Pair, bytes: number, seconds: number): EchoFigures {
  const { out, into, own, peer } = pair;
  const found = () => into.hasMore();
  const words = out.i32;
  let sent = 0;
  let received = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1000;
  while (performance.now() < endAt || received < sent) {
    const ending = performance.now() >= endAt;
    for (let turn = 0; turn < 64; turn++) {
      let pushed = 0;
      while (!ending && sent - received < WINDOW && pushed < BATCH_MAX) {
        const room = out.reserve(bytes);
        if (room < 0) break;
        const at = room >>> 2;
        words[at] = bytes;
        words[at + 1] = sent | 0;
        for (let word = 2; word < bytes >>> 2; word++) words[at + word] = word;
        out.push(bytes);
        sent++;
        pushed++;
      }
      if (out.publish()) peer.ring();
      let taken = 0;
      for (let frame = into.next(); frame >= 0; frame = into.next()) {
        if (into.i32[frame + FRAME_HEAD_WORDS + 1] !== ((received + taken) | 0))
          throw new Error('a frame is out of order');
        taken++;
      }
      received += taken;
      if (taken > 0) into.releaseTaken();
      else if (pushed === 0 && sent > received) own.parkBlocking(1000, found);
    }
  }
  const cpu = process.cpuUsage(cpuBefore);
  return {
    perSecond: (received / (performance.now() - startedAt)) * 1000,
    cpuNanosEach: ((cpu.user + cpu.system) * 1000) / received,
  };
}

/** Microseconds of one echo at a time: median and 99th percentile. */
async function measurePing(pair: Pair, parking: 'blocking' | 'async' | 'spinning', seconds: number): Promise<number[]> {
  const { out, into, own, peer } = pair;
  const found = () => into.hasMore();
  const micros: number[] = [];
  const endAt = performance.now() + seconds * 1000;
  own.keepAlive(parking === 'async');
  while (performance.now() < endAt) {
    const startedAt = performance.now();
    const at = out.reserve(32) >>> 2;
    out.i32[at] = 32;
    out.push(32);
    out.publish();
    peer.ring();
    while (into.next() < 0) {
      if (parking === 'blocking') own.parkBlocking(1000, found);
      else if (parking === 'async') await own.parkAsync(1000, found);
    }
    into.releaseTaken();
    micros.push((performance.now() - startedAt) * 1000);
  }
  own.keepAlive(false);
  micros.sort((a, b) => a - b);
  return [micros[micros.length >>> 1] as number, micros[Math.floor(micros.length * 0.99)] as number];
}

async function withWorker(
  options: Pick<Shared, 'parking' | 'starts'>,
  measure: (pair: Pair) => Promise<void> | void,
): Promise<void> {
  const rings = new SharedArrayBuffer(2 * ringRegionBytes(RING_BYTES));
  const shared: Shared = { rings, words: new SharedArrayBuffer(2 * DOORBELL_WORDS * 4), ...options };
  const worker = new Worker(new URL(import.meta.url), { workerData: shared });
  const pair = pairOf(shared, 0);
  measureEcho(pair, 32, 0.3);
  await measure(pair);
  pair.own.close();
  await worker.terminate();
}

if (isMainThread) {
  const seconds = Number(process.argv[2] ?? 1);
  for (const starts of [false, true]) {
    await withWorker({ parking: 'blocking', starts }, (pair) => {
      for (const bytes of [16, 32, 64]) {
        const { perSecond, cpuNanosEach } = measureEcho(pair, bytes, seconds);
        const way = starts ? 'started and finished one by one' : 'taken in order';
        const millions = (perSecond / 1e6).toFixed(1);
        console.log(
          `echo, ${bytes} bytes, ${way}: ${millions} M/s, ${cpuNanosEach.toFixed(0)} ns of both processors each`,
        );
      }
    });
  }
  for (const parking of ['blocking', 'async'] as const) {
    for (const caller of ['spinning', 'blocking', 'async'] as const) {
      await withWorker({ parking, starts: true }, async (pair) => {
        const [median, p99] = (await measurePing(pair, caller, seconds)) as [number, number];
        console.log(
          `ping, worker parks ${parking}, caller ${caller}: median ${median.toFixed(1)} µs, p99 ${p99.toFixed(0)} µs`,
        );
      });
    }
  }
} else await serve(workerData as Shared);
