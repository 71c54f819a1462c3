// Runs one program and gives back how it ended: what the tasks in this folder are made of.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root: string = dirname(dirname(fileURLToPath(import.meta.url)));

const path = [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);

export interface ProgramEnd {
  /** The exit code; 1 when a signal ended it. */
  readonly code: number;
  /** Everything it printed, both streams in order, unless it printed straight to the terminal. */
  readonly output: string;
}

export interface ProgramOptions {
  /** Default: the repository's folder. */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the program (SIGKILL) after this time (default: never). */
  readonly timeoutMs?: number;
  /** Print straight to the terminal (default: collect the output). */
  readonly show?: boolean;
}

/** Runs a program to its end. Rejects only when it could not be started. */
export function runProgram(
  command: string,
  args: readonly string[],
  { cwd = root, env = { ...process.env, PATH: path }, show = false, timeoutMs }: ProgramOptions = {},
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}
