/**
 * The time of an access to an actor, as its record keeps it: hundredths of a second since the machine started, modulo 2³². It is the
 * same for all threads of the process and never goes back, whatever is done to the wall clock: what may leave memory hangs on it.
 */
const NANOS_A_TICK = 1e7;
export const TICKS_A_SECOND = 100;

/** Never 0, which stands for no access. */
export function accessTick(): number {
  const [seconds, nanos] = process.hrtime();
  return (seconds * TICKS_A_SECOND + Math.floor(nanos / NANOS_A_TICK)) | 0 || 1;
}
