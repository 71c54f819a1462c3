import { AbortedError, CallTimeoutError } from '@spacegrid/core';
import { checkWaitOptions } from './actor-calls.ts';
import type { WaitOptions } from './call-options.ts';

/** Waits for `work` no longer than the options say; what was begun goes on. Throws CallTimeoutError, AbortedError. */
export async function waitFor<T>(name: string, options: WaitOptions, work: () => Promise<T>): Promise<T> {
  checkWaitOptions(name, options);
  const { timeout, signal } = options;
  if (signal?.aborted === true)
    throw new AbortedError(`${name} was given up before it began`, { cause: signal.reason });
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new AbortedError(`${name} is no longer waited for`, { cause: signal?.reason }));
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => reject(new CallTimeoutError(`${name} took longer than ${timeout} ms, and goes on`)), timeout);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
