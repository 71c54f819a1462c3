/**
 * Where a thread of the grid takes the time from, how it wakes another one, and whom it tells what no caller hears of. The
 * machine's, unless everything runs on one thread with a clock of its own: then a bell that is rung calls what drives that thread.
 */
import { type Clock, Doorbell, systemClock } from '@spacegrid/core';
import type { ControlBlock } from './control-block.ts';

export interface Bell {
  /** There may be something to do for its owner. */
  ring(): void;
}

export interface Surroundings {
  readonly clock: Clock;
  /** The bell of a thread, for those who wake it. */
  bell(control: ControlBlock, thread: number): Bell;
  /** A command failed that nobody waits for: a tell, a message, a reminder. It is counted already. */
  unheard(command: string, error: unknown): void;
}

export const machine: Surroundings = {
  clock: systemClock,
  bell: (control, thread) => new Doorbell(control.shared.words, control.doorbell(thread)),
  unheard: () => undefined,
};
