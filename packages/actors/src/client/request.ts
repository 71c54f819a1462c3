import type { KeyBytes } from '@spacegrid/core';
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
