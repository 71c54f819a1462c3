/**
 * One partition's memory: a growable SharedArrayBuffer seen as words.
 *
 * Roles: one writer thread (the partition's) calls everything; any other thread holds a Heap of its own over the same
 * buffer and calls only `load`, `cover`, `sequence` and reads of the views.
 *
 * THE ONE RULE, from which rollback and crash safety follow. A word that survives a turn is either saved in the rollback
 * journal before it is changed (`set`, `publish`), or lies in a block that was allocated in this turn and is not yet
 * reachable by readers. The journal pair is written, then counted, then the word is changed: three stores in program
 * order by one thread. That thread's death happens between two of its own stores, and a successor starts after the exit
 * event, which orders all of them before it. So at any death each changed word has its old value in the journal; undoing
 * from the end restores the state before the turn, and doing it twice gives the same.
 *
 * Publication (any architecture):
 *   1. a block is filled by plain stores while no reader can reach it;
 *   2. `publish` stores its reference with Atomics.store: release, so 1 is visible to whoever reads that value;
 *   3. a reader takes the reference with `load` (Atomics.load: acquire) and reads the block plainly;
 *   4. the block is not changed any more; it is freed after being unlinked by another `publish`, and its memory is reused
 *      only when no pin is older than that (see reclamation.ts). So 3 reads what 1 wrote.
 * Commit: `commit` stores SEQUENCE_LOW with Atomics.store after all stores of the turn; who loads it sees the whole turn.
 *
 * Views have a fixed length, as fast as plain arrays, and are remade when the heap has grown: re-read `heap.i32` after
 * `alloc` and after `cover`. A reader that loads a reference past its views must `cover` it before following it.
 */
import { assert } from '../assert.ts';
import { CapacityError, ChangeSetTooLargeError } from '../errors/grid-errors.ts';
import { allocateBlock, capacityOfBlock, pagesOfBlock } from './block-allocator.ts';
import { growBuffer } from './heap-layout.ts';
import {
  ANSWERED_LOW,
  EPOCH,
  FORMAT,
  GRAVES,
  HEAP_FORMAT,
  HEAP_MAGIC,
  JOURNAL,
  JOURNAL_CAPACITY,
  JOURNAL_COUNT,
  JOURNAL_SEQUENCE,
  LIMBO_HOLD,
  LIMBO_NEW,
  LIMBO_NEW_COUNT,
  MAGIC,
  PAGE_COUNT_MAX,
  PAGE_TABLE,
  PAGE_WORDS,
  PAGES,
  PAGES_USED,
  PARTITION,
  ROOT_COUNT,
  ROOTS,
  SEQUENCE_HALVES,
  SEQUENCE_LOW,
} from './heap-words.ts';
import { pinOf } from './pin-word.ts';
import { Reclamation } from './reclamation.ts';
import { halvesOf, loadSequence } from './sequence-words.ts';

const RELIEF_STEPS = 8;
const RELIEF_BUDGET = 64;
/** Freed blocks from which on a turn does not begin before some are given back, in steps of as many. */
const CATCH_UP_BLOCKS = 256;
/** At most 8,192 blocks, half a millisecond, before one turn. */
const CATCH_UP_STEPS_MAX = 32;

export interface HeapLimits {
  /**
   * Asked before the heap takes so many more bytes from the system; false refuses them, and where the least that will do is
   * refused too, with CapacityError. Told as many bytes below 0 when the system had none to give. Default: always true.
   */
  readonly mayGrow?: (additionalBytes: number) => boolean;
}

export class Heap {
  i32: Int32Array;
  f64: Float64Array;
  u8: Uint8Array;
  readonly buffer: SharedArrayBuffer;
  readonly partition: number;
  readonly pageTable: number;
  readonly pages: number;
  readonly pageCountMax: number;
  /** True between begin and commit or rollback. Writer only. */
  open: boolean;
  /** True when the open turn may use the reserve (page-allocator.ts). Writer only. */
  takesReserve: boolean;
  /** An allocation was refused since memory was last given back. Writer only. */
  isStarved: boolean;
  /** The committed sequence as the writer counts it: `sequence()` without atomic loads. Writer only, after `recover`. */
  committed: number;
  private journalCount: number;
  private readonly journalCapacity: number;
  private readonly mayGrow: (additionalBytes: number) => boolean;
  private readonly reclamation: Reclamation;

