import { setTimeout as timeout } from 'node:timers/promises';

const PAUSE_MS = 10;

/** Lets the threads of what ran before finish and fall asleep. */
export async function pause(): Promise<void> {
  await timeout(PAUSE_MS);
}
