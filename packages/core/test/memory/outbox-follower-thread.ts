/** Follows an outbox as the durability thread does: reads, checks, moves the watermark. Started by the stress test. */
import { workerData } from 'node:worker_threads';
import { Heap } from '../../src/memory/heap.ts';
import { OutboxReader } from '../../src/memory/outbox.ts';
import { ReaderPin } from '../../src/memory/pins.ts';
import { durableSequence, storeDurableSequence } from '../../src/memory/watermark.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { checkEntry, type FollowerData, READ, STOP } from './outbox-entries.ts';

const data = workerData as FollowerData;
const control = new Int32Array(data.control);
const random = new SeededRandom(data.seed);
const heap = new Heap(data.heap);
const pin = new ReaderPin(heap, 0);
let reader = new OutboxReader(heap, durableSequence(heap), pin);
while (Atomics.load(control, STOP) === 0 || reader.sequence < heap.sequence()) {
  let batch = 0;
  while (batch < 20 && reader.next()) {
    checkEntry(heap, reader);
    batch++;
  }
  Atomics.add(control, READ, batch);
  if (batch > 0) storeDurableSequence(heap, reader.sequence);
  // A follower that begins anew finds its segment while the writer frees others.
  if (random.chance(30)) reader = new OutboxReader(heap, reader.sequence, pin);
}
