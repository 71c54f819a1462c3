/**
 * One partition at its owner thread: heap, tables of actors, outbox, gate. It brackets turns; what a turn does is in
 * turn-runner.ts.
 */
import {
  assert,
  durableSequence,
  ENTRY_ANSWERED,
  Heap,
  HotMap,
  isGridError,
  KeyScratch,
  OutboxWriter,
  PackWriter,
  RecordDraft,
  storeAnswered,
  unansweredTurns,
} from '@spacegrid/core';
import { ChangeRecorder } from '../state/change-recorder.ts';
import { Keeping } from '../state/keeping.ts';
import { FIRST_TYPE_ROOT, type StateLayout } from '../state/state-layout.ts';
import { Backlog, type BacklogLimits } from './backlog.ts';
import { Gate } from './gates.ts';

export interface PartitionSettings {
  readonly hashSeed: number;
  readonly persistent: boolean;
  readonly changeSetBytesMax: number;
  readonly backlog: BacklogLimits;
  readonly mayGrow: (additionalBytes: number) => boolean;
}

/** A request that waits in its ring. */
export interface WaitingRequest {
  client: number;
  frame: number;
}

/** An actor whose turn is open. */
export interface OpenActor {
  /** Drops what it assigned and did not store. */
  forgetChanges(): void;
}

/** Turns whose held replies are kept for a successor; of a client that takes no replies for longer, a death may lose some. */
const UNANSWERED_MAX = 65_536;
/** The same in bytes, and as a part of the memory that the partition may have. */
const UNANSWERED_BYTES_MAX: number = 64 * 1024 * 1024;
const UNANSWERED_SHARE = 0.25;

export class Partition {
  readonly number: number;
  readonly heap: Heap;
  readonly outbox: OutboxWriter;
  readonly changes: ChangeRecorder;
  readonly keeping: Keeping;
  readonly gate: Gate;
  readonly backlog: Backlog;
  /** Commands that wait until the backlog is below its limits, or for room, in order. Bound: each stands in a ring. */
  readonly parked: WaitingRequest[];
  readonly layouts: readonly StateLayout[];
  readonly persistent: boolean;
  readonly scratch: KeyScratch;
  /** Memory is all but full, and actors are about to leave it: commands wait for that (unloader.ts). */
  lacksRoom: boolean;
  /** With so much in use it is: a round of commands may fill memory before anybody looks. */
  holdAboveBytes: number;
  /** Between turns, after one found no room: makes some by unloading actors. False when none could leave. */
  makeRoom: (() => boolean) | undefined;
  /** By actor type: the number that its rows begin with; see shape-table.ts. */
  readonly shapeNumbers: number[];
  /** Changes when a turn is undone or rows are loaded: what was found before must be found again. */
  generation: number;
  /** The activation whose turn is open. */
  open: OpenActor | undefined;
  /** Counts what the open turn wrote. */
  writes: number;
  /** True from its first turn in a round until the worker has tidied it. */
  touched: boolean;
  /** Told of that first turn. */
  onTouch: (partition: Partition) => void;
  /** Wall-clock milliseconds of the last turn; never decreases. */
  lastNow: number;
  private readonly tables: (HotMap | undefined)[];
  private readonly drafts: RecordDraft[];
  private readonly row: PackWriter;
  private readonly keptBytesMax: number;

  constructor(number: number, buffer: SharedArrayBuffer, layouts: readonly StateLayout[], settings: PartitionSettings) {
    this.number = number;
    this.heap = new Heap(buffer, { mayGrow: settings.mayGrow });
    this.outbox = new OutboxWriter(this.heap, settings.changeSetBytesMax);
    this.changes = new ChangeRecorder(this.heap, this.outbox, settings.persistent);
    this.keeping = new Keeping(this.heap, settings.persistent);
    this.gate = new Gate(this.heap);
    this.backlog = new Backlog(this.heap, this.outbox, settings.backlog);
    this.parked = [];
    this.layouts = layouts;
    this.persistent = settings.persistent;
    this.scratch = new KeyScratch(settings.hashSeed);
    this.lacksRoom = false;
    this.holdAboveBytes = Number.POSITIVE_INFINITY;
    this.makeRoom = undefined;
    this.shapeNumbers = layouts.map(() => 0);
    this.generation = 1;
    this.open = undefined;
    this.writes = 0;
    this.touched = false;
    this.onTouch = () => undefined;
    this.lastNow = 0;
    this.tables = new Array<HotMap | undefined>(layouts.length).fill(undefined);
    this.drafts = layouts.map((layout) => new RecordDraft(layout.shape));
    this.row = PackWriter.growing(1024);
    this.keptBytesMax = Math.min(UNANSWERED_BYTES_MAX, this.heap.pageCountMax * 4096 * UNANSWERED_SHARE);
  }

  /** Takes over the heap: undoes a predecessor's open turn. True when the heap is new and holds nothing. */
  attach(): boolean {
    this.heap.recover();
    this.outbox.format();
    if (this.persistent) this.backlog.resume();
    return this.heap.committed === 0;
  }

