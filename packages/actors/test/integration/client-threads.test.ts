import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { attachGrid, createGrid, type Grid } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desk } from '../fixtures/office-actors.ts';
import { rejection, until, within } from '../../../../test/fixtures/until.ts';

let grid: Grid;
const threads: Worker[] = [];

beforeAll(async () => {
  grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 4,
    clientThreads: 2,
  });
});

afterAll(async () => {
  await Promise.all(threads.map((thread) => thread.terminate()));
  await grid.close();
});

async function startThread(key: string, owner: Grid = grid): Promise<Worker> {
  const handle = owner.handle();
  const thread = new Worker(new URL('../fixtures/attached-thread.ts', import.meta.url), {
    workerData: { grid: handle, key },
    transferList: [...handle.transferList],
  });
  threads.push(thread);
  await within('the thread attaches', once(thread, 'message'), 10_000);
  return thread;
}

async function ask(thread: Worker, what: string): Promise<unknown> {
  const answer = once(thread, 'message');
  thread.postMessage(what);
  const [message] = (await within(`${what} is answered`, answer)) as [unknown];
  return message;
}

const clients = async (): Promise<number[]> => (await grid.stats()).clients.map(({ client }) => client);

describe('a thread with attachGrid', () => {
  it('calls, peeks, watches and fails as the main thread does', async () => {
    const thread = await startThread('t1');
    expect(await ask(thread, 'add')).toEqual({ added: 500, peeked: 500, asked: 500 });
    expect(grid.actor(Desk, 't1').peek.get()).toBe(500);
    expect(await ask(thread, 'fail')).toEqual({ name: 'PaymentRefused' });
    expect(await ask(thread, 'watch')).toEqual({ watched: 500 });
    const next = once(thread, 'message');
    await grid.actor(Desk, 't1').add(1);
    expect(await within('the watch answers', next)).toEqual([{ watched: 501 }]);
    await thread.terminate();
  });

  it('gives its slot back within a second of its death, and commands that it sent run', async () => {
    await until('only the main thread', clients, (list) => list.length === 1, 1000);
    const thread = await startThread('t2');
    expect(await clients()).toHaveLength(2);
    expect(await ask(thread, 'hang')).toBe('hanging');
    thread.postMessage('exit');
    await once(thread, 'exit');
    const diedAt = performance.now();
    // Its asynchronous command still waits: that alone may keep nothing of the slot.
    await until('its slot is free', clients, (list) => list.length === 1, 1000);
    expect(performance.now() - diedAt).toBeLessThan(1000);
    expect(grid.actor(Desk, 't2').peek.get()).toBe(0);
    await grid.actor(Desk, 't2:other').open('hang t2');
    expect(
      await until(
        'what it told',
        () => grid.actor(Desk, 't2').get(),
        (n) => n === 50,
      ),
    ).toBe(50);
  });

  it('leaves when it closes, and its calls and peeks are refused from then on', async () => {
    const thread = await startThread('t3');
    expect(await ask(thread, 'close')).toEqual({ code: 'GRID_CLOSED', peeked: 'GRID_CLOSED' });
    await until('its slot is free', clients, (list) => list.length === 1, 1000);
    await thread.terminate();
  });

  it('can take a slot that others have left, again and again', async () => {
    for (let round = 0; round < 4; round++) {
      const thread = await startThread(`again-${round}`);
      expect(await ask(thread, 'add')).toMatchObject({ added: 500, asked: 500 });
      await thread.terminate();
      await until('its slot is free', clients, (list) => list.length === 1, 1000);
    }
  });

  it('is refused when all slots are taken', () => {
    const handles = [grid.handle(), grid.handle()];
    expect(() => grid.handle()).toThrow(/clientThreads/);
    for (const { transferList } of handles) for (const port of transferList) port.close();
  });

  it('is not refused for handles that were dropped before anybody attached', async () => {
    await until('the slots are free', clients, (list) => list.length === 1, 1000);
    grid.handle();
    grid.handle();
    expect(await clients()).toHaveLength(3);
    const collected = await until(
      'the slots come back',
      async () => {
        gc?.();
        return clients();
      },
      (list) => list.length === 1,
      5000,
    );
    expect(collected).toHaveLength(1);
    const thread = await startThread('after');
    expect(await ask(thread, 'add')).toMatchObject({ added: 500 });
    gc?.();
    expect(await clients()).toHaveLength(2);
    await thread.terminate();
  });

  it('needs a handle', async () => {
    for (const wrong of [undefined, {}, { spacegrid: {} }]) {
      expect(isGridError(await rejection(attachGrid(wrong as never)), 'INVALID_ARGUMENT')).toBe(true);
    }
  });
});

describe('a grid that is closed', () => {
  it('leaves no call of another thread open', async () => {
    const actors = new URL('../fixtures/office-actors.ts', import.meta.url);
    const other = await createGrid({ actors, workers: 1, partitions: 1 });
    const thread = await startThread('t9', other);
    expect(await ask(thread, 'wait')).toBe('waiting');
    const answer = once(thread, 'message');
    await other.close();
    expect(await within('its call ends', answer, 1000)).toEqual([{ code: 'OUTCOME_UNKNOWN' }]);
  });
});
