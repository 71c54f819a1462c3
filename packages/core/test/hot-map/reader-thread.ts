/** Reads a HotMap under pins as fast as it can, and counts what must not be. Started by the stress test. */
import { workerData } from 'node:worker_threads';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { ReaderPin } from '../../src/memory/pins.ts';
import { IndexScan } from '../../src/structures/hash-index/index-scan.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import {
  DROPPED,
  HASH_SEED,
  isWhole,
  KEYS,
  keyName,
  LOST,
  numberOf,
  READS,
  redundantShape,
  SCANS,
  STABLE_KEYS,
  TORN,
} from './redundant-record.ts';
import { type ReaderThreadData, ReaderResults } from '../memory/reader-threads.ts';
import { SeededRandom } from './seeded-random.ts';

const data = workerData as ReaderThreadData & { readonly header: number };
const results = new ReaderResults(data);
const heap = new Heap(data.heap);
const map = new HotMap(heap, data.header, redundantShape, HASH_SEED);
const pin = new ReaderPin(heap, data.slot);
const key = new KeyScratch(HASH_SEED);
const random = new SeededRandom(data.seed + data.slot);
const scan = new IndexScan(64);
let torn = 0;
let lost = 0;
let reads = 0;
let touched = 0;
let touchedHash = 0;
let touchedStamp = 0;

function readSome(): void {
  for (let count = 0; count < 12; count++) {
    const number = random.chance(50) ? random.below(STABLE_KEYS) : random.below(KEYS);
    const record = map.find(key.set(keyName(number)));
    reads++;
    if (record === 0) {
      if (number < STABLE_KEYS) lost++;
    } else {
      if (!isWhole(heap, record, number)) torn++;
      touched = record;
      touchedHash = map.hashOf(record);
      touchedStamp = map.stampOf(record);
    }
  }
}

/** One whole scan, each step under a pin of its own: all stable keys must be seen. */
function* scanAll(): Generator<void> {
  const seen = new Uint8Array(STABLE_KEYS);
  let cursor = 0;
  do {
    const from = cursor;
    let dropped = true;
    while (dropped) {
      cursor = map.scan(scan, from);
      const numbers: number[] = [];
      for (const record of scan.refs.subarray(0, scan.count)) {
        const number = numberOf(heap, record);
        if (!isWhole(heap, record, number)) torn++;
        numbers.push(number);
      }
      reads += scan.count;
      const droppedBefore = results.get(DROPPED);
      yield;
      dropped = results.get(DROPPED) !== droppedBefore;
      if (!dropped) for (const number of numbers) if (number < STABLE_KEYS) seen[number] = 1;
    }
  } while (cursor !== 0);
  for (const mark of seen) if (mark === 0) lost++;
}

let scanning = scanAll();
results.ready();
while (!results.isStopped) {
  torn = 0;
  lost = 0;
  reads = 0;
  touched = 0;
  let thrown: unknown;
  let scanEnded = false;
  pin.enter();
  try {
    readSome();
    if (scanning.next().done === true) scanEnded = true;
  } catch (error) {
    thrown = error;
  }
  if (pin.leave()) {
    results.add(READS, reads);
    results.add(TORN, torn);
    results.add(LOST, lost);
    if (thrown !== undefined) throw new Error('a read threw though its pin held', { cause: thrown });
    if (touched !== 0) map.touchAfterPeek(touched, touchedHash, touchedStamp, touchedStamp + 1);
  } else {
    results.add(DROPPED, 1);
  }
  if (scanEnded) results.add(SCANS, 1);
  // A generator that threw is at its end.
  if (scanEnded || thrown !== undefined) scanning = scanAll();
}
