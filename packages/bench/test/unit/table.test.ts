import { expect, test } from 'vitest';
import { amountRow, rateRow } from '../../src/report.ts';
import { tableLines } from '../../src/table.ts';

const sample = (operations: number, cpuSeconds: number) => [{ operations, seconds: 1, cpuSeconds }];
const samples = new Map([
  ['ask', sample(3_000_000, 2)],
  ['postMessage', sample(1_000_000, 0.5)],
]);

test('marks a ratio that is reached, and one that is missed', () => {
  const peers = [
    { name: 'postMessage', must: 3 },
    { name: 'postMessage', must: 3.5 },
  ];
  const [, , met, missed] = tableLines([rateRow(samples, 'ask', 'ask', peers)]);
  expect(met).toMatch(/3\.00×.*3× met$/);
  expect(missed).toMatch(/3\.00×.*3\.5× MISSED$/);
});

test('flags a ratio per processor time below one', () => {
  const [, , peer] = tableLines([rateRow(samples, 'ask', 'ask', [{ name: 'postMessage' }])]);
  expect(peer).toContain('0.75×!');
});

test('says how much an amount may be, and stays within 100 columns', () => {
  const rows = [
    rateRow(samples, 'ask', 'submit to 1 M players, write-behind', [{ name: 'postMessage', must: 30 }]),
    amountRow('bytes', 'memory of a ranking entry with its name', 151, 'bytes', { most: 150 }),
  ];
  const lines = tableLines(rows);
  expect(lines.at(-1)).toMatch(/151 bytes.*at most 150 bytes: MISSED$/);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
});

test('refuses a row of something that was not measured', () => {
  expect(() => rateRow(samples, 'tell', 'tell', [])).toThrow('"tell"');
});
