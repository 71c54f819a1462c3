/** Tells what a handler threw from what the grid says of a call that did not run. */
const thrown = new WeakSet<object>();

/** The error came from a handler, which ran. */
export function noteThrown(error: object): void {
  thrown.add(error);
}

export function wasThrown(error: unknown): boolean {
  return typeof error === 'object' && error !== null && thrown.has(error);
}
