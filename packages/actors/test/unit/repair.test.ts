/** What the repair of rows does to the actors they belong to, and where it meets full memory, large rows, a death. */
import { defineActor, map, ranking } from '@spacegrid/actors';
import { encodeKey, Heap, HotMap } from '@spacegrid/core';
import { describe, expect, it } from 'vitest';
import { type ActorType, compileActorTypes } from '../../src/define/actor-type.ts';
import { actorPrefix, fieldTag, ROW_FIELDS } from '../../src/state/row-keys.ts';
import { FIRST_TYPE_ROOT, layoutOf } from '../../src/state/state-layout.ts';
import type { MendedRows, MendOrder } from '../../src/verify/judged-rows.ts';
import { DrivenGrid } from '../fixtures/driven-grid.ts';

const Box = defineActor('box', {
  whenIdle: 'unload',
  state: { count: 0, items: map({ name: '' }) },
  commands: {
    tick: (turn) => turn.state.count++,
    put: (turn, key: string, name: string) => turn.state.items.set(key, { name }),
    empty: (turn) => turn.state.items.clear(),
  },
  queries: {
    count: (view) => view.state.count,
    names: (view) => [...view.state.items.scan().entries].map(([, { name }]) => name.length),
  },
});

const Board = defineActor('board', {
  state: { count: 0, ranked: ranking() },
  commands: {
    tick: (turn) => ++turn.state.count,
    rank(turn, from: number, to: number): void {
      for (let member = from; member < to; member++) turn.state.ranked.set(`member ${member}`, member);
    },
  },
  queries: { ranked: (view) => view.state.ranked.size },
});

const BOX = layoutOf(compileActorTypes([Box])[0] as ActorType);
const prefix = actorPrefix('box', Buffer.from('a'));
const FIELDS = Uint8Array.of(...prefix, ROW_FIELDS);
const entryOf = (structure: string, entry: string): Uint8Array =>
  Buffer.concat([prefix, fieldTag(structure), Buffer.from(entry)]);

async function answer<T>(grid: DrivenGrid, promise: Promise<T>): Promise<T> {
  await grid.run();
  return promise;
}

/** Rows as they are in memory, to be written to the store again. */
function judged(grid: DrivenGrid, keys: readonly Uint8Array[]): MendOrder[] {
  const { rows, clears } = grid.loop.judge({ partition: 0, keys });
  return keys.map((key, index) => ({
    key,
    side: 'store',
    expected: rows[index] as MendOrder['expected'],
    clears,
    value: undefined,
  }));
}

const mend = (grid: DrivenGrid, orders: readonly MendOrder[], structures: readonly Uint8Array[] = []): MendedRows =>
  grid.loop.mend({ partition: 0, orders, structures });

describe('a repair', () => {
  it('counts as a use of the actor, which leaves memory only behind it', async () => {
    const grid = new DrivenGrid([Box], { persistent: true });
    const stamp = (): number => {
      const heap = new Heap(grid.memory.heaps[0] as SharedArrayBuffer);
      const table = new HotMap(heap, heap.i32[heap.root(FIRST_TYPE_ROOT)] as number, BOX.shape, 1);
      return table.stampOf(table.find(encodeKey('a', 1)));
    };
    await answer(grid, grid.main.actor(Box, 'a').tick());
    const before = stamp();
    // Ticks are hundredths of a second.
    for (const endsAt = performance.now() + 20; performance.now() < endsAt; ) await grid.run();
    expect(mend(grid, judged(grid, [FIELDS])).orders).toEqual([true]);
    expect(stamp() - before).toBeGreaterThan(0);
  });

  it('writes rows in several turns that are too large for one', async () => {
    const grid = new DrivenGrid([Box], { persistent: true, changeSetBytes: 64 * 1024 });
    const box = grid.main.actor(Box, 'a');
    const keys = Array.from({ length: 5 }, (_, index) => `item ${index}`);
    for (const key of keys) await answer(grid, box.put(key, 'x'.repeat(30_000)));
    const orders = judged(
      grid,
      keys.map((key) => entryOf('items', key)),
    );
    expect(mend(grid, orders).orders).toEqual([true, true, true, true, true]);
  });

  it('leaves a row absent that was cleared by a successor of the thread that was asked about it', async () => {
    const grid = new DrivenGrid([Box], { persistent: true });
    const box = grid.main.actor(Box, 'a');
    await answer(grid, box.put('kept', 'y'));
    const [whole] = judged(grid, [entryOf('items', 'kept')]) as [MendOrder];
    await answer(grid, box.empty());
    const [absent] = judged(grid, [entryOf('items', 'kept')]) as [MendOrder];
    grid.restart();
    await answer(grid, box.put('other', 'y'));
    await answer(grid, box.empty());
    const order: MendOrder = { ...absent, side: 'memory', value: whole.expected.value };
    expect(mend(grid, [order]).orders).toEqual([false]);
    expect(await answer(grid, box.names())).toEqual([]);
  });

  it('of a ranking for which memory has no room changes nothing, and turns go on', async () => {
    const grid = new DrivenGrid([Board], { partitionBytes: 2 * 1024 ** 2 });
    const board = grid.main.actor(Board, 'a');
    let members = 0;
    // Bound: the memory.
    for (let step = 1000; step >= 1; ) {
      const ranked = board.rank(members, members + step).then(
        () => true,
        () => false,
      );
      if (await answer(grid, ranked)) members += step;
      else step = Math.floor(step / 10);
    }
    expect(members).toBeGreaterThan(1000);
    const structure = Buffer.concat([actorPrefix('board', Buffer.from('a')), fieldTag('ranked')]);
    const row = Buffer.concat([structure, Buffer.from('member 7')]);
    const [order] = judged(grid, [row]) as [MendOrder];
    const { value } = order.expected;
    expect(mend(grid, [{ ...order, side: 'memory', value }], [structure]).orders).toEqual([false]);
    expect(await answer(grid, board.ranked())).toBe(members);
    expect(await answer(grid, board.tick())).toBe(1);
  });
});
