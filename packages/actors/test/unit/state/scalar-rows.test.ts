import { defineActor, text } from '@spacegrid/actors';
import {
  createHeapBuffer,
  Heap,
  HotMap,
  KeyScratch,
  PackReader,
  PackWriter,
  RecordDraft,
  readField,
} from '@spacegrid/core';
import { expect, it } from 'vitest';
import { compileActorTypes } from '../../../src/define/actor-type.ts';
import { draftFromRow } from '../../../src/state/scalar-values.ts';
import { layoutOf, type StateLayout } from '../../../src/state/state-layout.ts';

it('a row in which a text has its initial value again takes the place of one in which it had another', () => {
  const definition = defineActor('board', { state: { title: text(100) }, commands: {}, queries: {} });
  const layout = compileActorTypes([definition]).map(layoutOf)[0] as StateLayout;
  const heap = new Heap(createHeapBuffer());
  const key = new KeyScratch(1).set('eu');
  heap.begin();
  const table = new HotMap(heap, HotMap.create(heap), layout.shape, 1);
  const draft = new RecordDraft(layout.shape);
  const take = (row: readonly number[]): void => {
    const record = table.find(key);
    if (record === 0) draft.reset();
    else draft.load(heap, record);
    const writer = PackWriter.growing();
    for (const byte of row) writer.u8(byte);
    draftFromRow(draft, new PackReader(writer.written()), layout.scalars);
    table.put(key, draft);
  };
  take([2, 65]);
  take([0]);
  heap.commit();
  expect(readField(heap, table.find(key), layout.shape.fieldOrThrow('title'))).toBe('');
});
