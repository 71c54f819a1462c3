/** What is to be said of one row, and what is to be done about it, once both sides have been asked at one sequence. */
import type { SideState } from '@spacegrid/core';
import type { MemoryRow } from './memory-rows.ts';
import type { SideCondition } from './verify-report.ts';

/** What is known of the row besides. */
export interface RowEvidence {
  /** Memory's own way to the row is damaged, in a sentence: an absent row is then none that is absent on purpose. */
  readonly lostInMemory: string | undefined;
  /** The same of the store: a batch of its changes or the row's key is damaged. */
  readonly lostInStore: string | undefined;
  /** The last change of the row could not be folded. */
  readonly quarantined: boolean;
  readonly isSame: (memory: Uint8Array, stored: Uint8Array) => boolean;
}

export interface RowVerdict {
  readonly memory: SideCondition;
  readonly store: SideCondition;
  readonly reason: string;
  readonly unclear: boolean;
  /** The side to change; undefined while that is unclear. */
  readonly change: 'memory' | 'store' | undefined;
  /** What the store holds; undefined for nothing. Not to be had when it is damaged. */
  readonly stored: Uint8Array | undefined;
}

const STORE_FAILS = 'the row fails its checksum';
const QUARANTINED = 'its last change could not be folded into the rows';

/** Undefined when the two agree. */
export function verdictOf(row: MemoryRow, state: SideState, evidence: RowEvidence): RowVerdict | undefined {
  const { lostInMemory, lostInStore, quarantined, isSame } = evidence;
  const stored = state.values[state.values.length - 1];
  const isKnown = state.values.length > 0;
  const isStoreDamaged = state.damaged || !isKnown || lostInStore !== undefined || quarantined;
  const store: SideCondition = isStoreDamaged ? 'damaged' : stored === undefined ? 'absent' : 'whole';
  const ofStore = lostInStore ?? (quarantined ? QUARANTINED : STORE_FAILS);
  if (row.state === 'elsewhere') {
    if (!state.damaged) return undefined;
    return { memory: 'unloaded', store, reason: STORE_FAILS, unclear: true, change: undefined, stored };
  }
  const agrees = state.values.some((value) =>
    row.state === 'whole' && value !== undefined
      ? isSame(row.value as Uint8Array, value)
      : row.state === 'absent' && value === undefined,
  );
  const damage = row.state === 'damaged' ? (row.damage as string) : row.state === 'absent' ? lostInMemory : undefined;
  if (damage !== undefined && !(row.state === 'absent' && agrees)) {
    // One version alone: which of several was the last that memory had is not said.
    const isProven = !isStoreDamaged && stored !== undefined && state.values.length === 1;
    const reason = isStoreDamaged ? `${damage}; ${ofStore}` : damage;
    return { memory: 'damaged', store, reason, unclear: !isProven, change: isProven ? 'memory' : undefined, stored };
  }
  const memory: SideCondition = row.state === 'whole' ? 'whole' : 'absent';
  if (state.damaged || quarantined)
    return { memory, store: 'damaged', reason: ofStore, unclear: false, change: 'store', stored };
  if (agrees) return undefined;
  if (isStoreDamaged) return { memory, store, reason: ofStore, unclear: false, change: 'store', stored };
  const reason =
    memory === 'absent'
      ? 'the store has a row that memory has not'
      : store === 'absent'
        ? 'memory has a row that the store has not'
        : 'both sides are whole and differ';
  return { memory, store, reason, unclear: true, change: undefined, stored };
}
