/** Our own bug: the state is not what the code rests on. Never a GridError, never caught and ignored. */
export class AssertionFailed extends Error {
  override readonly name: string = 'AssertionFailed';
}

/** Throws AssertionFailed with the sentence that should have held. */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new AssertionFailed(sentence);
}
