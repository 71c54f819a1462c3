/** What references look like from outside, whatever their actors' handlers are named. */
import { inspect } from 'node:util';
import { defineActor } from '@spacegrid/actors';
import { createTestGrid } from '@spacegrid/actors/testing';
import { expect, it } from 'vitest';

const NAMES = ['client', 'parts', 'route', 'settings', 'target', 'state', 'name', 'toJSON'] as const;
const handlers = Object.fromEntries(NAMES.map((name) => [name, () => name]));
const Awkward = defineActor('awkward', { state: { n: 0 }, queries: handlers });
const Orders = defineActor('orders', { state: { n: 0 }, commands: handlers });

it('calls commands and queries of any name that is not reserved', async () => {
  await using grid = createTestGrid({ actors: [Awkward, Orders] });
  const awkward = grid.actor(Awkward, 'a');
  const orders = grid.actor(Orders, 'a');
  for (const name of NAMES) {
    expect(awkward.peek[name]?.()).toBe(name);
    expect(await awkward.peekOrAsk[name]?.()).toBe(name);
    expect(await orders[name]?.()).toBe(name);
    expect(await orders.with({ once: name })[name]?.()).toBe(name);
    orders.tell[name]?.();
    await grid.settle();
  }
});

it('shows a reference as its actor and key, and none of the memory behind it', async () => {
  await using grid = createTestGrid({ actors: [Awkward] });
  const awkward = grid.actor(Awkward, 'eu');
  void awkward.peek;
  expect(inspect(awkward)).toBe('ActorRef(awkward/eu)');
  const Plain = defineActor('plain', { state: { n: 0 } });
  await using other = createTestGrid({ actors: [Plain] });
  const plain = other.actor(Plain, 'eu');
  expect(JSON.stringify([plain, plain.peek, plain.tell, plain.with({})])).toBe('[{},{},{},{}]');
});

it('refuses a name where a definition is needed, and says so', async () => {
  await using grid = createTestGrid({ actors: [Awkward] });
  const actor = (definition: unknown): unknown => grid.actor(definition as typeof Awkward, 'eu');
  expect(() => actor('awkward')).toThrow(/what defineActor returned/);
  expect(() => actor(undefined)).toThrow(/what defineActor returned.*undefined/);
  expect(() => actor(Orders)).toThrow(/no actor is named orders: export it/);
});

it('says what is wrong with options and receipts that are none', async () => {
  await using grid = createTestGrid({ actors: [Orders] });
  const wrong = (value: unknown): never => value as never;
  expect(() => grid.actor(Orders, 'eu').with(wrong(undefined))).toThrow(/with takes its options in a record/);
  await expect(grid.reached(wrong(undefined), 'memory')).rejects.toThrow(/reached takes a receipt/);
  const receipt = { partition: 0, epoch: 1, sequence: 1 };
  for (const timeout of ['soon', 0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => grid.actor(Orders, 'eu').with({ timeout })).toThrow(/with\.timeout is .*such as '500ms'/);
  expect(await grid.actor(Orders, 'eu').with({ timeout: '5s' }).state?.()).toBe('state');
  await expect(grid.reached(receipt, 'memory', wrong({ timeot: 5 }))).rejects.toThrow(/has no option timeot/);
});
