/** What a call is of, for messages: who waits for whom. */
import type { CompiledHandler } from '../define/actor-type.ts';
import type { Route } from './route.ts';

export interface CallSubject {
  readonly route: Route;
  /** `path`: the actors that wait for the call, outermost first. */
  readonly settings: { readonly path: readonly string[] };
}

/** `leaderboard "eu".submit`, with who waits for it before it: `bank/a → bank "b".deposit`. */
export function nameOfCall(subject: CallSubject | undefined, handler: CompiledHandler | undefined): string {
  if (subject === undefined || handler === undefined) return 'the call';
  const { route, settings } = subject;
  return [...settings.path, `${route.type.name} "${route.key}".${handler.name}`].join(' → ');
}
