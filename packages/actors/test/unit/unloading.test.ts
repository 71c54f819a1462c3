/** What leaves memory and when, and how it comes back, with a store that does only what the test says. */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { defineActor, map, ranking } from '@spacegrid/actors';
import {
  ChangeCursor,
  ChangeSetWriter,
  encodeError,
  isGridError,
  OutboxReader,
  PackWriter,
  ReaderPin,
  type RowsAnswer,
  type RowsQuestion,
  StorageFailedError,
} from '@spacegrid/core';
import { afterEach, describe, expect, it } from 'vitest';
import { readCounters } from '../../src/control/counters.ts';
import { DrivenGrid } from '../fixtures/driven-grid.ts';
import { rejection } from '../../../../test/fixtures/until.ts';

const IDLE_MS = 30;

let kept: { readonly count: number } | undefined;

const Box = defineActor('box', {
  whenIdle: 'unload',
  idleMs: IDLE_MS,
  state: { count: 0, items: map({ name: '' }), ranked: ranking() },
  commands: {
    tick: (turn) => turn.state.count++,
    keep(turn): void {
      turn.state.count++;
      kept = turn.state;
    },
    fill(turn, from: number, entries: number): void {
      for (let at = from; at < from + entries; at++) {
        turn.state.items.set(`item-${at}`, { name: 'x'.repeat(500) });
        turn.state.ranked.set(`item-${at}`, at);
      }
    },
    tickAndFill(turn, entries: number): void {
      turn.step((state) => state.count++);
      turn.step((state) => {
        for (let at = 0; at < entries; at++) state.items.set(`item-${at}`, { name: 'x'.repeat(500) });
      });
    },
  },
  queries: {
    count: (view) => view.state.count,
    sizes: (view) => [view.state.items.size, view.state.ranked.size],
  },
});

const ports: MessagePort[] = [];

afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** A store that keeps what the partition's outbox held, and answers when it is told to. */
class Store {
  readonly questions: RowsQuestion[] = [];
  private readonly grid: DrivenGrid;
  private readonly reader: OutboxReader;
  private readonly changes: Uint8Array[] = [];
  private port: MessagePort | undefined;

  constructor(grid: DrivenGrid) {
    this.grid = grid;
    const heap = grid.heaps[0] as (typeof grid.heaps)[number];
    this.reader = new OutboxReader(heap, 0, new ReaderPin(heap, 3));
    this.link();
  }

  /** Gives the partition thread a way to this store. */
  link(): void {
    const { port1, port2 } = new MessageChannel();
    this.port?.close();
    this.port = port1;
    ports.push(port1, port2);
    port1.on('message', (question: RowsQuestion) => this.questions.push(question));
    this.grid.loop.useStore(port2);
  }

  fold(): void {
    this.read();
    this.grid.store();
    this.grid.fold();
  }

  /** What it has of the actor, in one answer; or what one turn changed, if more is to come. */
  async answer(isLast = true): Promise<void> {
    const { id, prefix, from } = await this.question();
    const at = from === prefix || from.length !== 1 ? 0 : (from[0] as number);
    const sets = this.changes.map((changes) => ofPrefix(changes, prefix)).filter(({ length }) => length > 0);
    const changes = isLast ? new Uint8Array(Buffer.concat(sets.slice(at))) : (sets[at] as Uint8Array);
    this.send({ id, changes, next: isLast ? undefined : Uint8Array.of(at + 1) });
  }

  async fail(): Promise<void> {
    const { id } = await this.question();
    const writer = PackWriter.growing();
    encodeError(writer, new StorageFailedError('the disk failed a read'));
    this.send({ id, error: writer.written().slice() });
  }

  private async question(): Promise<RowsQuestion> {
    for (const endsAt = performance.now() + 5000; performance.now() < endsAt; ) {
      const question = this.questions.shift();
      if (question !== undefined) return question;
      await this.grid.run();
    }
    throw new Error('the partition thread asked nothing within 5 s');
  }

  private send(answer: RowsAnswer): void {
    this.port?.postMessage(answer);
  }

  private read(): void {
    while (this.reader.next()) {
      const { changeOffset, changeBytes } = this.reader;
      const { u8 } = this.grid.heaps[0] as (typeof this.grid.heaps)[number];
      if (changeBytes > 0) this.changes.push(u8.slice(changeOffset, changeOffset + changeBytes));
    }
  }
}

function ofPrefix(changes: Uint8Array, prefix: Uint8Array): Uint8Array {
  const cursor = new ChangeCursor(changes);
  const writer = PackWriter.growing();
  const own = new ChangeSetWriter(writer);
  while (cursor.next()) {
    const key = changes.subarray(cursor.keyOffset, cursor.keyOffset + cursor.keyLength);
    if (Buffer.compare(key.subarray(0, prefix.length), prefix) !== 0) continue;
    own.put(key, changes.subarray(cursor.valueOffset, cursor.valueOffset + cursor.valueLength));
  }
  return writer.written().slice();
}

