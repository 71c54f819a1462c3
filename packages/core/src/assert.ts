/** A broken invariant of SpaceGrid itself: the partition where it is thrown stops. Never a `GridError`, never to be retried. */
export class AssertionFailed extends Error {
  static {
    Object.defineProperty(AssertionFailed.prototype, 'name', {
      value: 'AssertionFailed',
      writable: true,
      configurable: true,
    });
  }
}

/** Throws AssertionFailed unless `condition` holds. The sentence says what holds: "the outbox entry is open". */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw failed(sentence);
}

function failed(sentence: string): AssertionFailed {
  return new AssertionFailed(`this does not hold: ${sentence}`);
}
