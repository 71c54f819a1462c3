// Each kind of change, looked at by a reader after every journalled store, and cut by the writer's death before every one.
import { describe, expect, it } from 'vitest';
import { encodeKey, type KeyBytes } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { IndexScan } from '../../src/structures/hash-index/index-scan.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { readF64, readText } from '../../src/structures/hot-map/record-fields.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';
import { takeCensus } from '../hot-map/census.ts';
import { copyHeap } from '../memory/every-store.ts';
import { diesOnLine, watchingStores } from '../memory/kept-stores.ts';

const shape = new RecordShape([
  { name: 'points', kind: 'f64' },
  { name: 'title', kind: 'text' },
]);
const points = shape.fieldOrThrow('points');
const title = shape.fieldOrThrow('title');
const draft = new RecordDraft(shape);
const BUFFER = { maxBytes: 16 * 1024 * 1024, journalBytes: 256 * 1024 };

interface Fixture {
  heap: Heap;
  map: HotMap;
  reader: HotMap;
}

interface Change {
  readonly entries: number;
  readonly collide?: boolean;
  /** Number of the entry that is changed: beyond `entries`, it is inserted. */
  readonly target: number;
  readonly change: (fixture: Fixture, key: KeyBytes) => void;
  /** What a reader may see of the target while it changes: its points, or undefined when it is absent. */
  readonly allowed: readonly (number | undefined)[];
  /** True when the other entries go as well. */
  readonly clears?: boolean;
}

function keyAt(number: number, collide: boolean): KeyBytes {
  const key = encodeKey(`key ${number}`, 9);
  return collide ? { ...key, hash: number & 1 } : key;
}

function prepare(entries: number, collide: boolean): Fixture {
  const heap = new Heap(createHeapBuffer(BUFFER));
  heap.begin();
  const header = HotMap.create(heap);
  // A root word, so that a copy of the buffer finds the map again.
  heap.publish(heap.root(0), header);
  heap.commit();
  const map = new HotMap(heap, header, shape, 9);
  for (let number = 0; number < entries; number++) {
    heap.begin();
    put(map, keyAt(number, collide), number);
    heap.commit();
    heap.maintain(100);
  }
  return { heap, map, reader: attachReader(heap) };
}

function put(map: HotMap, key: KeyBytes, value: number): void {
  draft.reset();
  draft.setF64(points, value);
  draft.setText(title, `title ${value}`);
  map.put(key, draft);
}

function attachReader(heap: Heap): HotMap {
  return new HotMap(new Heap(heap.buffer), heap.i32[heap.root(0)] as number, shape, 9);
}

function copyOf(fixture: Fixture): Fixture {
  const heap = copyHeap(fixture.heap);
  const map = new HotMap(heap, heap.i32[heap.root(0)] as number, shape, 9);
  return { heap, map, reader: attachReader(heap) };
}

function pointsOf(map: HotMap, key: KeyBytes): number | undefined {
  const record = map.find(key);
  if (record === 0) return undefined;
  const value = readF64(map.heap, record, points);
  if (readText(map.heap, record, title) !== `title ${value}`) throw new Error(`a torn record: ${value}`);
  return value;
}

function checkReader(fixture: Fixture, change: Change): void {
  const { reader } = fixture;
  const collide = change.collide === true;
  for (let number = 0; number < change.entries; number++) {
    if (number === change.target) continue;
    const value = pointsOf(reader, keyAt(number, collide));
    if (value !== number && !(change.clears === true && value === undefined)) {
      throw new Error(`key ${number} reads as ${value}`);
    }
  }
  const seen = pointsOf(reader, keyAt(change.target, collide));
  if (!change.allowed.includes(seen)) throw new Error(`the changing key reads as ${seen}`);
  const scan = new IndexScan(64);
  let found = 0;
  let cursor = 0;
  do {
    cursor = reader.scan(scan, cursor);
    for (const record of scan.refs.subarray(0, scan.count)) {
      reader.keyOf(record);
      found++;
    }
  } while (cursor !== 0);
  if (change.clears !== true && found < change.entries - 1)
    throw new Error(`a scan finds ${found} of ${change.entries}`);
}

function checkUnchanged(map: HotMap, change: Change): void {
  takeCensus(map);
  expect(map.size).toBe(change.entries);
  for (let number = 0; number < change.entries; number++) {
    if (pointsOf(map, keyAt(number, change.collide === true)) !== number)
      throw new Error(`key ${number} is not as before`);
  }
}

