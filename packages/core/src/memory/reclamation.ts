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
  LIMBO_NEW,
  LIMBO_NEW_COUNT,
  LIMBO_OLD,
  PIN_COUNT,
  PIN_WORDS,
  PINS,
  SEQUENCE_LOW,
} from './heap-words.ts';
import { PIN_IDLE, PIN_REVOKED, pinOf } from './pin-word.ts';

/** Fewer freed blocks than this wait for company, so that one look at the pins serves many. */
const FLIP_BLOCKS = 64;
const PIN_AGE_MAX_MS = 100;

export class Reclamation {
  private readonly heap: HeapPort;
  /** True once no pin is older than the old list; a successor looks again. */
  private released: boolean;
  private blockedSinceMs: number;
  private blockedSlot: number;
  private blockedPin: number;

  constructor(heap: HeapPort) {
    this.heap = heap;
    this.released = false;
    this.blockedSinceMs = 0;
    this.blockedSlot = -1;
    this.blockedPin = PIN_IDLE;
  }

  /** One bounded step. True when more can be done at once. */
  step(budget: number): boolean {
    const i32 = this.heap.i32;
    if (i32[LIMBO_OLD] !== 0) {
      if (!this.released && !this.noOlderPin()) return stepGraves(this.heap, budget);
      this.released = true;
      return this.drain(budget) || (i32[LIMBO_NEW_COUNT] as number) >= FLIP_BLOCKS || hasGraves(this.heap);
    }
    if ((i32[LIMBO_NEW_COUNT] as number) >= FLIP_BLOCKS) {
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

  private flip(): void {
    const heap = this.heap;
    heap.begin();
    heap.set(LIMBO_EPOCH, pinOf(heap.i32[SEQUENCE_LOW] as number));
    heap.set(LIMBO_OLD, heap.i32[LIMBO_NEW] as number);
    heap.set(LIMBO_NEW, 0);
    heap.set(LIMBO_NEW_COUNT, 0);
    heap.endMaintenance();
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
    heap.endMaintenance();
    return ref !== 0;
  }

  private noOlderPin(): boolean {
    const i32 = this.heap.i32;
    const epoch = i32[LIMBO_EPOCH] as number;
    const count = i32[PIN_COUNT] as number;
    for (let slot = 0; slot < count; slot++) {
      const index = PINS + slot * PIN_WORDS;
      const pin = Atomics.load(i32, index);
      if (pin === PIN_IDLE || pin === PIN_REVOKED || ((pin - epoch) | 0) >= 0) continue;
      if (!this.revokeWhenOld(index, slot, pin)) return false;
    }
    this.blockedSlot = -1;
    return true;
  }

  private revokeWhenOld(index: number, slot: number, pin: number): boolean {
    const nowMs = performance.now();
    if (this.blockedSlot !== slot || this.blockedPin !== pin) {
      this.blockedSlot = slot;
      this.blockedPin = pin;
      this.blockedSinceMs = nowMs;
      return false;
    }
    if (nowMs - this.blockedSinceMs < PIN_AGE_MAX_MS) return false;
    Atomics.compareExchange(this.heap.i32, index, pin, PIN_REVOKED);
    this.blockedSlot = -1;
    return true;
  }
}
