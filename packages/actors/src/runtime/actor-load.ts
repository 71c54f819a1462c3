/**
 * One actor that is being loaded: asks the store for its rows page by page, applies them in slices, and puts it in its place when
 * it is whole. Asks again, a few times, when the store fails.
 *
 * ```
 *   asking ── page ──→ applying ── last page ──→ loaded
 *     ↑ ↖──────── next page ───┘ │
 *     └── after a pause ── failed ┴── too often, too long, or for good ──→ given up
 * ```
 */
import {
  AssertionFailed,
  CapacityError,
  CallTimeoutError,
  ChangeCursor,
  decodeError,
  isGridError,
  type KeyBytes,
  PackReader,
  type RowsAnswer,
} from '@spacegrid/core';
import type { RowApplier, ActorHome } from '../state/apply-rows.ts';
import { actorPrefix } from '../state/row-keys.ts';
import { StagedActor } from '../state/staged-actor.ts';
import type { StateLayout } from '../state/state-layout.ts';
import type { Partition, WaitingRequest } from './partition.ts';
import type { RowLink } from './row-link.ts';

/** Pages that wait to be applied, and the one that is asked for meanwhile. */
const PAGES_AHEAD = 1;
const RETRIES_MAX = 3;
/** Before the first of them; three times as long before each of the others. */
const RETRY_MS = 75;

const ROOM_RETRY_MS = 50;
/** Bound: attempts that found no room, while idle actors leave memory. */
const ROOM_RETRIES_MAX = 40;
/** Bound: without a page that could be applied. */
const SILENCE_MS_MAX = 20_000;
/** Failures that trying again does not mend. */
const FINAL = ['STORE_CORRUPT', 'SCHEMA_VERSION', 'DECODE', 'INVALID_ARGUMENT', 'INVALID_KEY'] as const;

export interface LoadParts {
  readonly link: RowLink;
  applierFor(partition: Partition, home: ActorHome): RowApplier;
}

interface Page {
  readonly cursor: ChangeCursor;
  readonly isLast: boolean;
}

export class ActorLoad {
  readonly partition: Partition;
  readonly layout: StateLayout;
  readonly key: KeyBytes;
  /** Requests that go on when it is loaded, in order. Bound: each stands in a ring, or is kept as one that waits. */
  readonly waiting: WaitingRequest[];
  readonly startedAt: number;
  private heardAt: number;
  private readonly parts: LoadParts;
  private readonly number: number;
  private readonly prefix: Uint8Array;
  private readonly pages: Page[];
  private staged: StagedActor | undefined;
  private applier: RowApplier | undefined;
  /** Number of the question that is open; −1 for none. */
  private question: number;
  /** What to ask for next; undefined behind the last page. */
  private next: Uint8Array | undefined;
  private failure: Error | undefined;
  private retries: number;
  private roomRetries: number;
  /** 0 unless it pauses. */
  private retryAt: number;

  constructor(
    partition: Partition,
    layout: StateLayout,
    key: KeyBytes,
    number: number,
    nowMs: number,
    parts: LoadParts,
  ) {
    this.partition = partition;
    this.layout = layout;
    this.key = key;
    this.waiting = [];
    this.startedAt = nowMs;
    this.heardAt = nowMs;
    this.parts = parts;
    this.number = number;
    this.prefix = actorPrefix(layout.type.name, key.bytes.subarray(key.offset, key.offset + key.length));
    this.pages = [];
    this.staged = undefined;
    this.applier = undefined;
    this.question = -1;
    this.next = this.prefix;
    this.failure = undefined;
    this.retries = 0;
    this.roomRetries = 0;
    this.retryAt = 0;
  }

  get text(): string {
    const { bytes, offset, length } = this.key;
    return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');
  }

  /** The last attempt found no room: others are to leave memory. */
  get lacksRoom(): boolean {
    return this.roomRetries > 0;
  }

  /** Something can be done at once. */
  isReady(nowMs: number): boolean {
    if (this.retryAt > 0) return this.retryAt <= nowMs;
    return this.pages.length > 0 || this.failure !== undefined || nowMs - this.heardAt > SILENCE_MS_MAX;
  }

  /** Asks for the first page. */
  begin(nowMs: number): void {
    this.heardAt = nowMs;
    this.ask();
  }

