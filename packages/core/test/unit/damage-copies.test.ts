import { expect, it } from 'vitest';
import { KeyScratch } from '../../src/hash/key-bytes.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { damageOfRecord } from '../../src/structures/hot-map/check-record.ts';
import { HotMap } from '../../src/structures/hot-map/hot-map.ts';
import { RecordDraft } from '../../src/structures/hot-map/record-draft.ts';
import { RecordShape } from '../../src/structures/hot-map/record-shape.ts';

it('a copy of a record is as whole as its original was, whatever was changed in it', () => {
  const shape = new RecordShape([
    { name: 'count', kind: 'f64' },
    { name: 'level', kind: 'u32' },
  ]);
  const heap = new Heap(createHeapBuffer());
  const key = new KeyScratch(3).set('one');
  const draft = new RecordDraft(shape);
  heap.begin();
  const map = new HotMap(heap, HotMap.create(heap), shape, 3);
  draft.reset();
  map.put(key, draft);
  const level = shape.fieldOrThrow('level').at;
  const count = shape.fieldOrThrow('count').at;
  const changeInCopy = (): number => {
    const record = map.find(key);
    const place = map.place;
    const copy = map.copyOf(record);
    heap.i32[copy + level] = (heap.i32[copy + level] as number) + 0x01020305;
    map.replaceCopied(place, record, copy);
    return copy;
  };
  const changeInDraft = (): number => {
    draft.load(heap, map.find(key));
    draft.setInt(shape.fieldOrThrow('level'), 77);
    return map.put(key, draft);
  };
  const damage = (record: number): string | undefined => damageOfRecord(heap, record, shape, 3);
  expect(damage(changeInCopy())).toBeUndefined();
  expect(damage(changeInDraft())).toBeUndefined();
  heap.u8[(map.find(key) + count) * 4 + 2] = 9;
  expect(damage(changeInCopy())).toBeTypeOf('string');
  expect(damage(changeInDraft())).toBeTypeOf('string');
  heap.commit();
});