  constructor(buffer: SharedArrayBuffer, limits: HeapLimits = {}) {
    const words = buffer.byteLength >>> 2;
    this.i32 = new Int32Array(buffer, 0, words);
    this.f64 = new Float64Array(buffer, 0, words >>> 1);
    this.u8 = new Uint8Array(buffer, 0, words * 4);
    this.buffer = buffer;
    assert(this.i32[MAGIC] === HEAP_MAGIC, 'the buffer is a partition heap');
    assert(this.i32[FORMAT] === HEAP_FORMAT, 'the heap has the format of this code');
    this.partition = this.i32[PARTITION] as number;
    this.pageTable = this.i32[PAGE_TABLE] as number;
    this.pages = this.i32[PAGES] as number;
    this.pageCountMax = this.i32[PAGE_COUNT_MAX] as number;
    this.open = false;
    this.takesReserve = false;
    this.isStarved = false;
    this.committed = 0;
    this.journalCount = 0;
    this.journalCapacity = this.i32[JOURNAL_CAPACITY] as number;
    this.mayGrow = limits.mayGrow ?? (() => true);
    this.reclamation = new Reclamation(this);
    this.committed = this.sequence();
  }

  // ---- any thread ----

  /** Observe: reads a published word. A reference must go through `cover` before it is followed. */
  load(index: number): number {
    return Atomics.load(this.i32, index);
  }

  /** Remakes this thread's views when `ref` lies beyond them. */
  cover(ref: number): void {
    if (ref >= this.i32.length) this.remakeViews();
  }

  /** The committed sequence; a number, gap-free, from 0 (nothing committed) on. */
  sequence(): number {
    return loadSequence(this.i32, SEQUENCE_LOW, SEQUENCE_HALVES);
  }

  /** Index of the named root word, for `load` and `publish`. */
  root(slot: number): number {
    assert(slot >= 0 && slot < ROOT_COUNT, 'the root slot exists');
    return ROOTS + slot;
  }

  /** Bytes of 4 KiB pages handed out to blocks. */
  usedBytes(): number {
    return (this.i32[PAGES_USED] as number) * 4096;
  }

  /** Bytes of the pages that the heap has taken from the system, used or free. */
  pageBytes(): number {
    return (this.buffer.byteLength >>> 2) * 4 - this.pages * 4;
  }

  // ---- writer: turns ----

  begin(): void {
    assert(!this.open, 'turns of a partition do not overlap');
    const i32 = this.i32;
    i32[JOURNAL_SEQUENCE] = ((i32[SEQUENCE_LOW] as number) + 1) | 0;
    this.takesReserve = false;
    this.open = true;
  }

  /** THE commit point: one atomic store makes everything since `begin` permanent. */
  commit(): void {
    assert(this.open, 'a turn is open');
    const i32 = this.i32;
    const low = ((i32[SEQUENCE_LOW] as number) + 1) | 0;
    if ((low & 0x7fffffff) === 0) this.publish(SEQUENCE_HALVES, halvesOf(this.committed + 1));
    // Publish: pairs with the loads of SEQUENCE_LOW in pins, outbox reader and `sequence`.
    Atomics.store(i32, SEQUENCE_LOW, low);
    i32[JOURNAL_COUNT] = 0;
    this.journalCount = 0;
    this.committed++;
    this.open = false;
  }

  /** Restores every word changed since `begin`. Needs no memory. */
  rollback(): void {
    assert(this.open, 'a turn is open');
    this.undo();
    this.open = false;
  }

