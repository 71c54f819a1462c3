// A thread follows the outbox of a writer at full speed, begins anew again and again, and is terminated at any instant.
// Long form: SPACEGRID_ENTRIES=5000000. SPACEGRID_SEED repeats the choices.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { OutboxWriter } from '../../src/memory/outbox.ts';
import { releasePin } from '../../src/memory/pins.ts';
import { durableSequence, storeDurableSequence } from '../../src/memory/watermark.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { takeHeapCensus } from '../memory/heap-census.ts';
import { appendEntry, type FollowerData, READ, STOP } from '../memory/outbox-entries.ts';

const ENTRIES = Number(process.env.SPACEGRID_ENTRIES ?? 25_000);
const DEATHS = 4;
const BACKLOG_MAX = 2000;
/** Crosses 2³² soon, at any speed. */
const FIRST = 2 ** 32 - 3000;

it('every entry reaches a follower whole and in order, whenever it begins, and segments come back', {
  timeout: 30_000 + ENTRIES,
}, async () => {
  const random = new SeededRandom();
  const heap = new Heap(createHeapBuffer({ maxBytes: 256 * 1024 * 1024, journalBytes: 1024 * 1024 }));
  heap.restoreSequence(FIRST, 1);
  storeDurableSequence(heap, FIRST);
  const outbox = new OutboxWriter(heap, 1024 * 1024);
  outbox.format();
  const control = new Int32Array(new SharedArrayBuffer(1024));
  const failures: unknown[] = [];
  let seed = random.seed;
  const start = (): Worker => {
    const workerData: FollowerData = { heap: heap.buffer, control: control.buffer, seed: seed++ };
    const thread = new Worker(new URL('../memory/outbox-follower-thread.ts', import.meta.url), { workerData });
    thread.on('error', (error) => failures.push(error));
    return thread;
  };
  let thread = start();
  let deaths = 0;
  let most = 0;
  const startedAt = performance.now();
  let killAt = random.below(ENTRIES / DEATHS);
  while (heap.committed - FIRST < ENTRIES && failures.length === 0) {
    const state = `seed ${random.seed}: ${heap.committed - FIRST} of ${ENTRIES} written, ${control[READ]} read, ${deaths} deaths`;
    expect(performance.now() - startedAt, state).toBeLessThan(25_000 + ENTRIES);
    for (let count = 0; count < 200 && heap.committed - durableSequence(heap) < BACKLOG_MAX; count++) {
      appendEntry(heap, outbox);
      outbox.trim(durableSequence(heap), true);
      heap.maintain(50);
    }
    most = Math.max(most, heap.usedBytes());
    const read = Atomics.load(control, READ);
    if (deaths < DEATHS && read >= killAt) {
      killAt = read + random.below(ENTRIES / DEATHS);
      await thread.terminate();
      expect(control[READ]).toBeGreaterThanOrEqual(read);
      releasePin(heap, 0);
      deaths++;
      thread = start();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  Atomics.store(control, STOP, 1);
  if (thread.threadId >= 0) await once(thread, 'exit');
  const report = `seed ${random.seed}: ${heap.committed - FIRST} entries, ${control[READ]} read, ${deaths} deaths, ${most} bytes at most`;
  if (process.env.SPACEGRID_ENTRIES !== undefined) process.stdout.write(`${report}\n`);
  expect(failures, report).toEqual([]);
  expect(durableSequence(heap), report).toBe(heap.committed);
  expect(control[READ], report).toBeGreaterThanOrEqual(heap.committed - FIRST);
  expect(deaths, report).toBeGreaterThan(1);
  for (let step = 0; step < 3000; step++) {
    outbox.trim(durableSequence(heap), true);
    heap.maintain(100);
  }
  takeHeapCensus(heap);
  expect(heap.usedBytes(), report).toBeLessThan(1024 * 1024);
});
