// The door, scripts/run.mjs: what it says when it can't go on, and how it ends. Its set-up is skipped where it is done.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, runProgram } from '../../scripts/program.ts';

test('names the tasks when there is none of that name', async () => {
  const { code, output } = await runProgram(process.execPath, [join(root, 'scripts', 'run.mjs'), 'toString']);
  expect(code).toBe(1);
  expect(output).toBe('There is no task "toString": start, test, bench, build, check, new, demo:import.\n');
});
