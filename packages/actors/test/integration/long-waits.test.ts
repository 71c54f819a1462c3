/** Commands that await for long, and what waits behind them: they keep no room that others need, and outlive their thread. */
import { createGrid, type Grid } from '@spacegrid/actors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desk } from '../fixtures/office-actors.ts';
import { until, within } from '../../../../test/fixtures/until.ts';

let grid: Grid;
let rooms = 0;

const room = (): string => `long${rooms++}`;

beforeAll(async () => {
  grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 4,
    ringBytes: 64 * 1024,
    callTimeout: '30s',
  });
});

afterAll(() => grid.close());

/** Sends ten times what the ring holds. */
async function flood(key: string, calls = 10_000): Promise<void> {
  const desk = grid.actor(Desk, key);
  const before = await desk.get();
  for (let sent = 0; sent < calls; sent += 1000)
    await within('others are answered', Promise.all(Array.from({ length: 1000 }, () => desk.add(1))), 10_000);
  expect(await desk.get()).toBe(before + calls);
}

describe('a command that awaits for long', () => {
  it('does not stop its client from calling others of the same thread', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const waiting = desk.waitOnly(key);
    await flood(`${key}:2`);
    await grid.actor(Desk, `${key}:3`).open(key);
    expect(await within('the long one', waiting)).toBe(key);
  });

  it('and what is queued behind it run once and in order', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const waiting = desk.waitOnly(key);
    const queued = Array.from({ length: 300 }, (_, index) => desk.record(`${index}`));
    for (let index = 0; index < 50; index++) desk.tell.add(1);
    await flood(`${key}:2`);
    expect(desk.peek.log()).toEqual([]);
    await grid.actor(Desk, `${key}:3`).open(key);
    await within('the long one', waiting);
    await within('all behind it', Promise.all(queued));
    expect(await desk.log()).toEqual(Array.from({ length: 300 }, (_, index) => `${index}`));
    expect(
      await until(
        'the told ones',
        () => desk.get(),
        (n) => n >= 50,
      ),
    ).toBe(50);
  });

  it('go on in a successor of their thread, each once', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const waiting = desk.waitOnly(key);
    const queued = Array.from({ length: 300 }, (_, index) => desk.record(`${index}`));
    for (let index = 0; index < 50; index++) desk.tell.add(1);
    await flood(`${key}:2`);
    await grid.terminateWorker(0);
    await flood(`${key}:2`);
    // The gate was the dead thread's, so the command waits at a new one.
    await grid.actor(Desk, `${key}:3`).open(key);
    await within('the long one', waiting);
    await within('all behind it', Promise.all(queued));
    expect(await desk.log()).toEqual(Array.from({ length: 300 }, (_, index) => `${index}`));
    expect(
      await until(
        'the told ones',
        () => desk.get(),
        (n) => n >= 50,
      ),
    ).toBe(50);
  });

  it('that had committed steps is not run again by a successor, and its caller learns how many', async () => {
    const key = room();
    const desk = grid.actor(Desk, `${key}:1`);
    const waiting = desk.stepThenWait(key).catch((error: unknown) => error);
    await flood(`${key}:2`);
    await grid.terminateWorker(0);
    const error = await within('the answer', waiting);
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', details: { stepsCommitted: 1 } });
    await flood(`${key}:2`);
    expect(await desk.get()).toBe(1);
  });

  it('leaves nothing behind', async () => {
    const used = (): Promise<number> =>
      grid.stats().then(({ partitions }) => partitions.reduce((bytes, { usedBytes }) => bytes + usedBytes, 0));
    const run = async (): Promise<void> => {
      const gate = room();
      const waiting = grid.actor(Desk, 'left:1').waitOnly(gate);
      const queued = Array.from({ length: 300 }, () => grid.actor(Desk, 'left:1').echo('x'.repeat(100)));
      await flood('left:2', 5000);
      await grid.actor(Desk, 'left:3').open(gate);
      await Promise.all([waiting, ...queued]);
    };
    await run();
    const before = await used();
    for (let round = 0; round < 5; round++) await run();
    expect(await until('memory is given back', used, (bytes) => bytes <= before + 64 * 1024)).toBeLessThan(
      before + 64 * 1024,
    );
  });
});
