// `npm test`: all suites, then one closing line `N passed, N failed[, N skipped]`.
// A file that could not be loaded, an error outside any test and a run without any test count as failures.
// With SPACEGRID_SKIPS=fail (what CI sets) a skipped test is a failure as well. Arguments go to vitest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root, runProgram } from './program.ts';

interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const folder = mkdtempSync(join(tmpdir(), 'spacegrid-test-'));
const reportFile = join(folder, 'report.json');

function readReport(): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as TestReport;
  } catch {
    return undefined; // vitest died before it could report: counted below by its exit code
  }
}

try {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const { code } = await runProgram('vitest', ['run', ...reporters, ...process.argv.slice(2)], { show: true });
  const report = readReport();
  const results = report?.testResults ?? [];
  const unloaded = results.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  const skipped = results.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status !== 'passed' && test.status !== 'failed')
      .map((test) => `${relative(root, file.name)}: ${test.fullName}`),
  );
  const passed = report?.numPassedTests ?? 0;
  let failed = (report?.numFailedTests ?? 0) + unloaded.length;
  if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;

  for (const file of unloaded) console.log(`Failed outside its tests: ${relative(root, file.name)}`);
  for (const name of skipped) console.log(`Skipped: ${name}`);
  console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
  const skipsFail = process.env['SPACEGRID_SKIPS'] === 'fail' && skipped.length > 0;
  process.exitCode = failed > 0 || skipsFail ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
