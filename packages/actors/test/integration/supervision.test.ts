/** What the supervisor notices and does: blocked handlers, poison actors, threads that die, and who is told. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGrid, GRID_CHANNEL, type Grid, type GridEvent } from '@spacegrid/actors';
import { isGridError, type Logger } from '@spacegrid/core';
import { sqlite } from '@spacegrid/persistence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clerk, Desk } from '../fixtures/office-actors.ts';
import { rejection, until, within } from '../../../../test/fixtures/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'spacegrid-supervision-'));
const events: GridEvent[] = [];
const lines: string[] = [];
const listen = (event: unknown): void => {
  events.push(event as GridEvent);
};
const say = (message: string): void => {
  lines.push(message);
};
const logger: Logger = { debug: say, info: say, warn: say, error: say };
let grid: Grid;

beforeAll(async () => {
  subscribe(GRID_CHANNEL, listen);
  grid = await createGrid({
    actors: new URL('../fixtures/office-actors.ts', import.meta.url),
    workers: 1,
    partitions: 4,
    blockedHandler: 60,
    persistence: sqlite({ directory }),
    logger,
  });
});

afterAll(async () => {
  await grid.close();
  unsubscribe(GRID_CHANNEL, listen);
  rmSync(directory, { recursive: true, force: true });
});

const seen = (what: string, accept: (event: GridEvent) => boolean): Promise<GridEvent | undefined> =>
  until(
    what,
    async () => events.find(accept),
    (event) => event !== undefined,
  );

describe('a command that fails, and that nobody waits for', () => {
  const told = async (command: string): Promise<void> => {
    const event = await seen(`${command} is told`, (one) => one.kind === 'unheard' && one.command === command);
    expect(event).toMatchObject({ worker: 0, omitted: 0, reason: expect.stringMatching(/^\w+: ./) as string });
    expect(lines).toContainEqual(expect.stringMatching(`^${command} failed, and nobody waits for its answer: \\w+: .`));
  };

  it('is told to the logger and on the channel when it was a tell', async () => {
    grid.actor(Desk, 'told').tell.failAfterWriting();
    await told('desk/told.failAfterWriting');
  });

  it('is told when it was a message', async () => {
    await grid.actor(Desk, 'sender').notify('sent', 'not a number' as unknown as number);
    await told('desk/sent.add');
  });

  it('is told when it was a reminder', async () => {
    const reminder = await grid.actor(Clerk, 'late').remindFailing(10);
    await told('clerk/late.ringAndFail');
    expect(await grid.actor(Clerk, 'late').cancel(reminder)).toBe(true);
  });
});

describe('a handler that blocks its thread', () => {
  it('is reported with actor, key and method, while others wait', async () => {
    const desk = grid.actor(Desk, 'slow ☕');
    const blocking = desk.block(200);
    const event = await seen('the report', ({ kind }) => kind === 'blocked');
    expect(event).toMatchObject({ actor: 'desk', key: 'slow ☕', method: 'block', worker: 0 });
    await blocking;
    expect((await grid.stats()).blocked.at(-1)).toEqual(event);
    expect(lines.at(-1)).toMatch(/desk "slow ☕"\.block has kept worker 0 for \d+ ms/);
  });

  it('is named also when a step of an asynchronous command blocks', async () => {
    await grid.actor(Desk, 'slow step').stepBlocks(200);
    await seen('the report', (event) => event.kind === 'blocked' && event.key === 'slow step');
    expect((await grid.stats()).blocked.at(-1)).toMatchObject({ key: 'slow step', method: 'stepBlocks' });
  });

  it('is named also when the handler of one blocks between its steps', async () => {
    await grid.actor(Desk, 'slow handler').blocksBetweenSteps(200);
    await seen('the report', (event) => event.kind === 'blocked' && event.key === 'slow handler');
    expect((await grid.stats()).blocked.at(-1)).toMatchObject({ key: 'slow handler', method: 'blocksBetweenSteps' });
  });

  it('is not reported for awaiting something', async () => {
    const count = events.length;
    expect(await grid.actor(Desk, 'awaiting').stepAfter(200)).toBe(1);
    expect(events.length).toBe(count);
  });

  it('is not reported for being called often', async () => {
    const count = events.length;
    const desk = grid.actor(Desk, 'busy');
    const endsAt = performance.now() + 150;
    while (performance.now() < endsAt) await Promise.all(Array.from({ length: 200 }, () => desk.add(1)));
    expect(events.length).toBe(count);
  });
});

describe('an actor that ends its thread', () => {
  it('is set aside after three deaths, and its neighbours go on', async () => {
    const neighbour = grid.actor(Desk, 'neighbour');
    await neighbour.add(5);
    const first = await within('the first call', rejection(grid.actor(Desk, 'poison').exit()));
    expect(isGridError(first, 'WORKER_LOST')).toBe(true);
    const second = await within('the second call', rejection(grid.actor(Desk, 'poison').exit()));
    expect(isGridError(second, 'ACTOR_QUARANTINED')).toBe(true);
    await seen('the quarantine', ({ kind }) => kind === 'quarantine');
    const third = await within('the third call', rejection(grid.actor(Desk, 'poison').add(1)));
    expect(isGridError(third, 'ACTOR_QUARANTINED')).toBe(true);
    expect(await neighbour.add(1)).toBe(6);
    expect((await grid.health()).status).toBe('degraded');
  });

  it('is set aside also when its own reminders run it', async () => {
    const actors = new URL('../fixtures/office-actors.ts', import.meta.url);
    // A grid of its own: the reminder stays.
    await using other = await createGrid({ actors, workers: 1, partitions: 1 });
    await other.actor(Clerk, 'poison').remindToExit();
    const isOfClerk = (event: GridEvent): boolean => event.kind === 'quarantine' && event.actor === 'clerk';
    await seen('the quarantine', isOfClerk);
    expect(await within('a neighbour', other.actor(Desk, 'neighbour').add(1))).toBe(1);
    const error = await within('a call', rejection(other.actor(Clerk, 'poison').remindToExit()));
    expect(isGridError(error, 'ACTOR_QUARANTINED')).toBe(true);
    expect((await other.stats()).recoveries).toHaveLength(3);
  });

  it('is set aside also when its asynchronous command does it between its steps', async () => {
    const actors = new URL('../fixtures/office-actors.ts', import.meta.url);
    await using other = await createGrid({ actors, workers: 1, partitions: 1 });
    const poison = other.actor(Desk, 'poison 3');
    const codes: unknown[] = [];
    while (codes.length < 4 && codes.at(-1) !== 'ACTOR_QUARANTINED') {
      const error = await within('a call', rejection(poison.exitsBetweenSteps()));
      codes.push((error as { code?: string }).code);
    }
    expect(codes.at(-1)).toBe('ACTOR_QUARANTINED');
    expect(await within('a neighbour', other.actor(Desk, 'neighbour').add(1))).toBe(1);
  });

  it('takes no call of others with it, however often it dies beside them', async () => {
    const neighbours = Array.from({ length: 50 }, (_, index) => grid.actor(Desk, `beside ${index}`));
    // Sent in one go, so that all stand in the ring when the thread dies.
    const answers = Promise.all(neighbours.flatMap((desk) => [desk.get(), desk.add(1)]));
    const lost = rejection(grid.actor(Desk, 'poison 2').exit());
    const more = Promise.all(neighbours.flatMap((desk) => [desk.get(), desk.add(1)]));
    expect(isGridError(await within('the poison', lost), 'WORKER_LOST')).toBe(true);
    await within('those before it', answers);
    await within('those after it', more);
    for (const desk of neighbours) expect(desk.peek.get()).toBe(2);
  });

  it('in a later step leaves the earlier ones, and its caller knows how many', async () => {
    const desk = grid.actor(Desk, 'half');
    const error = await within('the call', rejection(desk.stepThenDie()));
    expect(isGridError(error, 'OUTCOME_UNKNOWN')).toBe(true);
    expect((error as { details?: { stepsCommitted?: number } }).details?.stepsCommitted).toBe(1);
    expect(await desk.get()).toBe(1);
  });
});

describe('commands that nobody waits for', () => {
  it('run once each, whenever their thread dies', async () => {
    const desk = grid.actor(Desk, 'told');
    let told = 0;
    for (let round = 0; round < 4; round++) {
      for (let index = 0; index < 1000; index++, told++) desk.tell.add(1);
      // Until it is in the middle of them.
      await until(
        'some have run',
        async () => desk.peek.get(),
        (count) => count > told - 1000,
      );
      await grid.terminateWorker(0);
    }
    await until(
      'all have run',
      () => desk.get(),
      (count) => count >= told,
    );
    expect(await desk.get()).toBe(told);
  });
});

describe('the durability thread', () => {
  it('is replaced when it dies under load: what was acknowledged is on disk once, what waits is answered', async () => {
    const desk = grid.actor(Desk, 'written');
    const durable = desk.with({ ack: 'durable' });
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const calls = Promise.all(Array.from({ length: 200 }, () => durable.add(1)));
      await grid.terminateDurability();
      await within('all answers', calls, 10_000);
      acknowledged += 200;
    }
    await grid.flush();
    expect(await desk.get()).toBe(acknowledged);
    const { durability, recoveries } = await grid.stats();
    expect(durability?.health).toBe('healthy');
    expect(recoveries.filter(({ kind }) => kind === 'durability').length).toBe(3);
    await grid.close();
    grid = await createGrid({
      actors: new URL('../fixtures/office-actors.ts', import.meta.url),
      workers: 1,
      partitions: 4,
      persistence: sqlite({ directory }),
    });
    expect(await grid.actor(Desk, 'written').get()).toBe(acknowledged);
  });
});