  /** Asks for the next page, unless enough wait to be applied. */
  private ask(): void {
    if (this.next === undefined || this.question >= 0 || this.pages.length > PAGES_AHEAD) return;
    this.question = this.parts.link.ask(this.partition.number, this.prefix, this.next);
  }

  /** Takes an answer to a question of any load; false when it is none of this one. */
  take(answer: RowsAnswer): boolean {
    if (answer.id !== this.question) return false;
    this.question = -1;
    if ('error' in answer) {
      this.failure = decodeError(new PackReader(answer.error));
      return true;
    }
    this.next = answer.next;
    this.pages.push({ cursor: new ChangeCursor(answer.changes), isLast: answer.next === undefined });
    this.ask();
    return true;
  }

  /**
   * Does what can be done before the time is over. `loaded`: it is in its place. An error: it was given up, and stays as it is in
   * the store.
   */
  step(nowMs: number, tick: number, isLate: () => boolean): 'loaded' | 'goes on' | Error {
    try {
      if (nowMs - this.heardAt > SILENCE_MS_MAX)
        throw new CallTimeoutError(`the store gave none of its rows for ${SILENCE_MS_MAX} ms`, { cause: this.failure });
      if (this.retryAt > 0) {
        if (this.retryAt > nowMs) return 'goes on';
        this.retryAt = 0;
        this.ask();
      }
      if (this.failure !== undefined) throw this.failure;
      this.heardAt = nowMs;
      return this.apply(tick, isLate) ? 'loaded' : 'goes on';
    } catch (error) {
      if (error instanceof AssertionFailed) throw error;
      return this.failed(error, nowMs);
    }
  }

  private apply(tick: number, isLate: () => boolean): boolean {
    for (let page = this.pages[0]; page !== undefined; page = this.pages[0]) {
      const applier = this.begun();
      if (!applier.applySome(page.cursor, isLate)) return false;
      if (page.isLast) {
        if (!this.dropLeftovers(applier.leftovers) || this.staged?.publish(this.key, tick) !== true)
          throw this.noRoom();
        this.staged = undefined;
        // Entries that expire have come with it.
        this.partition.keeping.onDue();
        return true;
      }
      this.pages.shift();
      this.ask();
      if (isLate()) return false;
    }
    return false;
  }

  /** Rows of structures that a newer version of the code dropped go from the store now that they are found. */
  private dropLeftovers(prefixes: readonly Uint8Array[]): boolean {
    if (prefixes.length === 0) return true;
    const { partition } = this;
    return partition.internalTurn(() => {
      for (const prefix of prefixes) partition.changes.clear(prefix, undefined);
    });
  }

  private begun(): RowApplier {
    if (this.staged === undefined) {
      this.staged = StagedActor.begin(this.partition, this.layout, this.number);
      if (this.staged === undefined) throw this.noRoom();
      this.applier = this.parts.applierFor(this.partition, this.staged);
    }
    return this.applier as RowApplier;
  }

  private noRoom(): CapacityError {
    return new CapacityError(`partition ${this.partition.number} has no room for it`);
  }

  private failed(error: unknown, nowMs: number): 'goes on' | Error {
    this.reset();
    const cause = error instanceof Error ? error : new Error(String(error));
    if (nowMs - this.heardAt > SILENCE_MS_MAX || FINAL.some((code) => isGridError(error, code))) return cause;
    if (isGridError(error, 'CAPACITY')) {
      if (++this.roomRetries > ROOM_RETRIES_MAX) return cause;
      this.retryAt = nowMs + ROOM_RETRY_MS;
    } else {
      if (++this.retries > RETRIES_MAX) return cause;
      this.retryAt = nowMs + RETRY_MS * 3 ** (this.retries - 1);
    }
    return 'goes on';
  }

  /** As before the first question. */
  private reset(): void {
    const { heap } = this.partition;
    if (heap.open) heap.rollback();
    this.staged?.discard();
    this.staged = undefined;
    this.applier = undefined;
    this.pages.length = 0;
    if (this.question >= 0) this.parts.link.forget(this.question);
    this.question = -1;
    this.next = this.prefix;
    this.failure = undefined;
  }
}
