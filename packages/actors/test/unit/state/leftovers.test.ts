/** Structures that a newer version dropped, when the thread dies that has loaded their rows. */
import { MessageChannel } from 'node:worker_threads';
import { defineActor, map } from '@spacegrid/actors';
import { forEachChange, type Heap, OutboxReader, ReaderPin, type RecoveryChunk } from '@spacegrid/core';
import { expect, it } from 'vitest';
import { DrivenGrid } from '../../fixtures/driven-grid.ts';

const Old = defineActor('box', {
  state: { n: 0, notes: map({ stars: 0 }) },
  commands: {
    note(turn, name: string) {
      turn.state.n += 1;
      turn.state.notes.set(name, { stars: 5 });
    },
  },
});

const New = defineActor('box', {
  version: 2,
  migrations: { 2: (state) => ({ ...state }) },
  state: { n: 0 },
  commands: {
    add(turn) {
      turn.state.n += 1;
    },
  },
  queries: { get: (view) => view.state.n },
});

const CLEAR = 3;

/** The change sets of all turns, in order. */
function changesOf(grid: DrivenGrid): Uint8Array[] {
  const heap = grid.heaps[0] as Heap;
  const reader = new OutboxReader(heap, 0, new ReaderPin(heap, 1));
  const changes: Uint8Array[] = [];
  while (reader.next()) changes.push(heap.u8.slice(reader.changeOffset, reader.changeOffset + reader.changeBytes));
  return changes;
}

async function load(grid: DrivenGrid, stored: readonly Uint8Array[]): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const loaded = grid.loop.load(0, port1);
  for (const changes of stored) port2.postMessage({ done: false, changes } satisfies RecoveryChunk);
  port2.postMessage({ done: true, epoch: 1, sequence: stored.length, watermarks: {} } satisfies RecoveryChunk);
  await loaded;
}

it('are taken out of the store by its successor', async () => {
  const old = new DrivenGrid([Old], { persistent: true });
  const keys = ['ada', 'bob'];
  const notes = keys.map((key) => old.main.actor(Old, key).note('first'));
  await old.run();
  await Promise.all(notes);

  const grid = new DrivenGrid([New], { persistent: true, serves: false });
  const stored = changesOf(old);
  await load(grid, stored);
  // The thread dies before it serves.
  grid.restart();
  const cleared: string[] = [];
  const heap = grid.heaps[0] as Heap;
  const reader = new OutboxReader(heap, stored.length, new ReaderPin(heap, 1));
  while (reader.next()) {
    forEachChange(heap.u8, reader.changeOffset, reader.changeOffset + reader.changeBytes, (kind, start, length) => {
      if (kind === CLEAR) cleared.push(Buffer.from(heap.u8.slice(start, start + length)).toString('latin1'));
    });
  }
  for (const key of keys) expect(cleared.filter((prefix) => prefix.includes(key))).toHaveLength(1);
  // Once is enough.
  const turns = heap.sequence();
  grid.restart();
  expect(heap.sequence()).toBe(turns);
});
