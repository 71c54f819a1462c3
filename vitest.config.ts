// Two groups, one after the other: first what only computes, two files at a time; then what runs threads, processes,
// servers and browsers, one file at a time, so that nothing is measured or timed out beside something else.
import { defineConfig } from 'vitest/config';

const sourceCondition = '@spacegrid/source';
const conditions = [sourceCondition, 'node', 'import', 'module', 'default'];
const computing = ['packages/*/test/{unit,model}/**/*.test.ts', 'apps/*/test/unit/**/*.test.ts'];
const everything = ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/**/*.test.ts'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    passWithNoTests: true,
    // Processes, not threads: the code under test starts threads of its own, which inherit these arguments.
    pool: 'forks',
    execArgv: [`--conditions=${sourceCondition}`, '--expose-gc', '--disable-warning=ExperimentalWarning'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    projects: [
      { extends: true, test: { name: 'computing', include: computing, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'running',
          include: everything,
          exclude: ['**/node_modules/**', ...computing],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
