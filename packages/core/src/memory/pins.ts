/**
 * A reader thread's presence in one partition heap: the line of words it owns.
 *
 * Roles: the reader stores its pin and takes it away by compare-and-set; the writer reads all pins and may revoke one.
 * Progress: wait-free. A pin tells the writer which committed sequence the reader may still be looking at.
 *
 * Why reused memory is never read by a pin that holds:
 *   1. the reader stores its pin (sequentially consistent), then loads SEQUENCE_LOW, then reads;
 *   2. the writer unlinks a block, commits (stores SEQUENCE_LOW), and only then looks at the pins before reusing it;
 *   3. if the writer's look comes before the reader's store, then its commit came before the reader's load, which sees it,
 *      and with it the unlinking: the reader can't reach the block;
 *   4. otherwise the writer sees the pin. It is at most the sequence the reader loaded, so anything unlinked later waits.
 * `leave` fails when the writer has revoked the pin: what was read may be garbage and must be dropped.
 */
import type { Heap } from './heap.ts';
import { PIN_COUNT, PIN_WORDS, PINS, SEQUENCE_LOW } from './heap-words.ts';
import { PIN_IDLE, pinOf } from './pin-word.ts';

export class ReaderPin {
  private readonly heap: Heap;
  private readonly index: number;
  private value: number;

  /** @param slot the calling thread's number, from 0; one thread, one slot. */
  constructor(heap: Heap, slot: number) {
    if (!(slot >= 0 && slot < (heap.i32[PIN_COUNT] as number))) throw new RangeError(`pin slot ${slot} does not exist`);
    this.heap = heap;
    this.index = PINS + slot * PIN_WORDS;
    this.value = PIN_IDLE;
  }

  /** From here to `leave`, blocks that are reachable now stay as they are. */
  enter(): void {
    const i32 = this.heap.i32;
    this.value = pinOf(i32[SEQUENCE_LOW] as number);
    Atomics.store(i32, this.index, this.value);
    Atomics.load(i32, SEQUENCE_LOW);
  }

  /** False when the writer revoked the pin meanwhile: drop what was read. */
  leave(): boolean {
    const i32 = this.heap.i32;
    if (Atomics.compareExchange(i32, this.index, this.value, PIN_IDLE) === this.value) return true;
    Atomics.store(i32, this.index, PIN_IDLE);
    return false;
  }
}

/** Releases the pin of a thread that died inside a peek. Called by the supervisor. */
export function releasePin(heap: Heap, slot: number): void {
  Atomics.store(heap.i32, PINS + slot * PIN_WORDS, PIN_IDLE);
}
