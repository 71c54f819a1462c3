/** What becomes of requests and replies when a client takes no replies, waits for the disk, or is gone. */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { defineActor } from '@spacegrid/actors';
import { describe, expect, it } from 'vitest';
import { WORKER_FAILED } from '../../src/control/control-block.ts';
import { DrivenGrid } from '../fixtures/driven-grid.ts';

/** Where the handlers wait. */
let gate = Promise.withResolvers<void>();

const Post = defineActor('post', {
  state: { n: 0 },
  commands: {
    add(turn, by: number) {
      turn.state.n += by;
      return turn.state.n;
    },
    echo: (_turn, size: number) => 'x'.repeat(size),
    async wait(_turn, size: number) {
      await gate.promise;
      return 'x'.repeat(size);
    },
  },
  queries: {
    get: (view) => view.state.n,
    long: (_view, size: number) => 'x'.repeat(size),
  },
});

const open = (options?: ConstructorParameters<typeof DrivenGrid>[1]): DrivenGrid => {
  gate = Promise.withResolvers<void>();
  return new DrivenGrid([Post], options);
};

/** How many of them wait still. */
async function pending(promises: readonly Promise<unknown>[]): Promise<number> {
  let count = promises.length;
  const ended = (): void => void count--;
  for (const promise of promises) promise.then(ended, ended);
  await turnOfTheLoop();
  return count;
}

describe('a client that takes no replies', () => {
  it('has an answer to all that waited aside of its ring, though their thread dies before it takes any', async () => {
    const grid = open();
    const client = grid.attach();
    const post = client.actor(Post, 'a');
    const first = post.wait(1);
    const queued = Array.from({ length: 100 }, () =>
      client
        .actor(Post, 'a')
        .with({ timeout: 1000 })
        .add(1)
        .catch((error) => error),
    );
    // More than half of the ring: what waits at its beginning is kept aside.
    const others = Array.from({ length: 700 }, () => client.actor(Post, 'b').add(1));
    await grid.run([client]);
    expect(await pending(others)).toBe(0);
    // Their time is over when they would start: each is refused. Before, the ring of replies is filled.
    const long = Array.from({ length: 10 }, () => client.actor(Post, 'b').long(12_000));
    grid.clock.advance(2000);
    await grid.run([]);
    gate.resolve();
    await grid.run([]);
    grid.restart();
    await grid.run([client]);
    expect(await queued[0]).toMatchObject({ code: 'TIMEOUT' });
    const all = [first, ...queued, ...long];
    expect(await pending(all)).toBe(0);
  });
});

describe('a client that takes no replies for long', () => {
  it('fills no partition with answers that are kept for it', async () => {
    const grid = open({ partitionBytes: 16 * 1024 ** 2 });
    const silent = grid.attach();
    const long = Array.from({ length: 8 }, () => silent.actor(Post, 'silent').long(12_000));
    await grid.run([]);
    // Twice what the partition may hold.
    for (let burst = 0; burst < 40; burst++) {
      const echoes = Array.from({ length: 50 }, () => grid.main.actor(Post, 'a').echo(15_000));
      await grid.run();
      await Promise.all(echoes);
    }
    await grid.run([silent]);
    await Promise.all(long);
  });
});

describe('answers that nobody takes, and that wait for the disk', () => {
  it('are kept up to a limit, and callers are told of those that were not', async () => {
    const grid = open({ partitionBytes: 512 * 1024 ** 2 });
    const client = grid.attach();
    const calls = Array.from({ length: 10 }, (_, index) =>
      client
        .actor(Post, `${index}`)
        .wait(15 * 1024 ** 2)
        .then(({ length }) => `${length}`)
        .catch((error: { code: string }) => error.code),
    );
    await grid.run([client]);
    gate.resolve();
    await grid.run([]);
    await grid.run([client]);
    const answers = await Promise.all(calls);
    const given = answers.filter((answer) => answer === `${15 * 1024 ** 2}`);
    // As many as fit the memory beside the ring, and the limit.
    expect(given).toHaveLength(8);
    expect(answers.filter((answer) => answer === 'OUTCOME_UNKNOWN')).toHaveLength(2);
    expect(await Promise.all([client.actor(Post, 'a').add(1), grid.run([client])])).toEqual([1, undefined]);
  });

  it('are refused where too much waits for the disk', async () => {
    const grid = open({ persistent: true });
    const post = grid.main.actor(Post, 'a');
    await Promise.all([post.add(1), grid.run()]);
    const calls = Array.from({ length: 6 }, () =>
      post
        .with({ ack: 'durable' })
        .long(15 * 1024 ** 2)
        .then(() => 'given')
        .catch((error: { code: string }) => error.code),
    );
    await grid.run();
    expect(await pending(calls)).toBe(4);
    grid.store();
    await grid.run();
    expect((await Promise.all(calls)).filter((answer) => answer === 'OVERLOADED')).toHaveLength(2);
  });
});

