// The one child process that runs at a time, and the signals that are passed on to it.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { root } from './folders.mjs';

let child;
let endedBy;
let lastSignalAt = 0;

/**
 * Starts a program and resolves with its exit code, or with 128 + the number of the signal that ended it. The child stays
 * in our process group, so that whoever kills the group kills it as well.
 */
export function run(command, args, { env, quiet = false, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    let output = '';
    child = spawn(command, args, { cwd: root, env, shell, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    child.stdout?.on('data', (text) => (output += text));
    child.stderr?.on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      child = undefined;
      resolve({ code: code ?? 128 + (constants.signals[signal] ?? 0), output });
    });
  });
}

/**
 * A terminal or a supervisor often signals the whole process group, and npm forwards what it gets: the child may have the
 * signal already. So only the first of a burst is passed on; the programs take a repeated one within that time as one.
 */
export function passOn(signal) {
  endedBy = signal;
  const now = Date.now();
  if (now - lastSignalAt < 1_000) return;
  lastSignalAt = now;
  child?.kill(signal);
}

/** The exit code of a run that a signal has asked to end; undefined while none has. */
export function endedCode() {
  return endedBy && 128 + constants.signals[endedBy];
}
