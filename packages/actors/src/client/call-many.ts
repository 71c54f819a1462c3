/** `ref.many`: batches of calls to one actor, and of peeks. */
import { AbortedError, InvalidOptionError } from '@spacegrid/core';
import { FLAG_ONCE } from '../control/frames.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import { type CallTarget, giveUp, requestOf } from './actor-calls.ts';
import { CallBatch, checkBatch } from './call-batch.ts';
import { nameOfCall } from './call-subject.ts';

/** One promise of the answers, in order. What is wrong with the lists or options rejects it, before anything is sent. */
export function callMany(target: CallTarget, handler: CompiledHandler, lists: unknown): Promise<unknown[]> {
  const { client, settings } = target;
  const { signal } = settings;
  try {
    checkBatch(`many.${handler.name}`, lists);
    if ((settings.flags & FLAG_ONCE) !== 0)
      throw new InvalidOptionError('with({ once }).many: an idempotency key is of one call, make each with its own');
    if (signal?.aborted === true)
      throw new AbortedError('the calls were given up before they were sent', { cause: signal.reason });
    const batch = new CallBatch(nameOfCall(target, handler), lists.length);
    const numbers: number[] = [];
    for (const [place, args] of lists.entries()) {
      const number = client.callInBatch(requestOf(target, handler, args), settings.whenFull, batch, place);
      if (number !== undefined && signal !== undefined) numbers.push(number);
    }
    if (signal !== undefined) {
      const abort = (): void => {
        for (const number of numbers) if (client.calls.isWaiting(number)) giveUp(client, number, signal);
      };
      signal.addEventListener('abort', abort, { once: true });
      const remove = (): void => signal.removeEventListener('abort', abort);
      batch.promise.then(remove, remove);
    }
    return batch.promise;
  } catch (error) {
    return Promise.reject(error);
  }
}
