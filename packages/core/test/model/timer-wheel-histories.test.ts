/** Random histories of a timer wheel beside a plain map of times, with turns that are undone, and successors. */
import { expect, it } from 'vitest';
import { Heap } from '../../src/memory/heap.ts';
import { createHeapBuffer } from '../../src/memory/heap-layout.ts';
import { NODE_LINK, NODE_WORDS, unlinkNode } from '../../src/structures/timer-wheel/timer-node.ts';
import { TICK_MS, TimerWheel } from '../../src/structures/timer-wheel/timer-wheel.ts';
import { SeededRandom } from '../hot-map/seeded-random.ts';
import { takeWheelCensus } from '../timer-wheel/wheel-census.ts';

const START_MS = 1_767_225_600_123;
const NODES = 120;
const factor = Number(process.env['SPACEGRID_LONG'] ?? 1);

/** From milliseconds to more than the wheel's reach. */
const SPANS = [300, 5000, 60_000, 3_600_000, 86_400_000, 90 * 86_400_000, 20 * 365 * 86_400_000];

class History {
  private readonly random: SeededRandom;
  private readonly heap: Heap;
  private wheel: TimerWheel;
  private readonly nodes: readonly number[];
  /** When hung nodes are due, as of the last commit. */
  private due = new Map<number, number>();
  private nowMs = START_MS;
  told = 0;

  constructor(random: SeededRandom) {
    this.random = random;
    this.heap = new Heap(createHeapBuffer({ maxBytes: 16 * 1024 * 1024, journalBytes: 256 * 1024 }));
    this.heap.begin();
    this.wheel = new TimerWheel(this.heap, TimerWheel.create(this.heap, START_MS));
    this.nodes = Array.from({ length: NODES }, () => {
      const node = this.heap.alloc(NODE_WORDS);
      this.heap.i32.fill(0, node, node + NODE_WORDS);
      return node;
    });
    this.heap.commit();
  }

  run(steps: number): void {
    const { random } = this;
    for (let step = 0; step < steps; step++) {
      if (random.chance(60)) this.turn();
      if (random.chance(30)) this.nowMs += random.below(SPANS[random.below(6)] as number);
      if (random.chance(3)) this.wheel = new TimerWheel(this.heap, this.wheel.ref);
      if (random.chance(40)) this.settle();
    }
  }

  private turn(): void {
    const { heap, random } = this;
    const before = new Map(this.due);
    heap.begin();
    for (let count = 1 + random.below(8); count > 0; count--) this.change();
    if (random.chance(20)) {
      heap.rollback();
      this.due = before;
    } else heap.commit();
    this.compare();
  }

  private change(): void {
    const { heap, random, due, wheel, nowMs } = this;
    const node = this.nodes[random.below(NODES)] as number;
    const before = due.get(node);
    if (before === undefined) {
      const at = nowMs - 1000 + random.below(SPANS[random.below(SPANS.length)] as number);
      wheel.insert(node, at, nowMs);
      due.set(node, at);
    } else if (random.chance(30)) {
      unlinkNode(heap, node);
      due.delete(node);
    } else if (before > nowMs) {
      // A read puts it off; it goes on hanging where it hangs.
      due.set(
        node,
        random.chance(3) ? Number.POSITIVE_INFINITY : before + random.below(SPANS[random.below(4)] as number),
      );
    }
  }

  private settle(): void {
    const { heap, random, due, wheel, nowMs } = this;
    const budget = 1 + random.below(40);
    // Bound: each node is hung anew at most four times, and those put off once more.
    for (let more = true, steps = 0; more; steps++) {
      if (steps > NODES * 6) throw new Error('the wheel comes to no end');
      heap.begin();
      more = wheel.settle(nowMs, budget, (node) => due.get(node) as number);
      heap.endMaintenance();
    }
    const lists = takeWheelCensus(heap, wheel.ref);
    const told = [...lists].filter(([, list]) => list === 0).map(([node]) => node);
    for (const node of told) {
      if ((due.get(node) as number) > nowMs)
        throw new Error(`a node was told of ${(due.get(node) as number) - nowMs} ms early`);
    }
    for (const [node, at] of due) {
      if (at === Number.POSITIVE_INFINITY && !lists.has(node)) due.delete(node);
      else if (Math.ceil(at / TICK_MS) * TICK_MS <= nowMs && !told.includes(node))
        throw new Error(`a node was not told of ${nowMs - at} ms after its time`);
    }
    this.told += told.length;
    heap.begin();
    for (const node of told) {
      unlinkNode(heap, node);
      due.delete(node);
    }
    heap.commit();
    this.compare();
  }

  private compare(): void {
    const lists = takeWheelCensus(this.heap, this.wheel.ref);
    expect(new Set(lists.keys())).toEqual(new Set(this.due.keys()));
    const next = Math.min(...this.due.values());
    if (this.wheel.nextAt > next + TICK_MS)
      throw new Error(`the wheel is asked ${this.wheel.nextAt - next} ms after a node's time`);
    for (const node of this.nodes) {
      if (!this.due.has(node) && this.heap.i32[node + NODE_LINK] !== 0)
        throw new Error('a node that was taken out seems to hang');
    }
  }
}

it(
  'tells of each node within a tick of its time, and of none before',
  () => {
    const random = new SeededRandom();
    process.stderr.write(`timer wheel histories: SPACEGRID_SEED=${random.seed}\n`);
    let told = 0;
    for (let history = 0; history < 40 * factor; history++) {
      const one = new History(random);
      one.run(400);
      told += one.told;
    }
    expect(told).toBeGreaterThan(1000);
  },
  20_000 * factor,
);

it('tells of what ends behind it by the clock, when the clock was set back', () => {
  const heap = new Heap(createHeapBuffer({ maxBytes: 16 * 1024 * 1024 }));
  heap.begin();
  const wheel = new TimerWheel(heap, TimerWheel.create(heap, START_MS));
  const [over, coming] = [0, 1].map(() => {
    const node = heap.alloc(NODE_WORDS);
    heap.i32.fill(0, node, node + NODE_WORDS);
    return node;
  }) as [number, number];
  const backMs = START_MS - 3_600_000;
  wheel.insert(over, backMs - 1, backMs);
  wheel.insert(coming, backMs + 5000, backMs);
  heap.commit();
  expect([...takeWheelCensus(heap, wheel.ref)].filter(([, list]) => list === 0)).toEqual([[over, 0]]);
  heap.begin();
  unlinkNode(heap, over);
  heap.commit();
  // Nothing to do before: asking again and again would keep the thread awake.
  expect(wheel.nextAt).toBeGreaterThan(backMs);
  heap.begin();
  wheel.settle(START_MS + TICK_MS, 10, () => backMs + 5000);
  heap.commit();
  expect(wheel.firstDue).toBe(coming);
});
