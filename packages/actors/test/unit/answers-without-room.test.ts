/** Turns that wait for room, answers that no turn can keep for want of it, and answers that no message holds. */
import { defineActor, map } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { DrivenGrid } from '../fixtures/driven-grid.ts';
import { rejection } from '../../../../test/fixtures/until.ts';

const MB = 1024 ** 2;

/** Where a handler waits. */
let gate = Promise.withResolvers<void>();

/** An error with causes of its own: more than a segment of the outbox holds. */
function largeError(): Error {
  let error: Error | undefined;
  for (let depth = 0; depth < 8; depth++) {
    error = new RangeError('x'.repeat(8000), { cause: error });
    error.stack = 'y'.repeat(16_000);
  }
  return error as Error;
}

const Shelf = defineActor('shelf', {
  state: { n: 0, boxes: map({ body: '' }) },
  commands: {
    add(turn) {
      turn.state.n += 1;
      return turn.state.n;
    },
    put(turn, name: string, size: number) {
      turn.state.boxes.set(name, { body: 'x'.repeat(size) });
    },
    echo: (_turn, size: number) => 'x'.repeat(size),
    texts(turn, count: number, size: number) {
      turn.state.n += 1;
      return Array.from({ length: count }, () => 'x'.repeat(size));
    },
    async failLater() {
      await gate.promise;
      throw largeError();
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

describe('a partition whose backlog fills its memory', () => {
  it('takes no more commands until some of it is stored, and refuses none', async () => {
    const grid = new DrivenGrid([Shelf], { persistent: true, partitionBytes: 16 * MB });
    let answered = 0;
    const calls = Array.from({ length: 2000 }, (_, index) =>
      grid.main
        .actor(Shelf, `${index % 10}`)
        .echo(15_000)
        .then(() => answered++),
    );
    await grid.run();
    expect(answered).toBeGreaterThan(500);
    expect(answered).toBeLessThan(1200);
    const first = answered;
    await grid.run();
    expect(answered).toBe(first);
    // Bound: each time what fits the memory is done.
    for (let stores = 0; answered < 2000 && stores < 10; stores++) {
      grid.store();
      await grid.run();
    }
    expect(answered).toBe(2000);
    await Promise.all(calls);
  });

  it('takes none of those either that waited for a long one', async () => {
    gate = Promise.withResolvers<void>();
    const grid = new DrivenGrid([Shelf], { persistent: true, partitionBytes: 16 * MB });
    const shelf = grid.main.actor(Shelf, 'a');
    const failed = rejection(shelf.failLater());
    const answers: number[] = [];
    const calls = Array.from({ length: 1500 }, (_, index) => shelf.echo(15_000).then(() => answers.push(index)));
    await grid.run();
    gate.resolve();
    await grid.run();
    await failed;
    expect(answers.length).toBeGreaterThan(500);
    expect(answers.length).toBeLessThan(1200);
    for (let stores = 0; answers.length < 1500 && stores < 10; stores++) {
      grid.store();
      await grid.run();
    }
    await Promise.all(calls);
    expect(answers).toEqual(Array.from({ length: 1500 }, (_, index) => index));
  });
});

describe('an answer that no turn can keep', () => {
  it('is given by a successor when its thread dies before it could be sent', async () => {
    gate = Promise.withResolvers<void>();
    const grid = new DrivenGrid([Shelf], { partitionBytes: 16 * MB });
    const boxes = grid.main.actor(Shelf, 'boxes');
    for (const size of [MB, 100_000, 10_000]) {
      for (let index = 0, error: unknown; error === undefined; index++)
        error = await answer(
          grid,
          boxes.put(`${size}/${index}`, size).catch((refused: unknown) => refused),
        );
    }
    const client = grid.attach();
    const failed = rejection(client.actor(Shelf, 'fails').failLater());
    // Its ring of replies is full, and nobody takes what is there.
    const long = Array.from({ length: 8 }, () => client.actor(Shelf, 'long').long(12_000));
    await grid.run([]);
    gate.resolve();
    await grid.run([]);
    grid.restart();
    await grid.run([client]);
    expect(await failed).toBeInstanceOf(RangeError);
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
