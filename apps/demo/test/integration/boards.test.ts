/** The list of boards against deletions, submits and stops in any order: a board is listed exactly when it holds something. */
import { randomInt } from 'node:crypto';
import type { Grid } from '@spacegrid/actors';
import { isGridError } from '@spacegrid/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BOARDS_MAX, Directory, DIRECTORY_KEY, Leaderboard } from '../../src/actors.ts';
import { Boards } from '../../src/grid/boards.ts';
import { openGrid } from '../../src/grid/open-grid.ts';
import { scratchFolder } from '../fixtures/demo-process.ts';
import { until } from '../../../../test/fixtures/until.ts';

const scratch = scratchFolder();
// Bound: far more than is needed where nothing else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const MEMORY = { durable: false } as const;
const folder = scratch.fresh('boards');
let grid: Grid;
let boards: Boards;

beforeAll(open);

afterAll(async () => {
  await grid.close();
  scratch.remove();
});

async function open(): Promise<void> {
  grid = await openGrid(folder);
  boards = new Boards(grid);
}

const directory = () => grid.actor(Directory, DIRECTORY_KEY);
const listed = async () => (await boards.list()).map(({ name, players }) => `${name}: ${players}`);
const admitted = async () => (await directory().list()).map(({ name }) => name);

describe('a deletion that a stop cuts short', () => {
  it('is undone before the entries are removed and completed after, and keeps what came in then', async () => {
    for (const { name } of await boards.list()) await boards.delete(name);
    const durable = { durable: true } as const;
    for (const name of ['marked', 'cleared', 'written', 'other']) await boards.submit(name, 'ada', 7, durable);
    for (const name of ['marked', 'cleared', 'written']) await directory().beginRemoval(name);
    for (const name of ['cleared', 'written']) await grid.actor(Leaderboard, name).with({ ack: 'durable' }).clear();
    await grid.actor(Leaderboard, 'written').with({ ack: 'durable' }).submit('bob', 3);
    // As a stop and a start of the process.
    await grid.close();
    await open();

    await boards.tidy();
    const expected = ['marked: 1', 'other: 1', 'written: 1'];
    await until('the list is right', listed, (now) => now.join() === expected.join());
    expect(await admitted()).toEqual(['marked', 'other', 'written']);
    // The last step of what was cut short, come late, removes nothing.
    for (const name of ['marked', 'cleared', 'written']) await directory().finishRemoval(name);
    expect(await listed()).toEqual(expected);
    expect((await boards.top('written', 10)).entries).toEqual([{ rank: 1, player: 'bob', points: 3 }]);
    await boards.delete('marked');
    await boards.submit('cleared', 'bob', 1, MEMORY);
    await until('it is listed', listed, (now) => now.join() === 'cleared: 1,other: 1,written: 1');
  });
});

describe('the list of boards', () => {
  it('agrees with what boards hold after submits and deletions at once, from several sides', async () => {
    for (const { name } of await boards.list()) await boards.delete(name);
    const seed = randomInt(1, 2 ** 31);
    process.stderr.write(`seed ${seed}\n`);
    let state = seed | 1;
    const random = (below: number): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % below;
    };
    const names = ['a', 'b', 'c', 'd'];
    // Each remembers other boards as admitted.
    const sides = [boards, new Boards(grid), new Boards(grid)];
    const act = (): Promise<unknown> => {
      const name = names[random(names.length)] as string;
      const side = sides[random(sides.length)] as Boards;
      const kind = random(10);
      if (kind < 3) return side.delete(name);
      if (kind < 4) return grid.actor(Leaderboard, name).play('simulated', 1);
      if (kind < 5) return side.tidy();
      return side.submit(name, `p${random(3)}`, 1, { durable: random(4) === 0 });
    };
    for (let round = 0; round < 30; round++) {
      await Promise.all(Array.from({ length: 1 + random(12) }, act));
      const held: string[] = [];
      for (const name of names) {
        const players = await grid.actor(Leaderboard, name).size();
        if (players > 0) held.push(`${name}: ${players}`);
      }
      // A board's message to the directory may still be on its way.
      await until(
        `the list of round ${round}, seed ${seed}, is ${held.join(', ')}`,
        listed,
        (now) => now.join() === held.join(),
      );
    }
    for (const name of names) await boards.delete(name);
    await until('the list is empty', listed, (now) => now.length === 0);
  });

  it('shows a board again that simulated players write after its deletion', async () => {
    await boards.submit('played', 'ada', 1, MEMORY);
    await boards.delete('played');
    expect(await listed()).toEqual([]);
    await grid.actor(Leaderboard, 'played').play('player 1', 5);
    await until('it is listed', listed, (now) => now.join() === 'played: 1');
    await boards.delete('played');
  });

  it('leaves out boards that were admitted and never written', async () => {
    await boards.submit('huge', 'ada', Number.MAX_VALUE, MEMORY);
    const refused = await boards
      .importLines('none', 'f'.repeat(64), 7, ['ada'], [1], MEMORY)
      .catch((error: unknown) => error);
    expect(isGridError(refused, 'INVALID_ARGUMENT')).toBe(true);
    expect(await listed()).toEqual(['huge: 1']);
    await boards.delete('huge');
  });

  it('is bounded, and makes room of boards that were admitted and never written', async () => {
    await boards.tidy();
    await Promise.all(Array.from({ length: BOARDS_MAX }, (_, index) => directory().admit(`empty ${index}`)));
    expect((await boards.submit('one more', 'ada', 1, { durable: true })).rank).toBe(1);
    expect(await listed()).toEqual(['one more: 1']);
    expect(await admitted()).toEqual(['one more']);
    await Promise.all(
      Array.from({ length: BOARDS_MAX - 1 }, (_, index) => boards.submit(`b${index}`, 'ada', 1, MEMORY)),
    );
    const refused = await boards.submit('too many', 'ada', 1, MEMORY).catch((error: unknown) => error);
    expect(isGridError(refused, 'OVERLOADED')).toBe(true);
    expect(await grid.actor(Leaderboard, 'too many').size()).toBe(0);
    expect(await listed()).toHaveLength(BOARDS_MAX);
  });
});
