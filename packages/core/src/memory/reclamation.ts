/**
 * Gives freed memory back to the allocator when no reader can hold it. Writer thread, between turns.
 *
 * Freed blocks gather in the new limbo list. A flip makes it the old one and notes the committed sequence E. When no pin is
 * older than E, everything in the old list was unlinked before any present reader came, and is released in steps. A pin
 * that stays for 100 ms is revoked, so memory stays bounded whatever readers do. After Fraser's epoch-based reclamation,
 * with pins that can be taken away.
 */
import { releaseBlock } from './block-allocator.ts';
import { hasGraves, stepGraves } from './graveyard.ts';
import type { HeapPort } from './heap-port.ts';
import {
  LIMBO_EPOCH,
  LIMBO_HOLD,
  LIMBO_NEW,
  LIMBO_NEW_COUNT,
  LIMBO_OLD,
  PIN_COUNT,
  PIN_WORDS,
  PINS,
  SEQUENCE_LOW,
} from './heap-words.ts';
import { PIN_IDLE, PIN_REVOKED, PIN_STEP, pinOf } from './pin-word.ts';

/** Fewer freed blocks than this wait for company, so that one look at the pins serves many; not while memory is short. */
const FLIP_BLOCKS = 64;
const PIN_AGE_MAX_MS = 100;
/**
 * Pins hold 30 bits of their sequence: one that is older than 2²⁹ turns would seem to come after them. So pins are looked at after
 * each 2²⁶ turns, whether or not memory waits for them, and none is left that old.
 */
const PIN_TURNS_MAX: number = 2 ** 26;

export class Reclamation {
  private readonly heap: HeapPort;
  /** True once no pin is older than the old list; a successor looks again. */
  private released: boolean;
  /** For each slot the pin that was last found too old, and since when. */
  private readonly oldPins: Int32Array;
  private readonly oldSinceMs: Float64Array;
  /** Low word of the sequence at the last look for pins that are too many turns old. */
  private agedAt: number;

  constructor(heap: HeapPort) {
    this.heap = heap;
    this.released = false;
    const count = heap.i32[PIN_COUNT] as number;
    this.oldPins = new Int32Array(count);
    this.oldSinceMs = new Float64Array(count);
    this.agedAt = heap.i32[SEQUENCE_LOW] as number;
  }

  /** One bounded step. True when more can be done at once. */
  step(budget: number): boolean {
    const i32 = this.heap.i32;
    if (((i32[SEQUENCE_LOW] as number) - this.agedAt) >>> 0 > PIN_TURNS_MAX) this.revokeAncient();
    if (i32[LIMBO_OLD] !== 0) {
      if (!this.released && !this.noOlderPin()) return stepGraves(this.heap, budget);
      this.released = true;
      return this.drain(budget) || this.mayFlip() || hasGraves(this.heap);
    }
    if (this.mayFlip()) {
      this.flip();
      return true;
    }
    return stepGraves(this.heap, budget);
  }

  /** Takes every reader's pin away: what it is reading may be reused at once. */
  revokeAll(): void {
    const i32 = this.heap.i32;
    const count = i32[PIN_COUNT] as number;
    for (let slot = 0; slot < count; slot++) {
      const index = PINS + slot * PIN_WORDS;
      const pin = Atomics.load(i32, index);
      if (pin !== PIN_IDLE && pin !== PIN_REVOKED) Atomics.compareExchange(i32, index, pin, PIN_REVOKED);
    }
  }

  private revokeAncient(): void {
    const i32 = this.heap.i32;
    this.agedAt = i32[SEQUENCE_LOW] as number;
    const present = pinOf(this.agedAt);
    for (let slot = 0; slot < this.oldPins.length; slot++) {
      const index = PINS + slot * PIN_WORDS;
      const pin = Atomics.load(i32, index);
      if (pin === PIN_IDLE || pin === PIN_REVOKED) continue;
      // Bound: between two looks a pin ages by little more than the limit.
      if (((present - pin) >>> 0) / PIN_STEP > PIN_TURNS_MAX) Atomics.compareExchange(i32, index, pin, PIN_REVOKED);
    }
  }

  private mayFlip(): boolean {
    const count = this.heap.i32[LIMBO_NEW_COUNT] as number;
    return count >= FLIP_BLOCKS || (count > 0 && this.heap.isStarved);
  }

  private flip(): void {
    const heap = this.heap;
    heap.isStarved = false;
    heap.begin();
    const present = pinOf(heap.i32[SEQUENCE_LOW] as number);
    const hold = heap.i32[LIMBO_HOLD] as number;
    // What maintenance unlinked after the last commit waits for the next one: pins of the present sequence may be older.
    heap.set(LIMBO_EPOCH, ((hold - present) | 0) === PIN_STEP ? hold : present);
    heap.set(LIMBO_OLD, heap.i32[LIMBO_NEW] as number);
    heap.set(LIMBO_NEW, 0);
    heap.set(LIMBO_NEW_COUNT, 0);
    heap.endMaintenance(false);
    this.released = false;
  }

  private drain(budget: number): boolean {
    const heap = this.heap;
    heap.begin();
    let ref = heap.i32[LIMBO_OLD] as number;
    heap.save(LIMBO_OLD);
    for (let count = 0; ref !== 0 && count < budget; count++) {
      const next = heap.i32[ref - 1] as number;
      releaseBlock(heap, ref);
      ref = next;
    }
    heap.i32[LIMBO_OLD] = ref;
    heap.endMaintenance(false);
    return ref !== 0;
  }

  private noOlderPin(): boolean {
    const i32 = this.heap.i32;
    const epoch = i32[LIMBO_EPOCH] as number;
    let isFree = true;
    // All slots at each look: the times of many hung readers run side by side.
    for (let slot = 0; slot < this.oldPins.length; slot++) {
      const index = PINS + slot * PIN_WORDS;
      const pin = Atomics.load(i32, index);
      if (pin === PIN_IDLE || pin === PIN_REVOKED || ((pin - epoch) | 0) >= 0) this.oldPins[slot] = PIN_IDLE;
      else if (!this.revokeWhenOld(index, slot, pin)) isFree = false;
    }
    return isFree;
  }

  private revokeWhenOld(index: number, slot: number, pin: number): boolean {
    const nowMs = performance.now();
    if (this.oldPins[slot] !== pin) {
      this.oldPins[slot] = pin;
      this.oldSinceMs[slot] = nowMs;
      return false;
    }
    if (nowMs - (this.oldSinceMs[slot] as number) < PIN_AGE_MAX_MS) return false;
    Atomics.compareExchange(this.heap.i32, index, pin, PIN_REVOKED);
    this.oldPins[slot] = PIN_IDLE;
    return true;
  }
}
