/** Each limit of what createGrid takes, from both sides. */
import { createHeapBuffer, isGridError } from '@spacegrid/core';
import { expect, it } from 'vitest';
import { gridDefaults, resolveGridOptions } from '../../../src/supervise/grid-options.ts';

const KIB = 1024;
const MIB = KIB ** 2;
const GIB = KIB ** 3;
const actors = new URL('file:///actors.ts');

function refusal(options: object): string {
  try {
    resolveGridOptions({ actors, ...options });
  } catch (error) {
    expect(isGridError(error, 'INVALID_OPTION')).toBe(true);
    return (error as Error).message;
  }
  return 'not refused';
}

it.each([
  ['partitions', 1, 1024],
  ['workers', 1, 30],
  ['clientThreads', 0, 48],
  ['poolThreads', 1, 64],
  ['callTimeout', 1, 2 ** 31],
  ['partitionBytes', MIB, 7.5 * GIB],
  ['ringBytes', 64 * KIB, 64 * MIB],
  ['backlog', MIB, GIB],
  ['changeSet', 64 * KIB, 64 * MIB],
] as const)('takes %s from %d to %d', (name, least, most) => {
  for (const value of [least, most])
    expect(resolveGridOptions({ actors, workers: 1, [name]: value })[name]).toBe(value);
  expect(refusal({ [name]: least - 1 })).toContain(name);
  expect(refusal({ [name]: most + 1 })).toContain(name);
});

it('has room for the largest heap that it takes', () => {
  expect(createHeapBuffer({ maxBytes: 7.5 * GIB }).maxByteLength).toBeGreaterThan(7.5 * GIB);
});

it('gives what is not given its default, and freezes the result', () => {
  const options = resolveGridOptions({ actors });
  expect(options).toMatchObject(gridDefaults);
  expect(Object.isFrozen(options)).toBe(true);
});

it.each<[object, RegExp]>([
  [{ actors: './actors.ts' }, /actors.*new URL/],
  [{ persistence: { directory: 'data' } }, /persistence.*sqlite/],
  [{ workers: 5, partitions: 4 }, /workers.*partitions/],
  [{ ack: 'durable' }, /'durable' only with persistence/],
  [{ ack: 'replicated' }, /ack/],
  [{ ringBytes: 100 * KIB }, /power of two/],
  [{ callTimeout: '5 days' }, /callTimeout/],
  [{ partitionBytes: '256m' }, /partitionBytes/],
  [{ partiton: 4 }, /partiton/],
])('refuses %o, naming it', (options, message) => {
  expect(refusal(options)).toMatch(message);
});