  /** A successor calls this once, before anything else: undoes the turn during which its predecessor died. True if there was one. */
  recover(): boolean {
    const i32 = this.i32;
    this.journalCount = i32[JOURNAL_COUNT] as number;
    this.open = false;
    if (this.journalCount === 0) {
      this.committed = this.sequence();
      return false;
    }
    if (i32[JOURNAL_SEQUENCE] === i32[SEQUENCE_LOW]) {
      // The turn was committed; only the count was not cleared.
      i32[JOURNAL_COUNT] = 0;
      this.journalCount = 0;
      this.committed = this.sequence();
      return false;
    }
    this.undo();
    // Only now: the halves may have been raised in the turn that is undone.
    this.committed = this.sequence();
    return true;
  }

  /**
   * Ends a bracket of internal changes between turns: journalled alike, but it takes no sequence. What it unlinked and freed
   * is reused after the next commit at the earliest: the present sequence does not say who came after it. False for
   * `unlinks` where everything freed was unlinked by a turn.
   */
  endMaintenance(unlinks: boolean = true): void {
    assert(this.open, 'a maintenance bracket is open');
    if (unlinks) this.i32[LIMBO_HOLD] = pinOf(((this.i32[SEQUENCE_LOW] as number) + 1) | 0);
    this.i32[JOURNAL_COUNT] = 0;
    this.journalCount = 0;
    this.open = false;
  }

  /** True when the open turn has changed something that survives it. */
  changed(): boolean {
    return this.journalCount !== 0;
  }

  /**
   * Sets the sequence and epoch that a store gave back, in a heap that was loaded from it and has committed nothing. All of it
   * or nothing, should the thread die in it: a turn whose commit takes this sequence.
   */
  restoreSequence(sequence: number, epoch: number): void {
    assert(!this.open && this.sequence() === 0, 'only a heap without turns takes over a sequence');
    const i32 = this.i32;
    this.begin();
    this.set(EPOCH, epoch);
    this.set(ANSWERED_LOW, sequence | 0);
    this.publish(SEQUENCE_HALVES, halvesOf(sequence));
    // From here on `recover` sees a committed turn once the low word is this; of a multiple of 2³² it is already.
    i32[JOURNAL_SEQUENCE] = sequence | 0;
    Atomics.store(i32, SEQUENCE_LOW, sequence | 0);
    i32[JOURNAL_COUNT] = 0;
    this.journalCount = 0;
    this.committed = sequence;
    this.open = false;
  }

  // ---- writer: words ----

  /** Journalled plain store. */
  set(index: number, value: number): void {
    this.save(index);
    this.i32[index] = value;
  }

  /** Journalled atomic store, for words that readers take with `load`. */
  publish(index: number, value: number): void {
    this.save(index);
    Atomics.store(this.i32, index, value);
  }

  /** Saves a word in the rollback journal; the caller then changes it. */
  save(index: number): void {
    const i32 = this.i32;
    const count = this.journalCount;
    if (count === this.journalCapacity) {
      throw new ChangeSetTooLargeError(
        `a turn of partition ${this.partition} changes more than ${this.journalCapacity} words: write in smaller turns, or raise journalBytes`,
      );
    }
    const at = JOURNAL + count * 2;
    i32[at] = index;
    i32[at + 1] = i32[index] as number;
    i32[JOURNAL_COUNT] = count + 1;
    this.journalCount = count + 1;
  }

  // ---- writer: blocks ----

  /**
   * A block of at least `words` words; its contents are arbitrary. Reference: 16-byte aligned word index. May remake the
   * views. Throws CapacityError at the heap's or the grid's budget.
   */
  alloc(words: number): number {
    return allocateBlock(this, words);
  }

  /** For what takes something away by writing copies: from here on the open turn may use the pages that others leave free. */
  takeReserve(): void {
    assert(this.open, 'a turn is open');
    this.takesReserve = true;
  }

  /** How many words the block at `ref` really holds (at least what was asked). */
  capacityOf(ref: number): number {
    return capacityOfBlock(this, ref);
  }

