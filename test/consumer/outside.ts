// Runs programs as somebody outside of this repository does: nothing of the test runner or of our tools in the environment.
import { type ProgramEnd, runProgram } from '../../scripts/program.ts';

/** Runs a program in a folder, for at most a minute. */
export function runOutside(folder: string, command: string, ...args: string[]): Promise<ProgramEnd> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|TEST$|DEV$|PROD$|MODE$|SSR$|BASE_URL)/.test(name),
    ),
  );
  return runProgram(command, args, { cwd: folder, env: { ...env, INIT_CWD: folder }, timeoutMs: 60_000 });
}