  /** The actors of a type; undefined while there never was one. */
  table(type: number): HotMap | undefined {
    const header = this.heap.i32[this.heap.root(FIRST_TYPE_ROOT + type)] as number;
    if (header === 0) return undefined;
    const known = this.tables[type];
    if (known !== undefined && known.header === header) return known;
    const table = new HotMap(this.heap, header, (this.layouts[type] as StateLayout).shape, this.scratch.seed);
    this.tables[type] = table;
    return table;
  }

  /** The same, made when needed. In a turn. */
  ensureTable(type: number): HotMap {
    const table = this.table(type);
    if (table !== undefined) return table;
    this.heap.publish(this.heap.root(FIRST_TYPE_ROOT + type), HotMap.create(this.heap));
    return this.table(type) as HotMap;
  }

  draft(type: number): RecordDraft {
    return this.drafts[type] as RecordDraft;
  }

  /** A writer for the value of one row, from its start, with room for `bytes`. */
  rowWriter(bytes: number): PackWriter {
    this.row.at = 0;
    this.row.room(bytes);
    return this.row;
  }

  begin(activation: OpenActor | undefined): void {
    if (!this.touched) this.touch();
    this.heap.relieve();
    this.heap.begin();
    this.open = activation;
    this.writes = 0;
    try {
      this.changes.begin();
    } catch (error) {
      // No room for an entry: the turn has not begun.
      this.undo();
      throw error;
    }
  }

  private touch(): void {
    this.touched = true;
    this.onTouch(this);
  }

  /** Seals the outbox entry and commits. Returns the entry's word. */
  commit(client: number, request: number, flags: number, changeBytes: number, replyBytes: number): number {
    const entry = this.outbox.seal(client, request, flags, changeBytes, replyBytes);
    this.heap.commit();
    this.open = undefined;
    if (this.persistent) {
      this.backlog.wrote();
      if (this.heap.usedBytes() > this.holdAboveBytes) this.lacksRoom = true;
    }
    return entry;
  }

  /** Commits a turn that nobody asked for: no reply, no request. */
  commitInternal(): void {
    this.commit(-1, 0, ENTRY_ANSWERED, this.changes.endPart(), 0);
  }

  /** Runs a turn that nobody asked for, all or nothing. False when there was no room for it. */
  internalTurn(change: () => void): boolean {
    try {
      this.begin(undefined);
      change();
      this.commitInternal();
    } catch (error) {
      if (this.heap.open) this.undo();
      if (!isGridError(error, 'CAPACITY')) throw error;
      return false;
    }
    return true;
  }

  /** Changes the heap between turns, all or nothing, taking no sequence. False when there was no room for it. */
  maintain(change: () => void): boolean {
    const { heap } = this;
    if (!this.touched) this.touch();
    heap.begin();
    try {
      change();
    } catch (error) {
      heap.rollback();
      this.generation++;
      if (!isGridError(error, 'CAPACITY')) throw error;
      return false;
    }
    heap.endMaintenance();
    return true;
  }

  /** Commands are not taken now: they wait. */
  get holdsCommands(): boolean {
    return this.backlog.isOver || this.lacksRoom;
  }

  /** Lets a command wait until they are taken again. */
  park(waiting: WaitingRequest): void {
    this.parked.push(waiting);
    // It may have had no turn for a long time: only partitions that had one are looked at.
    if (!this.touched) this.touch();
  }

  /** The same for commands that are older than all that wait. */
  parkFirst(waiting: readonly WaitingRequest[]): void {
    const { parked } = this;
    const later = parked.splice(0);
    for (const one of waiting) this.park(one);
    for (const one of later) parked.push(one);
  }

  /** Looks at how much is not durable yet, once a round. True while it is past its limits: the durability thread is to hurry. */
  checkBacklog(nowMs: number): boolean {
    this.backlog.check(nowMs);
    this.gate.setUrgent(this.backlog.isOver);
    return this.backlog.isOver;
  }

  /** Undoes the open turn. */
  undo(): void {
    assert(this.heap.open, 'a turn is open');
    const activation = this.open;
    this.open = undefined;
    this.heap.rollback();
    this.keeping.undone();
    this.generation++;
    activation?.forgetChanges();
  }

  /**
   * Between rounds, after replies were published: notes what is answered, and gives back outbox segments that nobody needs.
   * While replies are `held` back for want of room, entries are kept for a successor, up to a limit. True while some have to
   * wait for the watermark or for room, and when memory was given back.
   */
  trim(held: boolean): boolean {
    const { heap } = this;
    const unanswered = unansweredTurns(heap);
    if (held && unanswered < UNANSWERED_MAX && this.outbox.keptBytes() < this.keptBytesMax) return unanswered > 0;
    const answered = Math.min(heap.committed, this.gate.oldest - 1);
    if (unanswered > 0) storeAnswered(heap, answered);
    const durable = this.persistent ? durableSequence(heap) : heap.committed;
    const freed = this.outbox.trim(Math.min(durable, answered), this.persistent);
    return freed || durable < heap.committed;
  }

  /** Wall-clock milliseconds for the next turn. */
  now(nowMs: number): number {
    if (nowMs > this.lastNow) this.lastNow = nowMs;
    return this.lastNow;
  }
}
