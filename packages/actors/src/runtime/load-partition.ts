import type { MessagePort } from 'node:worker_threads';
import type { RecoveryChunk, RecoveryCredit, RecoveryEnd } from '@spacegrid/core';
import type { RowApplier } from '../state/apply-rows.ts';

/** Chunks under way at a time. */
const CREDITS = 4;

/**
 * Applies what the store sends for one partition, and resolves with where it ended. Rejects with what could not be applied.
 * @param groupsOf the types (typePrefix) whose actors are not loaded now.
 */
export function loadPartition(
  port: MessagePort,
  applier: RowApplier,
  groupsOf: readonly Uint8Array[],
): Promise<RecoveryEnd> {
  return new Promise((resolve, reject) => {
    let failed = false;
    port.on('message', (chunk: RecoveryChunk) => {
      if (failed) return;
      if (chunk.done) {
        port.close();
        resolve(chunk);
        return;
      }
      try {
        applier.apply(chunk.changes);
        port.postMessage({ credits: 1 } satisfies RecoveryCredit);
      } catch (error) {
        failed = true;
        port.close();
        reject(error);
      }
    });
    port.once('close', () => reject(new Error('the store stopped sending')));
    port.postMessage({ credits: CREDITS, groupsOf } satisfies RecoveryCredit);
  });
}
