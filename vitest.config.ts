import { defineConfig } from 'vitest/config';

const sourceCondition = '@spacegrid/source';

export default defineConfig({
  resolve: { conditions: [sourceCondition, 'node', 'import', 'module', 'default'] },
  ssr: { resolve: { conditions: [sourceCondition, 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    passWithNoTests: true,
    // Processes, not threads: the code under test starts threads of its own, which inherit these arguments.
    pool: 'forks',
    execArgv: [`--conditions=${sourceCondition}`, '--expose-gc'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
});
