// Builds the demo's page before `npm start`, unless its sources are those of the last build (turbo keeps count).
import { runProgram } from './program.ts';

const { code, output } = await runProgram('turbo', [
  'run',
  'build',
  '--filter=@spacegrid/demo',
  '--output-logs=errors-only',
]);
if (code !== 0) console.error(output.trim());
process.exitCode = code;
