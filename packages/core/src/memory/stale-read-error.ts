/**
 * A reader met memory that can't be what it followed a reference to: the block was reused after its pin was revoked, or
 * a concurrent change was overtaken too often. Internal: the peek wrapper retries or turns it into a `GridError`.
 */
export class StaleReadError extends Error {
  override readonly name: string = 'StaleReadError';
}

const instance = new StaleReadError('the memory read was reused meanwhile');

/** Throws the one preallocated instance: a torn walk is not worth a stack trace. */
export function throwStaleRead(): never {
  throw instance;
}
