// `npm run check`: everything that a tool can check. Parts that don't wait for each other run side by side; each prints
// one line when it ends, those that fail with what they found. Names as arguments run only these parts; --fix mends what
// the linter and the formatter can mend by themselves, and checks nothing.
import { styleText } from 'node:util';
import { checkPackages } from './check-packages.ts';
import { runProgram } from './program.ts';

interface Outcome {
  readonly passed: boolean;
  readonly output: string;
}

interface Part {
  readonly name: string;
  readonly covers: string;
  /** A part that this one waits for, since it builds what this one looks at. */
  readonly after?: string;
  readonly run: () => Promise<Outcome>;
}

function program(command: string, ...args: string[]): () => Promise<Outcome> {
  return async () => {
    const { code, output } = await runProgram(command, args);
    return { passed: code === 0, output };
  };
}

const linted = ['packages', 'apps', 'scripts', 'test', 'vitest.config.ts'];

const parts: readonly Part[] = [
  { name: 'types', covers: 'packages, apps, tests and scripts', run: program('tsc', '-b') },
  {
    name: 'lint',
    covers: 'types-aware rules, import direction and cycles',
    run: program('oxlint', '--deny-warnings', '--report-unused-disable-directives', ...linted),
  },
  { name: 'format', covers: 'biome', run: program('biome', 'format', '--max-diagnostics=20', '--error-on-warnings') },
  {
    name: 'unused',
    covers: 'files, exports and dependencies',
    run: program('knip', '--no-progress', '--no-config-hints'),
  },
  { name: 'packages', covers: 'publint and attw on packed tarballs', after: 'types', run: checkPackages },
];

const asked = process.argv.slice(2);
if (asked.includes('--fix')) {
  await runProgram('oxlint', ['--fix', ...linted], { show: true });
  const { code } = await runProgram('biome', ['format', '--write'], { show: true });
  process.exit(code);
}
const unknown = asked.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join('", "')}": ${parts.map((part) => part.name).join(', ')}.`);
  process.exit(1);
}

const chosen = parts.filter(
  (part) =>
    asked.length === 0 ||
    asked.includes(part.name) ||
    parts.some((other) => other.after === part.name && asked.includes(other.name)),
);
const started = new Map<string, Promise<boolean>>();

async function runPart(part: Part): Promise<boolean> {
  if (part.after) await started.get(part.after);
  const startedAt = performance.now();
  const { passed, output } = await part.run();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${passed ? styleText('green', '✓') : styleText('red', '✗')} ${part.name} (${part.covers}) ${seconds} s`);
  if (!passed) console.log(output.trim());
  return passed;
}

for (const part of chosen) started.set(part.name, runPart(part));
const results = await Promise.all(started.values());
const failed = chosen.filter((_part, index) => !results[index]).map((part) => part.name);
console.log(failed.length === 0 ? `All ${chosen.length} checks passed` : `Checks that failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
