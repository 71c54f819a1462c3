/** Tells what a handler threw, and what its thread answered, from what the grid says of a call that did not run. */
const thrown = new WeakSet<object>();

/** Those that the receiver's thread answered. */
const answered = new WeakSet<object>();

/** The error is a reply. */
export function noteAnswered(error: object): void {
  answered.add(error);
}

/** False for what this thread says by itself of a call that got no reply. */
export function wasAnswered(error: unknown): boolean {
  return typeof error === 'object' && error !== null && answered.has(error);
}

/** The error came from a handler, which ran. */
export function noteThrown(error: object): void {
  thrown.add(error);
}

export function wasThrown(error: unknown): boolean {
  return typeof error === 'object' && error !== null && thrown.has(error);
}
