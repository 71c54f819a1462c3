// Real threads read under pins while the writer grows the map, replaces, deletes, undoes and reuses memory at full speed.
// Together with the test of the other structure: ten million checked reads. Long form: SPACEGRID_READS=1000000000.
// SPACEGRID_SEED repeats the writer's choices.
import { expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { takeCensus } from '../hot-map/census.ts';
import {
  DROPPED,
  fillRedundant,
  HASH_SEED,
  KEYS,
  keyName,
  LOST,
  READS,
  redundantShape,
  SCANS,
  STABLE_KEYS,
  TORN,
} from '../hot-map/redundant-record.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { ReaderThreads } from '../memory/reader-threads.ts';

const READS_MIN = Number(process.env.SPACEGRID_READS ?? 6_000_000);
/** Some two million a second are usual; a machine that is busy otherwise takes longer. */
const DURATION_MS_MAX = 60_000 + READS_MIN / 200;
const READERS = 2;

it('readers never see half a record nor lose one', { timeout: DURATION_MS_MAX + 30_000 }, async () => {
  const random = new SeededRandom();
  const heap = new Heap(createHeapBuffer());
  heap.begin();
  const header = HotMap.create(heap);
  const map = new HotMap(heap, header, redundantShape, HASH_SEED);
  const draft = new RecordDraft(redundantShape);
  const key = new KeyScratch(HASH_SEED);
  let version = 0;
  let puts = 0;
  const put = (number: number): void => {
    puts++;
    fillRedundant(draft, number, version++);
    map.put(key.set(keyName(number)), draft);
  };
  for (let number = 0; number < STABLE_KEYS; number++) put(number);
  heap.commit();

  const module = new URL('../hot-map/reader-thread.ts', import.meta.url);
  const readers = await ReaderThreads.start(module, READERS, heap, random.seed, { header });
  const { failures } = readers;
  const total = (word: number): number => readers.total(word);
  const endAt = performance.now() + DURATION_MS_MAX;
  let mostBytes = 0;
  let turns = 0;
  let undone = 0;
  while (total(READS) < READS_MIN && performance.now() < endAt && failures.length === 0) {
    // Waves: the map grows from 2,000 to tens of thousands of entries, and shrinks again.
    const growing = (turns >>> 13) % 2 === 0;
    heap.begin();
    for (let count = random.below(6); count >= 0; count--) {
      put(random.below(STABLE_KEYS));
      const number = STABLE_KEYS + random.below(KEYS - STABLE_KEYS);
      if (growing || random.chance(20)) put(number);
      else map.delete(key.set(keyName(number)));
    }
    if (turns % 5000 === 2500) {
      heap.rollback();
      undone++;
    } else {
      heap.commit();
    }
    heap.maintain(40);
    mostBytes = Math.max(mostBytes, heap.usedBytes());
    turns++;
    // A reader that failed says so by an event.
    if (turns % 4096 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await readers.stop();
  const report = `HotMap: ${total(READS)} checked reads, ${total(TORN) + total(LOST)} torn or lost, SPACEGRID_SEED=${random.seed}: ${turns} turns, ${undone} undone, ${puts} puts through ${mostBytes} bytes, ${total(SCANS)} scans, ${total(DROPPED)} dropped`;
  process.stdout.write(`${report}\n`);
  expect(failures, report).toEqual([]);
  expect(total(TORN), report).toBe(0);
  expect(total(LOST), report).toBe(0);
  expect(total(READS), report).toBeGreaterThanOrEqual(READS_MIN);
  // A record takes 112 bytes and more: memory was used more than once.
  expect(puts * 112, report).toBeGreaterThan(mostBytes);
  expect(undone, report).toBeGreaterThan(0);
  takeCensus(map);
});