async function fill(grid: DrivenGrid, entries: number): Promise<void> {
  for (let from = 0; from < entries; from += 100) await answer(grid, grid.main.actor(Box, 'a').fill(from, 100));
}

function open(partitionBytes?: number): { readonly grid: DrivenGrid; readonly store: Store } {
  const grid = new DrivenGrid([Box], { persistent: true, ...(partitionBytes === undefined ? {} : { partitionBytes }) });
  return { grid, store: new Store(grid) };
}

/** Lets the grid's time and the machine's pass. */
async function pass(grid: DrivenGrid, ms: number): Promise<void> {
  for (const endsAt = performance.now() + ms; performance.now() < endsAt; ) {
    grid.clock.advance(10);
    await grid.run();
  }
}

async function untilUnloaded(grid: DrivenGrid): Promise<void> {
  for (const endsAt = performance.now() + 5000; readCounters(grid.control, 0).actorsUnloaded === 0; ) {
    if (performance.now() > endsAt) throw new Error('nothing was unloaded within 5 s');
    await pass(grid, 10);
  }
}

async function answer<T>(grid: DrivenGrid, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  for (const endsAt = performance.now() + 5000; !isSettled && performance.now() < endsAt; ) {
    await turnOfTheLoop();
    await grid.run();
  }
  return promise;
}

describe('an idle actor', () => {
  it('stays while the store’s rows do not hold all that it changed, durable as it may be', async () => {
    const { grid, store } = open();
    const box = grid.main.actor(Box, 'a');
    await answer(grid, box.tick());
    grid.store();
    await pass(grid, IDLE_MS * 5);
    expect(readCounters(grid.control, 0)).toMatchObject({ actorsLoaded: 1, actorsUnloaded: 0 });
    store.fold();
    await untilUnloaded(grid);
    expect(readCounters(grid.control, 0)).toMatchObject({ actorsLoaded: 0, unloads: 1 });
  });

  it('stays with a successor of its thread that has not seen folded what was committed before', async () => {
    const { grid, store } = open();
    const box = grid.main.actor(Box, 'a');
    await answer(grid, box.tick());
    store.fold();
    await answer(grid, box.tick());
    // Its death takes a while.
    await pass(grid, 50);
    grid.restart();
    store.link();
    await pass(grid, IDLE_MS * 5);
    expect(box.peek.count()).toBe(2);
    store.fold();
    await untilUnloaded(grid);
  });

  it('is not read as if it were new by who kept its state from a call', async () => {
    const { grid, store } = open();
    await answer(grid, grid.main.actor(Box, 'a').keep());
    store.fold();
    await untilUnloaded(grid);
    expect(() => kept?.count).toThrow(/the state of box "a" is unloaded/);
  });

  it('gives its memory back', async () => {
    const { grid, store } = open();
    const heap = grid.heaps[0] as (typeof grid.heaps)[number];
    await answer(grid, grid.main.actor(Box, 'other').tick());
    const before = heap.usedBytes();
    await fill(grid, 2000);
    expect(heap.usedBytes()).toBeGreaterThan(before + 1_000_000);
    store.fold();
    await untilUnloaded(grid);
    await pass(grid, 200);
    expect(heap.usedBytes()).toBeLessThan(before + 200_000);
  });
});

