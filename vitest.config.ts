// Three groups, one after the other: what only computes, then what runs processes and stores and mostly waits for them, two
// files at a time; last what keeps both cores busy or measures, one file at a time.
import { defineConfig } from 'vitest/config';

const sourceCondition = '@spacegrid/source';
const conditions = [sourceCondition, 'node', 'import', 'module', 'default'];
const computing = ['packages/*/test/{unit,model}/**/*.test.ts', 'apps/*/test/unit/**/*.test.ts'];
/** All but what measures. */
const waiting = [
  'packages/!(bench)/test/integration/**/*.test.ts',
  'apps/*/test/integration/**/*.test.ts',
  'test/**/*.test.ts',
];
const everything = ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/**/*.test.ts'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    passWithNoTests: true,
    experimental: { viteModuleRunner: false },
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
          name: 'waiting',
          include: waiting,
          exclude: ['**/node_modules/**'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'busy',
          include: everything,
          exclude: ['**/node_modules/**', ...computing, ...waiting],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