describe('calls that wait for room in their ring', () => {
  it('are sent in order, but for those that were given up', async () => {
    const grid = open();
    const post = grid.main.actor(Post, 'a');
    const controller = new AbortController();
    const calls = Array.from({ length: 3000 }, (_, index) => {
      const isGivenUp = index > 1500 && index % 3 > 0;
      const call = isGivenUp ? post.with({ signal: controller.signal }).add(1) : post.add(1);
      return call.catch((error: { code: string }) => error.code);
    });
    controller.abort();
    const later = post.add(1);
    await grid.run();
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => answer === 'ABORTED')).toHaveLength(1000);
    const ran = answers.filter((answer) => answer !== 'ABORTED');
    expect(ran).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1));
    expect(await later).toBe(2001);
  });

  it('fail when their worker is given up', async () => {
    const grid = open();
    const calls = Array.from({ length: 20_000 }, () => grid.main.actor(Post, 'a').add(1));
    const codes = Promise.all(calls.map((call) => call.catch((error: { code: string }) => error.code)));
    grid.control.setWorkerState(0, WORKER_FAILED);
    grid.main.thread.failUnavailable();
    expect(new Set(await codes)).toEqual(new Set(['WORKER_UNAVAILABLE']));
  });
});

describe('what stands in a ring when its thread dies', () => {
  it('is answered before the successor says that it serves, so that deaths in quick succession let it through', async () => {
    const grid = open();
    const answer = grid.main.actor(Post, 'a').add(1);
    await turnOfTheLoop();
    grid.restart();
    expect(grid.main.thread.poll()).toBe(true);
    expect(await answer).toBe(1);
  });
});

describe('a client that is gone', () => {
  it('leaves no replies behind, however late they come', async () => {
    const grid = open();
    const client = grid.attach();
    for (let index = 0; index < 20; index++) void client.actor(Post, `${index}`).wait(12_000);
    await grid.run([client]);
    grid.leave(client);
    await grid.run([]);
    gate.resolve();
    await grid.run([]);
    const next = grid.attach(client.thread.slot);
    // What found room before is there; nothing more is held back for it.
    next.thread.poll();
    grid.loop.round();
    expect(next.thread.poll()).toBe(false);
    const answer = next.actor(Post, 'a').add(1);
    await grid.run([next]);
    expect(await answer).toBe(1);
  });
});

describe('queries that wait for the disk', () => {
  it('keep no room that other calls of their client need', async () => {
    const grid = open({ persistent: true });
    const post = grid.main.actor(Post, 'a');
    const write = post.add(1);
    await grid.run();
    await write;
    const waiting = Array.from({ length: 900 }, () => post.with({ ack: 'durable' }).get());
    const receipt = await firstOf(grid, post.with({ receipt: true }).add(1));
    const reached = Array.from({ length: 300 }, () => grid.main.reached(receipt.receipt, 'durable'));
    await grid.run();
    const others = Array.from({ length: 100 }, () => post.get());
    await grid.run();
    expect(await pending(others)).toBe(0);
    expect(await pending([...waiting, ...reached])).toBe(1200);
    grid.restart();
    await grid.run();
    expect(await pending([...waiting, ...reached])).toBe(1200);
    grid.store();
    await grid.run();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([2]));
    await Promise.all(reached);
  });
});

async function firstOf<T>(grid: DrivenGrid, promise: Promise<T>): Promise<T> {
  await grid.run();
  return promise;
}
