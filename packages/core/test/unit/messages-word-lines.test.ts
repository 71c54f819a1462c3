import { expect, it } from 'vitest';
import { LINE_WORDS, WordLines } from '../../src/messages/word-lines.ts';

const lines = new WordLines([
  { name: 'doorbells', lines: 3 },
  { name: 'counters', lines: 3 },
]);

it('gives each thread and purpose a line of 128 bytes', () => {
  const indexes = ['doorbells', 'counters'].flatMap((name) =>
    [0, 1, 2].map((thread) => lines.index(name as 'doorbells' | 'counters', thread)),
  );
  expect(indexes).toEqual([0, 1, 2, 3, 4, 5].map((line) => line * LINE_WORDS));
  expect(lines.createBuffer().byteLength).toBe(6 * 128);
  expect(lines.index('counters', 1, 31)).toBe(4 * LINE_WORDS + 31);
});

it('refuses lines and words that are not there', () => {
  expect(() => lines.index('doorbells', 3)).toThrow('the line belongs to a group');
  expect(() => lines.index('counters', 0, 32)).toThrow('the word lies within its line');
  expect(
    () =>
      new WordLines([
        { name: 'a', lines: 1 },
        { name: 'a', lines: 1 },
      ]),
  ).toThrow('a name of its own');
});
