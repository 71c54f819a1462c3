/** A query answers at once: one that was written as an ordinary function and returns a promise shows only when it runs. */
import { AsyncQueryError } from '@spacegrid/core';

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Returns what the query answered. Throws AsyncQueryError for a promise. */
export function refusePromise(query: string, answer: unknown): unknown {
  if (!isThenable(answer)) return answer;
  answer.then(undefined, () => undefined);
  throw new AsyncQueryError(`the query ${query} returned a promise: a query answers at once from its state`);
}
