/** Answers that no turn can keep for want of room, and answers that no message holds. */
import { defineActor } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { DrivenGrid } from '../fixtures/driven-grid.ts';
import { rejection } from '../fixtures/until.ts';

const MB = 1024 ** 2;

const Shelf = defineActor('shelf', {
  state: { n: 0 },
  commands: {
    add(turn) {
      turn.state.n += 1;
      return turn.state.n;
    },
    echo: (_turn, size: number) => 'x'.repeat(size),
    texts(turn, count: number, size: number) {
      turn.state.n += 1;
      return Array.from({ length: count }, () => 'x'.repeat(size));
    },
  },
  queries: {
    get: (view) => view.state.n,
    long: (_view, size: number) => 'x'.repeat(size),
  },
});

async function answer<T>(grid: DrivenGrid, promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await grid.run();
  return promise;
}

/** Fills the partition with what waits for the disk, until a turn finds no room to begin. */
async function fill(grid: DrivenGrid): Promise<void> {
  const shelf = grid.main.actor(Shelf, 'full');
  for (const size of [200_000, 10_000, 100, 1]) {
    for (let isFull = false; !isFull; ) {
      const calls = Array.from({ length: 20 }, () =>
        shelf.echo(size).then(
          () => false,
          () => true,
        ),
      );
      isFull = (await answer(grid, Promise.all(calls))).includes(true);
    }
  }
}

describe('an answer that no turn can keep', () => {
  it('is given by a successor when its thread dies before it could be sent', async () => {
    const grid = new DrivenGrid([Shelf], { persistent: true, partitionBytes: 16 * MB });
    await fill(grid);
    const client = grid.attach();
    const shelf = client.actor(Shelf, 'full');
    // Its ring of replies is full but for a little, and nobody takes what is there.
    const long = Array.from({ length: 5 }, () => shelf.long(13_000));
    const refused = rejection(shelf.echo(1));
    await grid.run([]);
    grid.restart();
    await grid.run([client]);
    expect(isGridError(await refused, 'CAPACITY')).toBe(true);
    await Promise.all(long);
  });
});

describe('an answer that no message holds', () => {
  it('is refused before its turn is committed, and ends no thread', async () => {
    const grid = new DrivenGrid([Shelf], { persistent: true, partitionBytes: 256 * MB, changeSetBytes: 64 * MB });
    const shelf = grid.main.actor(Shelf, 'a');
    for (const call of [shelf, shelf.with({ ack: 'durable' })]) {
      const error = rejection(call.texts(20, MB));
      await grid.run();
      grid.store();
      await grid.run();
      expect(isGridError(await error, 'MESSAGE_TOO_LARGE')).toBe(true);
    }
    expect(await answer(grid, shelf.get())).toBe(0);
  });
});
