// Each kind of change to timed records, cut by the writer's death before every store that it makes.
import { expect, it } from 'vitest';
import { encodeKey, type KeyBytes } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { GRAVES } from '../../src/memory/heap-words.ts';
import { recencyStamps } from '../../src/structures/hot-map/access-stamps.ts';
import { EntryLife } from '../../src/structures/hot-map/entry-life.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { type RecordField, RecordShape } from '../../src/structures/hot-map/record-shape.ts';
import { deleteTimed, putTimed } from '../../src/structures/hot-map/timed-records.ts';
import { OWNER_WORDS } from '../../src/structures/timer-wheel/timed-owner.ts';
import { TimerWheel } from '../../src/structures/timer-wheel/timer-wheel.ts';
import { takeCensus } from '../hot-map/census.ts';
import { copyHeap, diesBefore } from '../memory/every-store.ts';
import { takeHeapCensus } from '../memory/heap-census.ts';
import { takeWheelCensus } from '../timer-wheel/wheel-census.ts';

/** As timed-owner.ts says. */
const OWNER_GRAVE = 16;
const NOW_MS = 1_767_225_600_000;
const shape = new RecordShape([{ name: 'title', kind: 'packed' }], { timed: true, versioned: true });
const title = shape.fieldOrThrow('title');
const life = new EntryLife(shape, recencyStamps, Number.POSITIVE_INFINITY);
const draft = new RecordDraft(shape);

interface Place {
  readonly heap: Heap;
  readonly map: HotMap;
  readonly wheel: TimerWheel;
}

function attach(heap: Heap): Place {
  const map = new HotMap(heap, heap.i32[heap.root(0)] as number, shape, 9);
  return { heap, map, wheel: new TimerWheel(heap, heap.i32[heap.root(1)] as number) };
}

function keyOf(number: number): KeyBytes {
  return encodeKey(`key ${number}`, 9);
}

function put({ map, wheel }: Place, number: number, endsAt: number): void {
  draft.reset();
  draft.setBytes(title, Uint8Array.of(number, 1, 2, 3, 4));
  draft.setStamp(recencyStamps.fresh(NOW_MS));
  draft.setF64(shape.deadline as RecordField, endsAt);
  putTimed(map, life, wheel, keyOf(number), draft, NOW_MS);
}

function prepare(entries: number): Place {
  const heap = new Heap(createHeapBuffer({ maxBytes: 16 * 1024 * 1024, journalBytes: 256 * 1024 }));
  heap.begin();
  heap.publish(heap.root(0), HotMap.create(heap, heap.alloc(OWNER_WORDS)));
  heap.publish(heap.root(1), TimerWheel.create(heap, NOW_MS));
  heap.commit();
  const place = attach(heap);
  for (let number = 0; number < entries; number++) {
    heap.begin();
    put(place, number, NOW_MS + 100 + number * 5000);
    heap.commit();
  }
  return place;
}

/** Which keys there are, and in which list of the wheel each record hangs. */
function pictureOf({ heap, map, wheel }: Place): string[] {
  takeCensus(map);
  const lists = takeWheelCensus(heap, wheel.ref);
  const picture: string[] = [];
  let hung = 0;
  for (let number = 0; number < 40; number++) {
    const record = map.find(keyOf(number));
    if (record === 0) continue;
    const endsAt = life.endsAt(heap, record, NOW_MS) - NOW_MS;
    if (lists.has(record + shape.nodeAt)) hung++;
    picture.push(`${number} ends in ${endsAt} ms, hangs in ${lists.get(record + shape.nodeAt) ?? 'no list'}`);
  }
  // No record that was taken away hangs on.
  expect(lists.size).toBe(hung);
  return picture;
}

/** Some that hang alone, and neighbours in one list. */
const SOME = [3, 4, 6, 14, 15, 17];

const changes: Record<string, (place: Place) => void> = {
  'a first entry': (place) => put(place, 30, NOW_MS + 7000),
  'entries that are put off': (place) => SOME.forEach((number) => put(place, number, NOW_MS + 190_000)),
  'entries that end sooner': (place) => SOME.forEach((number) => put(place, number, NOW_MS + 300)),
  'an entry that ends never': (place) => put(place, 3, Number.POSITIVE_INFINITY),
  'a removed entry': ({ map }) => expect(deleteTimed(map, keyOf(3))).toBe(true),
  'entries found due': ({ wheel, map, heap }) => {
    wheel.settle(NOW_MS + 60_000, 100, (node) => life.endsAt(heap, node - map.shape.nodeAt, NOW_MS + 60_000));
  },
};

for (const [name, change] of Object.entries(changes)) {
  it(`${name} is there, or is not, wherever the thread dies`, () => {
    const before = prepare(20);
    const unchanged = pictureOf(before);
    const after = attach(copyHeap(before.heap));
    after.heap.begin();
    change(after);
    after.heap.commit();
    const changed = pictureOf(after);
    expect(changed).not.toEqual(unchanged);

    let died = true;
    for (let left = 0; died; left++) {
      const dying = attach(copyHeap(before.heap));
      died = diesBefore(dying.heap, left, () => {
        dying.heap.begin();
        change(dying);
        dying.heap.commit();
      });
      const heap = new Heap(dying.heap.buffer);
      heap.recover();
      const successor = attach(heap);
      const picture = pictureOf(successor);
      expect(picture).toEqual(heap.committed === before.heap.committed ? unchanged : changed);
      // It goes on from there, to the same end.
      if (heap.committed > before.heap.committed) continue;
      heap.begin();
      change(successor);
      heap.commit();
      expect(pictureOf(successor)).toEqual(changed);
    }
  }, 60_000);
}

it('a destroyed map leaves the wheel, and all memory comes back, wherever the thread dies', () => {
  const empty = prepare(0);
  const before = prepare(20);
  const blocksBefore = takeHeapCensus(empty.heap).blocks.size;
  const destroy = (place: Place): void => {
    place.heap.begin();
    place.map.destroy();
    place.heap.publish(place.heap.root(0), 0);
    place.heap.commit();
  };
  const reclaim = (heap: Heap): void => {
    for (let step = 0; step < 200; step++) {
      heap.isStarved = true;
      heap.maintain(7);
    }
  };
  const whole = attach(copyHeap(before.heap));
  destroy(whole);
  for (let step = 0; step < 200; step++) {
    whole.heap.isStarved = true;
    whole.heap.maintain(7);
    // While a record hangs in the wheel, the block that it names as its owner is not given back.
    const isKept = whole.heap.i32[GRAVES + OWNER_GRAVE] !== 0;
    if (takeWheelCensus(whole.heap, whole.wheel.ref).size > 0) expect(isKept).toBe(true);
  }
  let deaths = 0;
  for (let left = 0, died = true; died; left += 1 + (left >> 4)) {
    const dying = attach(copyHeap(before.heap));
    died = diesBefore(dying.heap, left, () => {
      destroy(dying);
      reclaim(dying.heap);
    });
    if (died) deaths++;
    const heap = new Heap(dying.heap.buffer);
    heap.recover();
    if (heap.i32[heap.root(0)] !== 0) destroy(attach(heap));
    const wheel = heap.i32[heap.root(1)] as number;
    takeWheelCensus(heap, wheel);
    reclaim(heap);
    expect([...takeWheelCensus(heap, wheel)]).toEqual([]);
    // All but the wheel, of a map whose header and owner were the only other blocks.
    expect(takeHeapCensus(heap).blocks.size).toBe(blocksBefore - 2);
  }
  expect(deaths).toBeGreaterThan(20);
}, 60_000);
