import { linkSync, mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endedCode } from './child.mjs';
import { textOf } from './file-text.mjs';
import { tools } from './folders.mjs';
import { PlainError } from './plain-error.mjs';

const setupDeadlineMs = 15 * 60_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Lets one process at a time set up. The lock is a file that holds its owner's process id and appears with it in one step
 * (a hard link); one whose owner has died is moved aside, and put back if it turns out to be somebody's new one.
 */
export async function withSetupLock(work) {
  mkdirSync(tools, { recursive: true });
  const lock = join(tools, 'lock');
  const own = join(tools, `lock.${process.pid}`);
  const deadline = Date.now() + setupDeadlineMs;
  let told = false;
  writeFileSync(own, String(process.pid));
  try {
    for (;;) {
      try {
        linkSync(own, lock);
        break;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const owner = Number(textOf(lock));
      if (owner > 0 && !isAlive(owner)) {
        const aside = `${lock}.of-${owner}-${process.pid}`;
        try {
          renameSync(lock, aside);
          if (Number(textOf(aside)) === owner) unlinkSync(aside);
          else renameSync(aside, lock);
        } catch (error) {
          if (error.code !== 'ENOENT') throw error;
        }
        continue;
      }
      if (endedCode()) return;
      if (Date.now() > deadline)
        throw new PlainError(`Process ${owner} is still setting up: if that hangs, end it and delete ${lock}.`);
      if (!told) console.log(`Waiting for process ${owner}, which is setting up as well`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    try {
      await work();
    } finally {
      unlinkSync(lock);
    }
  } finally {
    rmSync(own, { force: true });
  }
}
