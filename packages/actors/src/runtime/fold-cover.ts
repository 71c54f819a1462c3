/**
 * Says of a partition's actors which may leave memory since the store's rows hold all that they changed:
 *   1. a record's stamp is the tick of its last use: set before each command's turn, again when an asynchronous one has ended, by
 *      queries and peeks, and by what changes an actor without a command; a record without one is as if used when it is first
 *      looked at;
 *   2. ticks never go back (access-tick.ts), and while a command is under way its actor is busy, which is looked at elsewhere;
 *   3. so when a tick T begins, whatever was last used before T has changed nothing behind the sequence committed by then;
 *   4. once the partition's folded watermark has reached that sequence, all that was last used before T is in the rows.
 * The stamps are in the heap, and a successor of the thread begins with 3: its predecessor's death changes nothing.
 */
import { foldedSequence, type Heap } from '@spacegrid/core';

/** All that is folded was so at a tick that is no older. */
const FRESH_TICKS = 5;

export class FoldCover {
  /** Whatever was last used before this tick is in the rows; undefined while that is not known of any. */
  private tick: number | undefined;
  /** What will be, once they hold this sequence. */
  private nextTick: number;
  private nextSequence: number;

  constructor() {
    this.tick = undefined;
    this.nextTick = 0;
    this.nextSequence = Number.POSITIVE_INFINITY;
  }

  /** Looks at the watermark. @param tick the round's: commands that come after this are stamped with no earlier one. */
  note(heap: Heap, tick: number): void {
    if (foldedSequence(heap) >= this.nextSequence) {
      this.tick = this.nextTick;
      this.nextSequence = Number.POSITIVE_INFINITY;
    }
    if (this.nextSequence !== Number.POSITIVE_INFINITY) return;
    this.nextTick = tick;
    this.nextSequence = heap.committed;
  }

  /** True when all that an actor with this stamp changed is in the rows. */
  covers(stamp: number): boolean {
    return this.tick !== undefined && ((this.tick - stamp) | 0) > 0;
  }

  /** True when it speaks of a moment ago. */
  isFresh(tick: number): boolean {
    return this.tick !== undefined && ((tick - this.tick) | 0) <= FRESH_TICKS;
  }
}
