import { AbortedError, CallTimeoutError } from '@spacegrid/core';
import { checkWaitOptions } from './actor-calls.ts';
import type { WaitOptions } from './call-options.ts';

/** A timer that is set later fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Waits for `work` no longer than the options say; what was begun goes on. Throws CallTimeoutError, AbortedError. */
export async function waitFor<T>(name: string, options: WaitOptions, work: () => Promise<T>): Promise<T> {
  const timeoutMs = checkWaitOptions(name, options);
  const { signal } = options;
  if (signal?.aborted === true)
    throw new AbortedError(`${name} was given up before it began`, { cause: signal.reason });
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new AbortedError(`${name} is no longer waited for`, { cause: signal?.reason }));
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => reject(new CallTimeoutError(`${name} took longer than ${timeoutMs} ms, and goes on`)),
          Math.min(timeoutMs, TIMER_MS_MAX),
        );
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
