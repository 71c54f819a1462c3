// Random histories of the allocator beside a plain Map of blocks: turns that are committed, thrown away, or cut by the
// writer's death before a store taken at random; reclamation that dies likewise; a reader's pin that comes and goes.
// SPACEGRID_SEED repeats a run, SPACEGRID_LONG=10 makes it ten times as long.
import { afterEach, describe, expect, it } from 'vitest';
import { CapacityError } from '../../src/errors/grid-errors.ts';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { PIN_WORDS, PINS } from '../../src/memory/heap-words.ts';
import { PIN_REVOKED } from '../../src/memory/pin-word.ts';
import { ReaderPin } from '../../src/memory/pins.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { diesBefore, unwatch } from '../memory/every-store.ts';
import { takeHeapCensus } from '../memory/heap-census.ts';

const factor = Number(process.env.SPACEGRID_LONG ?? 1);
const PAGES = 512;
const PIN_SLOT = 3;
const PIN = PINS + PIN_SLOT * PIN_WORDS;

afterEach(() => unwatch());

/** Blocks by reference, with their length and the mark that fills them. */
type Blocks = Map<number, { words: number; mark: number }>;

interface Mix {
  readonly turns: number;
  /** Words to ask for. */
  readonly words: (random: SeededRandom) => number;
  /** Free runs that there are at some time, at least. */
  readonly runs: number;
}

const mixes: Record<string, Mix> = {
  'blocks of all sizes': {
    turns: 2500 * factor,
    words: (random) => (random.chance(80) ? random.below(520) : random.below(40 * 1024)),
    runs: 4,
  },
  'small blocks': { turns: 1500 * factor, words: (random) => random.below(60), runs: 1 },
  'runs of pages': { turns: 2500 * factor, words: (random) => 508 + random.below(70 * 1024), runs: 8 },
};

class AllocatorHistory {
  heap: Heap;
  deaths: number;
  refusals: number;
  mostRuns: number;
  private readonly random: SeededRandom;
  private readonly mix: Mix;
  private blocks: Blocks;
  private mark: number;
  private pinned: Blocks | undefined;
  private pin: ReaderPin;

  constructor(random: SeededRandom, mix: Mix) {
    this.heap = new Heap(createHeapBuffer({ maxBytes: PAGES * 4096, journalBytes: 256 * 1024 }));
    this.deaths = 0;
    this.refusals = 0;
    this.mostRuns = 0;
    this.random = random;
    this.mix = mix;
    this.blocks = new Map();
    this.mark = 1;
    this.pinned = undefined;
    this.pin = new ReaderPin(new Heap(this.heap.buffer), PIN_SLOT);
  }

  run(): void {
    for (let turn = 0; turn < this.mix.turns; turn++) {
      if (this.random.chance(5)) this.lookOrLeave();
      this.turn();
      for (let step = this.random.below(4); step > 0; step--) this.maintain();
      if (turn % 50 === 0) this.check();
    }
    this.check();
  }

  /** Frees everything; all pages are one run then. */
  drain(): void {
    if (this.pinned !== undefined) this.lookOrLeave();
    const { heap } = this;
    for (const ref of [...this.blocks.keys()]) {
      heap.begin();
      heap.free(ref);
      heap.commit();
    }
    this.blocks.clear();
    // The last few freed blocks wait for company.
    heap.begin();
    for (let count = 0; count < 64; count++) heap.free(heap.alloc(1));
    heap.commit();
    for (let step = 0; step < 500; step++) heap.maintain(1000);
    const census = takeHeapCensus(heap);
    // One slab with room stays for each size of block.
    expect(census.usedPages).toBeLessThanOrEqual(30);
    expect(census.blocks.size).toBe(0);
  }

