/** Initial values that JavaScript could change belong to nobody: each actor starts with what its definition says. */
import { defineActor, map, packed } from '@spacegrid/actors';
import { createTestGrid } from '@spacegrid/actors/testing';
import { expect, it } from 'vitest';

const Box = defineActor('box', {
  state: { list: [1], at: new Date(0), bytes: Uint8Array.of(7), notes: map({ tags: packed(['a']) }) },
  commands: {
    push: (turn) => (turn.state.list as number[]).push(2),
    spoil(turn) {
      turn.state.at.setFullYear(1999);
      (turn.state.bytes as Uint8Array)[0] = 9;
    },
    note(turn) {
      turn.state.notes.patch('x', {});
      return (turn.state.notes.field('x', 'tags') as string[]).push('b');
    },
  },
  queries: { all: ({ state: { list, at, bytes } }) => [list, at.getTime(), bytes[0]] },
});

it('are deeply frozen where they can be', async () => {
  await using grid = createTestGrid({ actors: [Box] });
  await expect(grid.actor(Box, 'one').push()).rejects.toThrow(TypeError);
  await expect(grid.actor(Box, 'one').note()).rejects.toThrow(TypeError);
});

it('are copies where they can not', async () => {
  await using grid = createTestGrid({ actors: [Box] });
  await grid.actor(Box, 'one').spoil();
  for (const key of ['one', 'other']) {
    expect(grid.actor(Box, key).peek.all()).toEqual([[1], 0, 7]);
    expect(await grid.actor(Box, key).all()).toEqual([[1], 0, 7]);
  }
});
