import { expect, test } from 'vitest';
import { rates, ratesPerCpu, ratioOf, spreadOf } from '../../src/spread.ts';

test('the median of an odd number of figures is the one in the middle', () => {
  expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
});

test('the median of an even number of figures is between the two in the middle', () => {
  expect(spreadOf([4, 1, 10, 2])).toEqual({ median: 3, min: 1, max: 10 });
});

test('a ratio is taken round by round, so that a slow round of both changes nothing', () => {
  expect(ratioOf([100, 10, 90], [50, 5, 30])).toEqual({ median: 2, min: 2, max: 3 });
});

test('refuses a ratio of unequal numbers of rounds', () => {
  expect(() => ratioOf([1, 2], [1])).toThrow(RangeError);
});

test('operations are divided by the time that passed, and by the processor time of all threads', () => {
  const samples = [{ operations: 600, seconds: 2, cpuSeconds: 3 }];
  expect(rates(samples)).toEqual([300]);
  expect(ratesPerCpu(samples)).toEqual([200]);
});
