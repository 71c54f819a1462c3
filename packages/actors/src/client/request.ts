import type { KeyBytes } from '@spacegrid/core';
import { FLAG_TELL, headFlags, headKind, KIND_QUERY, KIND_REACHED } from '../control/frames.ts';
import type { CompiledHandler } from '../define/actor-type.ts';
import type { CallSubject } from './call-subject.ts';

/** What a client thread sends. */
export interface Request {
  readonly partition: number;
  readonly head: number;
  readonly key: KeyBytes;
  readonly args: readonly unknown[];
  readonly extra: Uint8Array | undefined;
  readonly timeoutMs: number;
  /** The promise is of `{ value, receipt }`. */
  readonly receipt: boolean;
  /** For messages about the call. */
  readonly subject: CallSubject | undefined;
  readonly handler: CompiledHandler | undefined;
}

/** True for what has a slot among the pending calls: a command that is answered, a query, a wait for a level. */
export function isCall(head: number): boolean {
  const kind = headKind(head);
  return (kind <= KIND_QUERY || kind === KIND_REACHED) && (headFlags(head) & FLAG_TELL) === 0;
}
