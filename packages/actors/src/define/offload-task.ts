/** Stateless work that `turn.offload` runs in the pool: a module and the name of the function it exports. */
export interface OffloadTask<A, R> {
  readonly module: string;
  readonly exportName: string;
  /** Carries the types; never set. */
  readonly types?: (input: A) => R;
}

/**
 * Names an exported function of a module as a pool task: `defineTask<typeof digest>(new URL('./tasks.ts', import.meta.url), 'digest')`.
 * Input and result are cloned.
 */
export function defineTask<F extends (input: never) => unknown>(
  module: URL,
  exportName: string,
): OffloadTask<Parameters<F>[0], Awaited<ReturnType<F>>> {
  return { module: module.href, exportName };
}