  /** Gives a block back when the turn commits; its memory is reused once no reader can hold it. */
  free(ref: number): void {
    assert(this.open, 'blocks are freed inside a turn');
    const header = ref - 1;
    this.set(header, this.i32[LIMBO_NEW] as number);
    this.set(LIMBO_NEW, ref);
    // A run of pages weighs as much as it holds, so that large blocks do not wait for company.
    const weight = (ref & (PAGE_WORDS - 1)) === 4 ? pagesOfBlock(this, ref) : 1;
    this.set(LIMBO_NEW_COUNT, (this.i32[LIMBO_NEW_COUNT] as number) + weight);
  }

  /** Hands an unlinked structure to the graveyard (see graveyard.ts): O(1) here, freed in bounded steps after the commit. */
  retire(kind: number, ref: number): void {
    const head = GRAVES + kind;
    this.set(ref - 1, this.i32[head] as number);
    this.set(head, ref);
  }

  /** Reclaims memory between turns, at most about `budget` blocks. True when more is left to do now. */
  maintain(budget: number): boolean {
    assert(!this.open, 'memory is reclaimed between turns');
    // Bound: a step fits the rollback journal. Freeing a block takes at most 23 pairs, when pages merge with both neighbours.
    return this.reclamation.step(Math.min(budget, this.journalCapacity >>> 5));
  }

  /**
   * Between turns: keeps pace with turns that free much, of which hundreds may come before the next look at the memory (a ranking
   * being filled would take eleven times what it holds), and once memory was refused or taken from the reserve gives back what no
   * reader holds. A few bounded steps.
   */
  relieve(): void {
    const freed = this.i32[LIMBO_NEW_COUNT] as number;
    // Bound: the steps grow with what was freed since the last flip, so the older list is drained before the newer gets long.
    for (let left = Math.min(Math.floor(freed / CATCH_UP_BLOCKS), CATCH_UP_STEPS_MAX); left > 0; left--)
      if (!this.maintain(CATCH_UP_BLOCKS)) break;
    if (!this.isStarved) return;
    for (let step = 0; step < RELIEF_STEPS && this.maintain(RELIEF_BUDGET); step++);
  }

  /** Makes words up to `words` exist. Throws CapacityError at the limit. */
  ensure(words: number): void {
    if (words <= this.i32.length) return;
    if (!growBuffer(this.buffer, this.pages, words, this.mayGrow)) {
      this.isStarved = true;
      const additional = words * 4 - this.buffer.byteLength;
      throw new CapacityError(
        `partition ${this.partition} has no room for ${additional} more bytes: it holds ${this.usedBytes()} and may hold ${this.pageCountMax * 4096}`,
      );
    }
    this.remakeViews();
  }

  get epoch(): number {
    return Atomics.load(this.i32, EPOCH);
  }

  private undo(): void {
    const i32 = this.i32;
    for (let at = JOURNAL + (this.journalCount - 1) * 2; at >= JOURNAL; at -= 2) {
      Atomics.store(i32, i32[at] as number, i32[at + 1] as number);
    }
    // Publish: same value, so that readers that pin from here on see every restored word, tags included.
    Atomics.store(i32, SEQUENCE_LOW, i32[SEQUENCE_LOW] as number);
    // Blocks of the undone turn are free again at once; a peek that may have seen them drops its result and is repeated.
    // Before the count is cleared: a death in between leaves it to the successor, which undoes again.
    if (this.journalCount !== 0) this.reclamation.revokeAll();
    i32[JOURNAL_COUNT] = 0;
    this.journalCount = 0;
  }

  private remakeViews(): void {
    const words = this.buffer.byteLength >>> 2;
    this.i32 = new Int32Array(this.buffer, 0, words);
    this.f64 = new Float64Array(this.buffer, 0, words >>> 1);
    this.u8 = new Uint8Array(this.buffer, 0, words * 4);
  }
}
