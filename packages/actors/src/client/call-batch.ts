/**
 * Many calls with one promise: each is a request and a turn of its own, only what they cost the caller is shared. The promise
 * settles when all of them have.
 */
import { BatchFailedError, InvalidArgumentError } from '@spacegrid/core';
import type { BatchMember } from './pending-calls.ts';

/** Most calls of a batch. */
export const BATCH_CALLS_MAX = 10_000;

export class CallBatch implements BatchMember {
  readonly promise: Promise<unknown[]>;
  private readonly name: string;
  private readonly values: unknown[];
  /** By place: why a call failed. */
  private readonly failures: Map<number, unknown>;
  private left: number;
  private resolve: (values: unknown[]) => void;
  private reject: (error: unknown) => void;

  constructor(name: string, calls: number) {
    this.name = name;
    this.values = new Array<unknown>(calls).fill(undefined);
    this.failures = new Map();
    this.left = calls;
    this.resolve = () => undefined;
    this.reject = () => undefined;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (calls === 0) this.resolve(this.values);
  }

  answered(place: number, value: unknown): void {
    this.values[place] = value;
    if (--this.left === 0) this.settle();
  }

  failed(place: number, error: unknown): void {
    this.failures.set(place, error);
    if (--this.left === 0) this.settle();
  }

  private settle(): void {
    const { failures, values } = this;
    if (failures.size === 0) {
      this.resolve(values);
      return;
    }
    const outcomes = values.map(
      (value, place): PromiseSettledResult<unknown> =>
        failures.has(place) ? { status: 'rejected', reason: failures.get(place) } : { status: 'fulfilled', value },
    );
    const [first] = failures.values();
    const why = first instanceof Error ? first.message : String(first);
    this.reject(
      new BatchFailedError(`${failures.size} of ${values.length} calls of ${this.name} failed, the first one: ${why}`, {
        cause: first,
        details: { calls: values.length, failed: failures.size },
        outcomes,
      }),
    );
  }
}

/** Throws InvalidArgumentError unless these are lists of arguments, and not too many. */
export function checkBatch(name: string, lists: unknown): asserts lists is readonly (readonly unknown[])[] {
  const wrong = Array.isArray(lists) ? lists.findIndex((list) => !Array.isArray(list)) : 0;
  if (!Array.isArray(lists) || wrong >= 0) {
    throw new InvalidArgumentError(
      `${name} takes one list with a list of arguments for each call, as in [['ada', 5], ['bob', 7]]${Array.isArray(lists) ? `: its element ${wrong} is none` : ''}`,
    );
  }
  if (lists.length > BATCH_CALLS_MAX)
    throw new InvalidArgumentError(`${name} takes at most ${BATCH_CALLS_MAX} calls: these are ${lists.length}`);
}
