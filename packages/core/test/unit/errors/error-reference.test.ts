import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as core from '../../../src/index.ts';
import { type ErrorCode, errorTable } from '../../../src/errors/error-table.ts';
import { GridError, isGridError } from '../../../src/errors/grid-error.ts';
import { gridErrorClasses } from '../../../src/errors/grid-errors.ts';

const codes = Object.keys(errorTable) as ErrorCode[];

function renderReference(): string {
  const sections = codes.map((code) => {
    const { className, retry, meaning, help } = errorTable[code];
    return `## ${code}\n\n\`${className}\` · retry: \`${retry}\`\n\n${meaning}\n\n**What helps:** ${help}\n`;
  });
  return `# Errors

Every error that the grid expects is a \`GridError\` with a stable \`code\`, a \`message\` that says what happened and to what,
\`details\` as plain data, and often a \`cause\`. It is the same on every thread. Test for one by its code:

\`\`\`ts
import { isGridError } from '@spacegrid/actors';

try {
  await board.submit('ada', 120);
} catch (error) {
  if (isGridError(error, 'OVERLOADED')) await retryLater();
  else throw error;
}
\`\`\`

\`retry\` says whether the same call may succeed when it is made again: \`never\` unless the program or its surroundings change;
\`same-owner\` later, as it is; \`after-refresh\` once it was looked up again who serves the key.

What a handler of yours throws comes back as an \`Error\` with its name, message, stack, code, causes and own fields of plain
data; its class stays in the thread that threw it. An \`AssertionFailed\` is none of these: it is a bug of SpaceGrid, please
report it.

A test holds this page in step with \`packages/core/src/errors/error-table.ts\`; \`pnpm exec vitest run error-reference -u\` writes it.

${sections.join('\n')}`;
}

describe('the error table', () => {
  it('is in step with docs/reference/errors.md', async () => {
    const page = fileURLToPath(new URL('../../../../../docs/reference/errors.md', import.meta.url));
    await expect(renderReference()).toMatchFileSnapshot(page);
  });

  it('is in step with the classes, and each is exported', () => {
    expect(codes).toEqual([...codes].sort());
    expect(Object.keys(gridErrorClasses)).toEqual(codes);
    const exported = core as Readonly<Record<string, unknown>>;
    for (const code of codes) {
      const { className, retry, meaning, help } = errorTable[code];
      const errorClass = gridErrorClasses[code];
      expect(errorClass.name).toBe(className);
      expect(exported[className]).toBe(errorClass);
      const error = new errorClass('what happened', { details: { partition: 3 }, cause: 'why' });
      expect(error).toBeInstanceOf(GridError);
      expect([error.name, error.code, error.retry, error.cause]).toEqual([className, code, retry, 'why']);
      expect(error.details).toEqual({ partition: 3 });
      expect(error.stack?.startsWith(`${className}: what happened`)).toBe(true);
      expect(isGridError(error) && isGridError(error, code)).toBe(true);
      expect(isGridError(error, code === 'ABORTED' ? 'CAPACITY' : 'ABORTED')).toBe(false);
      for (const sentence of [meaning, help]) expect(sentence).toMatch(/^\S[^]*[.!]$/);
    }
    expect(new Set(codes.map((code) => errorTable[code].className)).size).toBe(codes.length);
  });

  it('has no class for our own bugs, which are never errors of the grid', () => {
    expect(() => core.assert(false, 'the outbox entry is open')).toThrow('the outbox entry is open');
    expect(isGridError(new core.AssertionFailed('x'))).toBe(false);
    for (const other of [null, undefined, 'CAPACITY', new Error('x'), { code: 'CAPACITY' }])
      expect(isGridError(other)).toBe(false);
  });

  it('gives an error without details an empty record, and no cause', () => {
    const error = new core.CapacityError('full');
    expect(error.details).toEqual({});
    expect('cause' in error).toBe(false);
  });
});
