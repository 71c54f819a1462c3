/**
 * Where a thread of the grid takes the time from, and how it wakes another one. The machine's, unless everything runs on one
 * thread with a clock of its own: then a bell that is rung calls what drives that thread.
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
}

export const machine: Surroundings = {
  clock: systemClock,
  bell: (control, thread) => new Doorbell(control.shared.words, control.doorbell(thread)),
};
