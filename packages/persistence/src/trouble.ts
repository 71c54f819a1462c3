/** What the health report says of the store. */
import type { BacklogBounds, DurabilityHealth } from '@spacegrid/core';
import type { BacklogSize } from './drain.ts';

export interface Trouble {
  readonly health: DurabilityHealth;
  readonly reason: string;
}

/** The worst of: what keeps the journal from being written, what keeps rows from being folded, a backlog at its limit. */
export function healthOf(
  journal: Trouble | undefined,
  rows: Trouble | undefined,
  backlog: BacklogSize,
  bounds: BacklogBounds,
): { readonly health: DurabilityHealth; readonly reason: string | undefined } {
  if (journal !== undefined) return journal;
  if (rows !== undefined) return rows;
  if (backlog.bytesMax > bounds.bytesMax) {
    return {
      health: 'behind',
      reason: `a partition has ${backlog.bytesMax} bytes that are not stored, more than the ${bounds.bytesMax} of \`backlog\`: its commands wait`,
    };
  }
  if (backlog.ageMs > bounds.ageMaxMs) {
    return {
      health: 'behind',
      reason: `changes have waited ${Math.round(backlog.ageMs)} ms to be stored, longer than the ${bounds.ageMaxMs} of \`backlogAge\`: commands wait`,
    };
  }
  return { health: 'healthy', reason: undefined };
}
