/** Random histories of a ring, with successors on both sides, against a plain queue. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { START_CANCELLED } from '../../src/messages/ring-consumer.ts';
import { STARTS_MAX } from '../../src/messages/ring-layout.ts';
import { RingFixture } from '../unit/messages-fixtures.ts';

interface Entry {
  readonly number: number;
  readonly ticket: number;
  state: 'waiting' | 'started' | 'done' | 'cancelled';
  starts: number;
  published: boolean;
}

interface Taken {
  readonly frame: number;
  readonly entry: Entry;
}

class Model {
  readonly ring: RingFixture;
  /** All that was pushed and is not done, in order. */
  entries: Entry[] = [];
  /** What the consumer holds, and how far it has taken. */
  inHand: Taken[] = [];
  taken: Entry[] = [];
  old: Entry[] = [];
  pushed = 0;

  constructor(position: number) {
    this.ring = new RingFixture(1024, position, 64 * 1024, 16 * 1024);
  }

  push(words: number): void {
    this.note(this.ring.push(this.pushed, words), words * 4);
  }

  pushBulk(bytes: number): void {
    this.note(this.ring.pushBulk(this.pushed, bytes), 24);
  }

  publish(): void {
    const some = this.entries.some((entry) => !entry.published);
    expect(this.ring.producer.publish()).toBe(some);
    for (const entry of this.entries) entry.published = true;
  }

  take(): void {
    const frame = this.ring.consumer.next();
    const expected = this.entries.find(
      (entry) =>
        entry.published && !this.taken.includes(entry) && (entry.state === 'waiting' || entry.state === 'started'),
    );
    if (expected === undefined) {
      expect(frame).toBe(-1);
      return;
    }
    expect(this.ring.read(frame)).toBe(expected.number);
    // Frames before it were cancelled before they were taken: passed over for good.
    const index = this.entries.indexOf(expected);
    this.entries.slice(0, index + 1).forEach((entry) => {
      if (!this.taken.includes(entry)) this.taken.push(entry);
    });
    this.inHand.push({ frame, entry: expected });
  }

  start(choice: number): void {
    const held = this.choose(this.inHand, choice);
    if (held === undefined || this.startedHere.has(held.entry)) return;
    const { frame, entry } = held;
    const result = this.ring.consumer.start(frame);
    if (entry.state === 'cancelled') expect(result).toBe(START_CANCELLED);
    else {
      expect(result).toBe(entry.starts);
      entry.starts = Math.min(STARTS_MAX, entry.starts + 1);
      entry.state = 'started';
    }
    this.startedHere.add(entry);
  }

  finish(choice: number): void {
    const held = this.choose(this.inHand, choice);
    if (held === undefined) return;
    this.start(choice);
    this.ring.consumer.finish(held.frame);
    held.entry.state = 'done';
    this.inHand.splice(this.inHand.indexOf(held), 1);
    this.entries.splice(this.entries.indexOf(held.entry), 1);
    this.old.push(held.entry);
  }

  release(): void {
    this.ring.consumer.release();
    expect(this.ring.pressure.bytes).toBeLessThanOrEqual(1024);
    for (const { frame, entry } of this.inHand) expect(this.ring.read(frame)).toBe(entry.number);
  }

  cancel(choice: number): void {
    const entry = this.choose([...this.entries, ...this.old.slice(-20)], choice);
    if (entry === undefined) return;
    const won = this.ring.producer.cancel(entry.ticket, entry.number);
    expect(won).toBe(entry.state === 'waiting');
    if (won) entry.state = 'cancelled';
  }

  consumerDies(): void {
    this.ring.succeedConsumer();
    this.inHand = [];
    this.taken = [];
    this.startedHere.clear();
  }

  producerDies(): void {
    this.ring.succeedProducer();
    this.entries = this.entries.filter((entry) => entry.published);
  }

  /** Everything left is taken, finished and released: the ring is then as good as new. */
  drain(): void {
    this.publish();
    for (let rounds = 0; rounds < 200 && this.ring.consumer.hasMore(); rounds++) this.take();
    this.take();
    while (this.inHand.length > 0) this.finish(0);
    this.ring.consumer.release();
    expect(this.ring.pressure.bytes).toBe(0);
    expect(this.ring.push(0, this.ring.producer.bodyBytesMax / 4)).toBeDefined();
    expect(this.ring.bulkProducer.reserve(16 * 1024)).toBeGreaterThanOrEqual(0);
  }

  private readonly startedHere = new Set<Entry>();

  private note(ticket: number | undefined, bytes: number): void {
    if (ticket === undefined) {
      // Only a ring with something in it may refuse, save for a bulk region that is full.
      expect(this.ring.producer.usedBytes() + this.entries.length, `refused ${bytes} bytes`).toBeGreaterThan(0);
      return;
    }
    this.entries.push({ number: this.pushed++, ticket, state: 'waiting', starts: 0, published: false });
  }

  private choose<T>(from: readonly T[], choice: number): T | undefined {
    return from[choice % Math.max(1, from.length)];
  }
}

/** Weight and argument of each kind of step. */
const kinds = {
  push: [18, fc.integer({ min: 1, max: 120 })],
  pushBulk: [3, fc.integer({ min: 1, max: 16_384 })],
  publish: [9, fc.constant(0)],
  take: [18, fc.constant(0)],
  start: [6, fc.nat(1000)],
  finish: [15, fc.nat(1000)],
  release: [9, fc.constant(0)],
  cancel: [6, fc.nat(1000)],
  consumerDies: [1, fc.constant(0)],
  producerDies: [1, fc.constant(0)],
} as const;
type Kind = keyof typeof kinds;

const step = fc.oneof(
  ...(Object.keys(kinds) as Kind[]).map((kind) => ({
    weight: kinds[kind][0],
    arbitrary: fc.record({ kind: fc.constant(kind), value: kinds[kind][1] }),
  })),
);

it('behaves as a queue whose entries are started, finished, cancelled and inherited', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 2 ** 31 - 4096, -4096),
      fc.array(step, { minLength: 50, maxLength: 500, size: 'max' }),
      (position, steps) => {
        const model = new Model(position | 0);
        for (const { kind, value } of steps) model[kind](value);
        model.drain();
      },
    ),
    { numRuns: 300 },
  );
}, 30_000);
