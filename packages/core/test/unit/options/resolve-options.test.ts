import { describe, expect, it } from 'vitest';
import { isGridError } from '../../../src/errors/grid-error.ts';
import { integerOption } from '../../../src/options/number-option.ts';
import { customOption, defaultTo, optional, REFUSED } from '../../../src/options/option-kind.ts';
import { oneOfOption, portOption, textOption } from '../../../src/options/plain-option.ts';
import { resolveOptions } from '../../../src/options/resolve-options.ts';
import { durationOption, sizeOption } from '../../../src/options/unit-option.ts';

const shape = {
  partitions: integerOption({ min: 1, max: 1024, default: 64 }),
  timeout: durationOption({ min: 1, max: 3_600_000, default: 30_000 }),
  memory: optional(sizeOption({ min: 1024 })),
  ack: oneOfOption(['memory', 'durable'], { default: 'memory' }),
  workers: defaultTo(integerOption({ min: 1 }), () => 3),
};

function resolve(given: unknown): ReturnType<typeof resolveOptions<typeof shape>> {
  return resolveOptions('createGrid', given, shape, [
    {
      between: ['ack', 'memory'],
      when: ({ ack, memory }) => ack === 'durable' && memory === 1024,
      allowed: 'durable needs more memory',
    },
  ]);
}

function refusal(given: unknown): string {
  try {
    resolve(given);
  } catch (error) {
    if (isGridError(error, 'INVALID_OPTION')) return error.message;
    throw error;
  }
  throw new Error('the options were not refused');
}

describe('options', () => {
  it('are what they default to when they are not given', () => {
    const defaults = {
      partitions: 64,
      timeout: 30_000,
      memory: undefined,
      ack: 'memory',
      workers: 3,
    };
    expect(resolve(undefined)).toEqual(defaults);
    expect(resolve({ partitions: undefined })).toEqual(defaults);
  });

  it('are frozen, and apart from what was given', () => {
    const given = { partitions: 1 };
    const resolved = resolve(given);
    expect(Object.isFrozen(resolved)).toBe(true);
    given.partitions = 2;
    expect(resolved.partitions).toBe(1);
  });

  it('take durations and sizes with units', () => {
    const durations: [unknown, number][] = [
      [250, 250],
      ['500ms', 500],
      ['30s', 30_000],
      ['10 m', 600_000],
      ['0.5H', 1_800_000],
    ];
    for (const [given, ms] of durations) expect(resolve({ timeout: given }).timeout).toBe(ms);
    const sizes: [unknown, number][] = [
      [4096, 4096],
      ['64kb', 65_536],
      ['256MB', 2 ** 28],
      ['1.5gb', 1.5 * 2 ** 30],
    ];
    for (const [given, bytes] of sizes) expect(resolve({ memory: given }).memory).toBe(bytes);
  });

  const refusals: [unknown, RegExp][] = [
    [{ partitons: 3 }, /^createGrid\.partitons is not an option: did you mean partitions\?$/],
    [{ Timeout: 3 }, /did you mean timeout\?/],
    [{ zzz: 3 }, /^createGrid\.zzz is not an option: allowed are ack, memory, partitions/],
    [{ partitions: '64' }, /^createGrid\.partitions is '64': allowed is a whole number from 1 to 1024$/],
    [{ partitions: 0 }, /is 0: allowed/],
    [{ partitions: 1025 }, /is 1025: allowed/],
    [{ partitions: 1.5 }, /is 1\.5: allowed/],
    [{ partitions: null }, /is null: allowed/],
    [{ partitions: Number.NaN }, /is NaN: allowed/],
    [{ timeout: '10mb' }, /is '10mb': allowed is milliseconds .* from 1ms to 1h$/],
    [{ timeout: '2h' }, /is '2h': allowed/],
    [{ timeout: '-5s' }, /is '-5s': allowed/],
    [{ timeout: '5' }, /is '5': allowed/],
    [{ timeout: Infinity }, /is Infinity: allowed/],
    [{ memory: '30s' }, /is '30s': allowed is bytes .* of at least 1kb$/],
    [{ memory: 1024.5 }, /is 1024\.5: allowed/],
    [{ ack: 'disk' }, /is 'disk': allowed is 'memory' or 'durable'$/],
    [
      { ack: 'durable', memory: 1024 },
      /^createGrid\.ack is 'durable' and createGrid\.memory is 1024, which contradict each other: durable needs/,
    ],
    [[], /^createGrid is \[\]: allowed is a record/],
    ['x', /^createGrid is 'x'/],
    [JSON.parse('{"__proto__": 1}'), /__proto__ is not an option/],
    [{ toString: 1 }, /toString is not an option/],
  ];
  for (const [given, message] of refusals) {
    it(`are refused: ${JSON.stringify(given)} ${message.source.slice(0, 40)}`, () =>
      expect(refusal(given)).toMatch(message));
  }

  it('that are required and missing say so', () => {
    expect(() => resolveOptions('sqlite', {}, { directory: textOption() })).toThrow(
      /^sqlite\.directory is required: allowed is a text/,
    );
  });

  it('can be ports and kinds of their own', () => {
    const kinds = {
      logger: optional(portOption<{ info(text: string): void }>(['info'])),
      actors: customOption<URL>('a URL', (given) => (given instanceof URL ? given : REFUSED)),
    };
    const given = { logger: { info() {} }, actors: new URL('file:///a.ts') };
    expect(resolveOptions('x', given, kinds)).toEqual(given);
    expect(() => resolveOptions('x', { ...given, logger: {} }, kinds)).toThrow(
      /x\.logger is \{\}: allowed is an object with the method info/,
    );
    expect(() => resolveOptions('x', { ...given, actors: 'file:///a.ts' }, kinds)).toThrow(/allowed is a URL/);
  });
});
