import { expect, test } from 'vitest';
import { parseOptions, UsageError } from '../../src/options.ts';

const works = ['ask', 'peek', 'restart'];

test('measures everything but the restart in five rounds of a million entries by default', () => {
  const options = parseOptions([], works);
  expect(options).toMatchObject({ rounds: 5, entries: 1_000_000, only: [], json: undefined, restart: false });
});

test('takes a file for the figures, several works and a number of rounds', () => {
  const options = parseOptions(['--json', 'out.json', '--only', 'ask', '--only', 'peek', '--rounds', '9'], works);
  expect(options).toMatchObject({ rounds: 9, only: ['ask', 'peek'], json: 'out.json' });
});

test('quick means few rounds, unless a number is given', () => {
  expect(parseOptions(['--quick'], works).rounds).toBe(2);
  expect(parseOptions(['--quick', '--rounds', '3'], works).rounds).toBe(3);
});

test('asking for the restart alone turns it on', () => {
  expect(parseOptions(['--only', 'restart'], works).restart).toBe(true);
});

test.each([
  [['--fast'], /--fast.*--quick/],
  [['--only', 'tell'], /--only tell.*ask, peek, restart/],
  [['--rounds', '0'], /--rounds 0/],
  [['--rounds', 'many'], /--rounds many/],
  [['ask'], /ask/],
  [['--json'], /--json/],
])('says in one line what is wrong with %j', (args, message) => {
  let caught: unknown;
  try {
    parseOptions(args, works);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(UsageError);
  expect((caught as Error).message).toMatch(message);
  expect((caught as Error).message).not.toContain('\n');
});
