/** What happens to a grid's threads and actors: kept for `stats()`, logged, and published on a diagnostics channel. */

/** A thread's death and what became of it. */
export interface RecoveryEvent {
  readonly kind: 'worker' | 'durability';
  readonly thread: number;
  /** Wall-clock milliseconds. */
  readonly diedAt: number;
  /** Until its successor served; −1 when it was given up, or could not be started yet. */
  readonly recoveredAfterMs: number;
  readonly cause: string;
}

/** A handler that kept its partition thread longer than `blockedHandler`. */
export interface BlockedEvent {
  readonly kind: 'blocked';
  readonly worker: number;
  readonly actor: string;
  readonly key: string;
  readonly method: string;
  readonly partition: number;
  /** Wall-clock milliseconds of when it was seen to block. */
  readonly seenAt: number;
  /** How long it has been running then. */
  readonly blockedMs: number;
}

/** An actor that was running in three deaths of its thread within a minute: calls to it fail until the grid is started again. */
export interface QuarantineEvent {
  readonly kind: 'quarantine';
  readonly worker: number;
  readonly actor: string;
  readonly partition: number;
  readonly seenAt: number;
}

/** A command failed that nobody waits for: a tell, a message, a reminder. At most 20 a second of each worker are told of. */
export interface UnheardEvent {
  readonly kind: 'unheard';
  readonly worker: number;
  /** `account/ada.deposit`. */
  readonly command: string;
  /** Name and message of what it threw. */
  readonly reason: string;
  /** Wall-clock milliseconds. */
  readonly seenAt: number;
  /** Failures of this worker since the last one that was told of, which are told of by this number only. */
  readonly omitted: number;
}

export type GridEvent = RecoveryEvent | BlockedEvent | QuarantineEvent | UnheardEvent;

/** Name of the diagnostics channel on which every GridEvent is published, in the thread that created the grid. */
export const GRID_CHANNEL = 'spacegrid:event';
