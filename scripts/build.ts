// `npm run build`: dist/ of every package and the demo's page, each only when its inputs changed.
import { runProgram } from './program.ts';

const { code } = await runProgram('turbo', ['run', 'build', ...process.argv.slice(2)], { show: true });
process.exitCode = code;