describe('an actor that is loaded', () => {
  it('is whole after many pages, and unseen before the last', async () => {
    const { grid, store } = open();
    const box = grid.main.actor(Box, 'a');
    await fill(grid, 200);
    await answer(grid, box.tick());
    await answer(grid, box.tick());
    store.fold();
    await untilUnloaded(grid);
    const calls = Promise.all([box.tick(), box.sizes()]);
    for (let page = 0; page < 3; page++) {
      expect(() => box.peek.sizes()).toThrow(/unloaded/);
      await store.answer(page === 2);
    }
    expect(await answer(grid, calls)).toEqual([2, [200, 200]]);
    expect(box.peek.count()).toBe(3);
  });

  it('is a stub again for a successor when its thread dies over it, whose memory is given back', async () => {
    const { grid, store } = open();
    const heap = grid.heaps[0] as (typeof grid.heaps)[number];
    const box = grid.main.actor(Box, 'a');
    await fill(grid, 2000);
    await answer(grid, box.tick());
    store.fold();
    await untilUnloaded(grid);
    await pass(grid, 200);
    const before = heap.usedBytes();
    const sizes = box.sizes();
    for (let page = 0; page < 19; page++) await store.answer(false);
    await pass(grid, 100);
    expect(heap.usedBytes()).toBeGreaterThan(before + 1_000_000);
    grid.restart();
    store.questions.length = 0;
    store.link();
    await pass(grid, 200);
    expect(heap.usedBytes()).toBeLessThan(before + 200_000);
    expect(() => box.peek.sizes()).toThrow(/unloaded/);
    await store.answer();
    expect(await answer(grid, sizes)).toEqual([2000, 2000]);
  });

  it('is asked for again where the store failed, four times in all, and by the next call', async () => {
    const { grid, store } = open();
    const box = grid.main.actor(Box, 'a');
    await answer(grid, box.tick());
    store.fold();
    await untilUnloaded(grid);
    const refused = rejection(box.tick());
    for (let attempt = 0; attempt < 4; attempt++) await store.fail();
    const error = await answer(grid, refused);
    expect(isGridError(error, 'ACTIVATION_FAILED')).toBe(true);
    expect(isGridError(error.cause, 'STORAGE_FAILED')).toBe(true);
    const ticked = box.tick();
    await store.fail();
    await store.answer();
    expect(await answer(grid, ticked)).toBe(1);
  });

  it('answers a watch that was taken out of its full ring meanwhile, also after its thread has died', async () => {
    const { grid, store } = open();
    // So long that 40 requests are more than half of the ring.
    const box = grid.main.actor(Box, 'a'.repeat(1000));
    await answer(grid, box.tick());
    store.fold();
    await untilUnloaded(grid);
    const watch = box.watch.count();
    const first = watch.next();
    const counts = Promise.all(Array.from({ length: 40 }, () => box.count()));
    await grid.run();
    grid.restart();
    store.questions.length = 0;
    store.link();
    await store.answer();
    expect((await answer(grid, first)).value).toMatchObject({ value: 1 });
    expect(new Set(await answer(grid, counts))).toEqual(new Set([1]));
    const second = watch.next();
    await answer(grid, box.tick());
    expect((await answer(grid, second)).value).toMatchObject({ value: 2 });
  });

  it('is watched by nobody when who wanted to is gone by then', async () => {
    const { grid, store } = open();
    const client = grid.attach();
    await answer(grid, grid.main.actor(Box, 'a').tick());
    store.fold();
    await untilUnloaded(grid);
    const watch = client.actor(Box, 'a').watch.count();
    const first = watch.next();
    client.thread.flush();
    await grid.run();
    grid.leave(client);
    await grid.run();
    await store.answer();
    await grid.run();
    expect(readCounters(grid.control, 0).watches).toBe(0);
    client.close();
    expect(await first).toMatchObject({ done: true });
  });

  it('is asked for again where another store has come', async () => {
    const { grid, store } = open();
    const box = grid.main.actor(Box, 'a');
    await answer(grid, box.tick());
    store.fold();
    await untilUnloaded(grid);
    const count = box.count();
    await pass(grid, 20);
    expect(store.questions.splice(0)).toHaveLength(1);
    store.link();
    await store.answer();
    expect(await answer(grid, count)).toBe(1);
  });
});

describe('memory that is all but full', () => {
  it('lets commands wait while folding makes room, and runs them all', { timeout: 30_000 }, async () => {
    const ACTORS = 900;
    const { grid, store } = open(8 * 1024 ** 2);
    let answered = 0;
    const calls = Array.from({ length: ACTORS }, (_, at) =>
      grid.main
        .actor(Box, `box-${at}`)
        .fill(0, 20)
        .then(() => answered++),
    );
    await pass(grid, 50);
    // Some 15 kB each: half of them fit.
    expect(answered).toBeGreaterThan(100);
    expect(answered).toBeLessThan(ACTORS);
    const first = answered;
    await pass(grid, 50);
    expect(answered).toBe(first);
    for (const endsAt = performance.now() + 20_000; answered < ACTORS && performance.now() < endsAt; ) {
      store.fold();
      await pass(grid, 20);
    }
    await Promise.all(calls);
    expect(answered).toBe(ACTORS);
    expect(readCounters(grid.control, 0).unloads).toBeGreaterThan(64);
  });

  it('runs a step again that found no room, and none that was committed before it', async () => {
    const { grid, store } = open(8 * 1024 ** 2);
    for (let at = 0; at < 85; at++) {
      await answer(grid, grid.main.actor(Box, `box-${at}`).fill(0, 100));
      store.fold();
    }
    await pass(grid, IDLE_MS);
    const box = grid.main.actor(Box, 'a');
    await answer(grid, box.tickAndFill(1500));
    expect(box.peek.sizes()).toEqual([1500, 0]);
    expect(box.peek.count()).toBe(1);
  });
});