  private turn(): void {
    const { random } = this;
    const after: Blocks = new Map(this.blocks);
    const run = (): void => {
      const { heap } = this;
      heap.begin();
      for (let count = 1 + random.below(6); count > 0; count--) this.operate(after);
      heap.commit();
    };
    const end = random.below(10);
    const sequence = this.heap.sequence();
    try {
      if (end < 2) {
        if (diesBefore(this.heap, random.below(120), run)) this.succeed();
      } else if (end < 3) {
        const { heap } = this;
        heap.begin();
        for (let count = random.below(6); count > 0; count--) this.operate(after);
        heap.rollback();
      } else {
        run();
      }
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
      this.refusals++;
      this.heap.rollback();
    }
    if (this.heap.sequence() > sequence) this.blocks = after;
    // Undoing has revoked the pin; its holder drops what it read.
    else this.forgetRevoked();
  }

  private operate(blocks: Blocks): void {
    const { heap, random } = this;
    const grows = blocks.size < 200 || (blocks.size < 600 && random.chance(50));
    if (grows && random.chance(65)) {
      const words = this.mix.words(random);
      const ref = heap.alloc(words);
      expect(ref % 4).toBe(0);
      expect(blocks.has(ref)).toBe(false);
      expect(heap.capacityOf(ref)).toBeGreaterThanOrEqual(words);
      const mark = this.mark++;
      const capacity = heap.capacityOf(ref);
      blocks.set(ref, { words: capacity, mark });
      heap.i32.fill(mark, ref, ref + capacity);
    } else if (blocks.size > 0) {
      const ref = [...blocks.keys()][random.below(blocks.size)] as number;
      heap.free(ref);
      blocks.delete(ref);
    }
  }

  private maintain(): void {
    const budget = 1 + this.random.below(200);
    if (this.random.chance(15)) {
      if (diesBefore(this.heap, this.random.below(300), () => this.heap.maintain(budget))) this.succeed();
    } else {
      this.heap.maintain(budget);
    }
  }

  private succeed(): void {
    this.deaths++;
    this.heap = new Heap(this.heap.buffer);
    this.heap.recover();
    this.forgetRevoked();
  }

  private forgetRevoked(): void {
    if (this.pinned === undefined || this.heap.load(PIN) !== PIN_REVOKED) return;
    expect(this.pin.leave()).toBe(false);
    this.pinned = undefined;
  }

  /** A reader comes and looks at all blocks, or finds them as they were and goes. */
  private lookOrLeave(): void {
    if (this.pinned === undefined) {
      this.pin.enter();
      this.pinned = new Map(this.blocks);
      return;
    }
    const isRevoked = this.heap.load(PIN) === PIN_REVOKED;
    if (!isRevoked) checkMarks(this.heap, this.pinned);
    expect(this.pin.leave()).toBe(!isRevoked);
    this.pinned = undefined;
  }

  private check(): void {
    const census = takeHeapCensus(this.heap);
    this.mostRuns = Math.max(this.mostRuns, census.freeRuns.length);
    for (const ref of this.blocks.keys()) expect(census.blocks.has(ref)).toBe(true);
    checkMarks(this.heap, this.blocks);
  }
}

function checkMarks(heap: Heap, blocks: Blocks): void {
  for (const [ref, { words, mark }] of blocks) {
    for (let word = ref; word < ref + words; word++) {
      if (heap.i32[word] !== mark) throw new Error(`block ${ref} holds ${heap.i32[word]} instead of ${mark}`);
    }
  }
}

describe('the allocator against a plain Map', () => {
  for (const [name, mix] of Object.entries(mixes)) {
    it(`agrees after random histories of ${name}`, { timeout: 60_000 * factor }, () => {
      const random = new SeededRandom();
      const history = new AllocatorHistory(random, mix);
      try {
        history.run();
        expect(history.deaths).toBeGreaterThan(mix.turns / 20);
        expect(history.mostRuns).toBeGreaterThanOrEqual(mix.runs);
        if (name === 'runs of pages') expect(history.refusals).toBeGreaterThan(0);
        history.drain();
      } catch (error) {
        throw new Error(`seed ${random.seed}`, { cause: error });
      }
    });
  }
});
