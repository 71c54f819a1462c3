/** URL of a thread's entry module beside the caller, with the caller's own extension: .ts from source, .js when built. */
export function threadModule(callerUrl: string, path: string): URL {
  return new URL(callerUrl.endsWith('.ts') ? `${path}.ts` : `${path}.js`, callerUrl);
}