const NEW = 1e9;
const insert = (fixture: Fixture, key: KeyBytes): void => put(fixture.map, key, NEW);
/** From another map of the heap, which is freed with that. */
const move = ({ heap, map }: Fixture, key: KeyBytes): void => {
  const other = new HotMap(heap, HotMap.create(heap), shape, 9);
  put(other, key, NEW);
  expect(map.moveFrom(other, key)).toBe(true);
  expect(map.moveFrom(other, key)).toBe(false);
  takeCensus(other);
  takeCensus(map);
  other.destroy();
};
const changes: Record<string, Change> = {
  'a first entry': { entries: 0, target: 0, change: insert, allowed: [undefined, NEW] },
  'an entry among others': { entries: 5, target: 5, change: insert, allowed: [undefined, NEW] },
  'a replaced entry': { entries: 300, target: 17, change: insert, allowed: [17, NEW] },
  'an entry moved in': { entries: 5, target: 5, change: move, allowed: [undefined, NEW] },
  'an entry moved in the place of another': { entries: 300, target: 17, change: move, allowed: [17, NEW] },
  'a removed entry': {
    entries: 300,
    target: 17,
    change: ({ map }, key) => expect(map.delete(key)).toBe(true),
    allowed: [17, undefined],
  },
  'a removed entry of an overflow chain': {
    entries: 60,
    collide: true,
    target: 58,
    change: ({ map }, key) => expect(map.delete(key)).toBe(true),
    allowed: [58, undefined],
  },
  'an entry in a fresh overflow node': {
    entries: 36,
    collide: true,
    target: 36,
    change: insert,
    allowed: [undefined, NEW],
  },
  'a clear': {
    entries: 1500,
    target: 3,
    change: ({ map }) => map.clear(),
    allowed: [3, undefined],
    clears: true,
  },
};
for (const entries of growthPoints(2600)) {
  changes[`growth at ${entries} entries`] = { entries, target: entries, change: insert, allowed: [undefined, NEW] };
}

/** Numbers of entries at which the next insert widens, splits or doubles. */
function growthPoints(entries: number): number[] {
  const { heap, map } = prepare(0, false);
  const at: number[] = [];
  let before = '';
  for (let number = 0; number < entries; number++) {
    heap.begin();
    put(map, keyAt(number, false), number);
    heap.commit();
    heap.maintain(100);
    const { tables, depth } = takeCensus(map);
    const shape = `${depth > 0 ? depth : heap.i32[map.header]} ${tables}`;
    if (shape !== before) at.push(number);
    before = shape;
  }
  return at.slice(1);
}

describe('HotMap on every line', () => {
  for (const [name, change] of Object.entries(changes)) {
    const fixture = prepare(change.entries, change.collide === true);
    const key = keyAt(change.target, change.collide === true);

    it(`is whole for readers during ${name}, and during its undoing`, () => {
      const { heap } = fixture;
      const watched = copyOf(fixture);
      let looks = 0;
      const look = (): void => {
        looks++;
        checkReader(watched, change);
      };
      watchingStores(watched.heap, look, () => {
        watched.heap.begin();
        change.change(watched, key);
        watched.heap.rollback();
      });
      expect(looks).toBeGreaterThan(4);
      checkUnchanged(watched.map, change);
      expect(heap.usedBytes()).toBe(watched.heap.usedBytes());
    });

    it(`is undone when the writer dies on any line of ${name}`, () => {
      let cut = 0;
      for (let died = true; died; cut++) {
        const dying = copyOf(fixture);
        died = diesOnLine(dying.heap, cut, () => {
          dying.heap.begin();
          change.change(dying, key);
          dying.heap.commit();
        });
        const successor = copyOf(dying);
        // The commit store is the last one of a turn: a death on the line behind it comes too late to undo.
        const committed = successor.heap.sequence() > fixture.heap.sequence();
        successor.heap.recover();
        if (!committed) checkUnchanged(successor.map, change);
        else takeCensus(successor.map);
      }
      expect(cut).toBeGreaterThan(4);
    });
  }

  it('frees a cleared map though the writer dies on any line of that', () => {
    const fixture = prepare(1500, false);
    const empty = prepare(0, false).heap.usedBytes();
    fixture.heap.begin();
    fixture.map.clear();
    fixture.heap.commit();
    let heap = fixture.heap;
    for (let cut = 1; cut < 400; cut++) {
      const writer = heap;
      diesOnLine(writer, cut * 7, () => {
        for (let step = 0; step < 60; step++) writer.maintain(40);
      });
      heap = new Heap(heap.buffer);
      heap.recover();
    }
    // The last few freed blocks wait for company.
    heap.begin();
    for (let block = 0; block < 64; block++) heap.free(heap.alloc(1));
    heap.commit();
    for (let step = 0; step < 200; step++) heap.maintain(100);
    expect(heap.usedBytes()).toBeLessThan(empty + 64 * 1024);
  });
});
