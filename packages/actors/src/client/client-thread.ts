/**
 * One thread as a client of the grid: its rings to every worker, its calls under way, its doorbell. Requests are written
 * straight into the ring and published once for everything that is sent in one go.
 *
 * A call that finds its ring full waits in a bounded queue (or fails, by its options) and is sent when room comes.
 */
import {
  BULK_REFERENCE_BYTES,
  BulkConsumer,
  BulkProducer,
  CallTimeoutError,
  type Clock,
  GridClosedError,
  Heap,
  MESSAGE_BYTES_MAX_DEFAULT,
  OutcomeUnknownError,
  OverloadedError,
  PackOverflow,
  PackReader,
  PackWriter,
  decodeError,
  readValue,
  RingConsumer,
  RingProducer,
  WorkerUnavailableError,
  writeValue,
} from '@spacegrid/core';
import { type ControlBlock, GRID_CLOSED, GRID_CLOSING, WORKER_FAILED } from '../control/control-block.ts';
import { CALLS, ThreadCounters } from '../control/counters.ts';
import {
  FLAG_TELL,
  headKind,
  KIND_QUERY,
  KIND_REACHED,
  padTo4,
  REPLY_NUMBER,
  REPLY_PARTITION,
  REPLY_SEQUENCE_HIGH,
  REPLY_SEQUENCE_LOW,
  REPLY_STATUS,
  REPLY_VALUE_BYTES,
  REPLY_WORDS,
  REQUEST_ARGUMENT_BYTES,
  REQUEST_ARGUMENT_COUNT,
  REQUEST_DEADLINE,
  REQUEST_EXTRA_BYTES,
  REQUEST_HEAD,
  REQUEST_KEY_BYTES,
  REQUEST_KEY_HASH,
  REQUEST_NUMBER,
  REQUEST_PARTITION,
  REQUEST_WORDS,
  STATUS_ERROR,
  STATUS_REFUSED,
  STATUS_VALUE,
  STATUS_WATCH_ERROR,
} from '../control/frames.ts';
import { type GridMemory, workerOf } from '../control/grid-memory.ts';
import { LARGE_BYTES, pairOf, ringOffset } from '../control/lanes.ts';
import { type Bell, machine, type Surroundings } from '../control/surroundings.ts';
import { nameOfCall } from './call-subject.ts';
import { AskTimer } from './ask-times.ts';
import { type BatchMember, CALLS_MAX, PendingCalls } from './pending-calls.ts';
import type { Request } from './request.ts';
import { noteAnswered, noteThrown } from './thrown-errors.ts';

/** Room reserved for a request at first; a larger one is written again with LARGE_BYTES, then beside its ring. */
const REQUEST_ROOM_BYTES = 2048;
/** Most requests that wait for room in their rings. */
const WAITING_MAX = 100_000;
const DEADLINE_CHECK_MS = 20;
/** A burst is published in pieces of this many requests, so that the worker runs the first while the rest is written. */
const PUBLISH_REQUESTS = 64;
/** Replies taken from one worker before those who waited for them go on: else workers would stand idle meanwhile. */
const POLL_REPLIES = 64;

export interface Lane {
  readonly worker: number;
  readonly requests: RingProducer;
  readonly replies: RingConsumer;
  /** For what is too large for the rings. */
  readonly largeRequests: BulkProducer;
  readonly largeReplies: BulkConsumer;
  readonly writer: PackWriter;
  readonly reader: PackReader;
  readonly doorbell: Bell;
  /** Requests written and not yet published. */
  unpublished: number;
  /** Requests that wait for room in this ring, in order: the other workers' go on. */
  readonly waiting: WaitingForRoom[];
  /** How many of them were given up. */
  givenUp: number;
}

interface WaitingForRoom {
  readonly number: number;
  /** Undefined when the call was given up. */
  request: Request | undefined;
}

export type WatchListener = (number: number, error: boolean, value: unknown, sequence: number) => void;

export class ClientThread {
  readonly slot: number;
  readonly lanes: readonly Lane[];
  readonly calls: PendingCalls;
  readonly counters: ThreadCounters;
  /** Told of standing queries' answers. */
  onWatch: WatchListener;
  /** Told when the first call is under way. */
  onBusy: () => void;
  private readonly control: ControlBlock;
  private readonly clock: Clock;
  private readonly heaps: readonly SharedArrayBuffer[];
  private readonly workers: number;
  /** In all lanes. */
  private waitingCount: number;
  /** The calls among them, by number. */
  private readonly waitingCalls: Map<number, WaitingForRoom>;
  /** Calls to workers that are given up are looked for again then. */
  private unavailableAt: number;
  private tells: number;
  private readonly times: AskTimer;
  /** By slot: when a timed call was made. */
  private readonly timedAt: Float64Array;
  private flushQueued: boolean;
  /** When the requests that are written and not published were begun; 0: to be read. */
  private nowMs: number;
  private readonly flushLater: () => void;
  private closed: boolean;

  constructor(memory: GridMemory, control: ControlBlock, slot: number, surroundings: Surroundings = machine) {
    const { heaps, rings, shape } = memory;
    this.slot = slot;
    this.heaps = heaps;
    this.control = control;
    this.clock = surroundings.clock;
    this.workers = shape.workers;
    this.counters = new ThreadCounters(control, slot);
    // Numbers begin anywhere, so that replies to a predecessor with this slot meet nobody.
    this.calls = new PendingCalls(Math.floor(Math.random() * 0x4000));
    this.lanes = Array.from({ length: shape.workers }, (_, worker) => {
      const offset = ringOffset(shape, slot, worker, rings.ringBytes);
      const requests = new RingProducer(rings.requests, offset, rings.ringBytes);
      const replies = new RingConsumer(rings.replies, offset, rings.ringBytes);
      return {
        worker,
        requests,
        replies,
        largeRequests: new BulkProducer(
          requests,
          rings.largeRequests[pairOf(shape, slot, worker)] as SharedArrayBuffer,
        ),
        largeReplies: new BulkConsumer(replies, rings.largeReplies[pairOf(shape, slot, worker)] as SharedArrayBuffer),
        writer: new PackWriter(requests.u8, 0, 0),
        reader: new PackReader(replies.u8, 0, 0),
        doorbell: surroundings.bell(control, worker),
        unpublished: 0,
        waiting: [],
        givenUp: 0,
      };
    });
    this.waitingCount = 0;
    this.waitingCalls = new Map();
    this.unavailableAt = 0;
    // Begins anywhere, as the numbers of calls do.
    this.tells = Math.floor(Math.random() * 2 ** 32) | 0;
    this.times = new AskTimer(control, slot);
    this.timedAt = new Float64Array(CALLS_MAX);
    this.flushQueued = false;
    this.nowMs = 0;
    this.flushLater = () => this.flush();
    this.onWatch = () => undefined;
    this.onBusy = () => undefined;
    this.closed = false;
  }

  /** Sends a request and returns the promise of its reply. */
  call(request: Request, whenFull: 'wait' | 'fail' = 'wait'): Promise<unknown> {
    let number: number;
    try {
      this.refuseWhenClosed();
      number = this.calls.take();
    } catch (error) {
      return Promise.reject(error);
    }
    const promise = this.calls.promise();
    this.begin(number, request, whenFull);
    return promise;
  }

  /** The same for a call of a batch, which is told. Returns the call's number; undefined when it could not be made. */
  callInBatch(request: Request, whenFull: 'wait' | 'fail', batch: BatchMember, place: number): number | undefined {
    let number: number;
    try {
      this.refuseWhenClosed();
      number = this.calls.take();
    } catch (error) {
      batch.failed(place, error);
      return undefined;
    }
    this.calls.join(batch, place);
    this.begin(number, request, whenFull);
    return number;
  }

  private begin(number: number, request: Request, whenFull: 'wait' | 'fail'): void {
    const slot = this.calls.slotOf(number);
    this.calls.requests[slot] = request;
    if (this.calls.size === 1) this.onBusy();
    if (isTimed(number)) this.timedAt[slot] = performance.now();
    this.calls.setDeadline(number, request.timeoutMs === 0 ? Infinity : this.now() + request.timeoutMs);
    try {
      this.sendOrWait(number, request, whenFull);
    } catch (error) {
      this.calls.reject(number, error);
    }
  }

  /** Reading the time costs 50 ns, a third of a call: once for all that is published together. */
  private now(): number {
    if (!this.flushQueued || this.nowMs === 0) this.nowMs = this.clock.now();
    return this.nowMs;
  }

  /** Sends a request that has no reply of its own (tell, watch). Throws OverloadedError when even waiting room is full. */
  post(number: number, request: Request): void {
    this.refuseWhenClosed();
    this.sendOrWait(number, request, 'wait');
  }

  /** The number of a tell: with its client it names the request, as a call's number does. */
  nextTell(): number {
    this.tells = (this.tells + 1) | 0;
    return this.tells;
  }

  /** Gives a call up. True when it certainly did not and will not run. */
  cancel(number: number): boolean {
    const entry = this.waitingCalls.get(number);
    if (entry !== undefined) {
      this.giveUp(entry);
      return true;
    }
    const slot = this.calls.slotOf(number);
    const lane = this.lanes[this.calls.workers[slot] as number] as Lane;
    return lane.requests.cancel(this.calls.frames[slot] as number, number);
  }

  /** Publishes what was written, and wakes the workers that sleep. */
  flush(): void {
    this.flushQueued = false;
    for (const lane of this.lanes) if (lane.unpublished > 0) this.publish(lane);
  }

  private publish(lane: Lane): void {
    lane.unpublished = 0;
    this.nowMs = 0;
    lane.requests.publish();
    lane.doorbell.ring();
  }

  /** Takes replies that have come, up to 64 of each worker. True when there were any: then there may be more. */
  poll(): boolean {
    let taken = false;
    for (const lane of this.lanes) {
      let count = 0;
      for (; count < POLL_REPLIES; count++) {
        const frame = lane.replies.next();
        if (frame < 0) break;
        this.take(lane, frame);
      }
      if (count === 0) continue;
      taken = true;
      lane.replies.releaseTaken();
    }
    if (this.waitingCount > 0) this.sendWaiting();
    return taken;
  }

  /** True when a poll would find something. */
  hasReplies(): boolean {
    return this.lanes.some((lane) => lane.replies.hasMore());
  }

  /** True while requests wait for room, or calls for their replies. */
  get busy(): boolean {
    return this.calls.size > 0 || this.waitingCount > 0;
  }

  /** Requests that wait for room are looked at again now and then, since room comes without a bell. */
  get waitsForRoom(): boolean {
    return this.waitingCount > 0;
  }

  /** Fails calls whose time is over. */
  expire(nowMs: number): void {
    for (const number of this.calls.overdue(nowMs, 10_000)) {
      const name = this.nameOf(number);
      const within = `within its ${this.calls.requests[this.calls.slotOf(number)]?.timeoutMs ?? 0} ms`;
      if (this.cancel(number))
        this.calls.reject(number, new CallTimeoutError(`${name} was not started ${within}: it did not run`));
      else
        this.calls.reject(
          number,
          new OutcomeUnknownError(`${name} was started and did not answer ${within}: it may have run`),
        );
    }
  }

  /** Names a call under way: who waits for whom. */
  nameOf(number: number): string {
    const request = this.calls.requests[this.calls.slotOf(number)];
    return nameOfCall(request?.subject, request?.handler);
  }

  /** Fails calls to workers that keep dying and are not started again. Looks at every call, so not each time it is asked. */
  failUnavailable(): void {
    if (this.lanes.every(({ worker }) => this.control.workerState(worker) !== WORKER_FAILED)) return;
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.unavailableAt) return;
    this.unavailableAt = nowMs + DEADLINE_CHECK_MS;
    for (const number of this.calls.waiting()) {
      const request = this.calls.requests[this.calls.slotOf(number)];
      if (request === undefined) continue;
      const { worker } = this.laneOf(request);
      if (this.control.workerState(worker) !== WORKER_FAILED) continue;
      const why = `worker ${worker} keeps dying and is not started again`;
      if (this.cancel(number)) this.calls.reject(number, new WorkerUnavailableError(`${why}: the call did not run`));
      else this.calls.reject(number, new OutcomeUnknownError(`${why}: the call was started and may have run`));
    }
  }

  /** The grid has ended: nothing answers any more. */
  get gridClosed(): boolean {
    return this.control.gridState === GRID_CLOSED;
  }

  /** Fails everything under way. */
  close(): void {
    this.closed = true;
    for (const number of this.calls.waiting()) {
      const cancelled = this.cancel(number);
      this.calls.reject(
        number,
        cancelled
          ? new GridClosedError('the grid was closed: the call did not run')
          : new OutcomeUnknownError('the grid was closed while the call ran'),
      );
    }
    this.forgetWaiting();
  }

  /** As if the thread had died: nothing more is sent, not even what is written, and nobody is told. */
  abandon(): void {
    this.closed = true;
    for (const lane of this.lanes) lane.unpublished = 0;
    this.forgetWaiting();
  }

  /** How often deadlines are looked at while calls wait. */
  static readonly deadlineCheckMs: number = DEADLINE_CHECK_MS;

  private refuseWhenClosed(): void {
    const state = this.control.gridState;
    // While the grid drains, its own actors still call each other; nobody else begins anything.
    const ended = state === GRID_CLOSED || (state === GRID_CLOSING && this.slot >= this.workers);
    if (this.closed || ended) throw new GridClosedError('the grid is closed');
  }

  private forgetWaiting(): void {
    for (const lane of this.lanes) {
      lane.waiting.length = 0;
      lane.givenUp = 0;
    }
    this.waitingCalls.clear();
    this.waitingCount = 0;
  }

  private sendOrWait(number: number, request: Request, whenFull: 'wait' | 'fail'): void {
    const { waiting, worker } = this.laneOf(request);
    if (waiting.length === 0 && this.send(number, request)) return;
    if (this.control.workerState(worker) === WORKER_FAILED)
      throw new WorkerUnavailableError('the worker of this partition keeps dying and is not started again');
    if (whenFull === 'fail')
      throw new OverloadedError(`no room for a call to partition ${request.partition}: its worker is behind`);
    if (this.waitingCount >= WAITING_MAX)
      throw new OverloadedError(`${WAITING_MAX} calls of this thread wait for room: await some before making more`);
    const entry = { number, request };
    waiting.push(entry);
    if (isCall(request.head)) this.waitingCalls.set(number, entry);
    if (this.waitingCount++ === 0) this.onBusy();
  }

  private sendWaiting(): void {
    for (const lane of this.lanes) {
      const { waiting } = lane;
      let passed = 0;
      for (const { number, request } of waiting) {
        if (request === undefined) {
          lane.givenUp--;
        } else {
          try {
            if (!this.send(number, request)) break;
          } catch (error) {
            if (isCall(request.head)) this.calls.reject(number, error);
          }
          if (isCall(request.head)) this.waitingCalls.delete(number);
          this.waitingCount--;
        }
        passed++;
      }
      if (passed > 0) waiting.splice(0, passed);
    }
  }

  /** Its place stays until those before it are sent: taking each out by itself would move all behind it. */
  private giveUp(entry: WaitingForRoom): void {
    const lane = this.laneOf(entry.request as Request);
    entry.request = undefined;
    this.waitingCalls.delete(entry.number);
    this.waitingCount--;
    const { waiting } = lane;
    // Bound: at most half of the places are of calls that were given up.
    if (++lane.givenUp * 2 < waiting.length) return;
    let kept = 0;
    for (const other of waiting) if (other.request !== undefined) waiting[kept++] = other;
    waiting.length = kept;
    lane.givenUp = 0;
  }

  /** Writes the request into its ring; false when that has no room now. */
  private send(number: number, request: Request): boolean {
    const lane = this.laneOf(request);
    // Bound: two tries.
    for (let room = REQUEST_ROOM_BYTES; room <= LARGE_BYTES; room *= LARGE_BYTES / REQUEST_ROOM_BYTES) {
      const at = lane.requests.reserve(room);
      if (at < 0) return false;
      const bytes = this.write(lane, at, room, number, request);
      if (bytes > 0) {
        this.sent(lane, request.head, number, lane.requests.push(bytes));
        return true;
      }
    }
    return this.sendLarge(lane, number, request);
  }

  private laneOf(request: Request): Lane {
    return this.lanes[workerOf(request.partition, this.workers)] as Lane;
  }

  /** Arguments that are too large for a ring stand beside it. */
  private sendLarge(lane: Lane, number: number, request: Request): boolean {
    const writer = PackWriter.growing(LARGE_BYTES * 4, MESSAGE_BYTES_MAX_DEFAULT + 1024);
    for (const argument of request.args) writeValue(writer, argument);
    const { key, extra } = request;
    const body = REQUEST_WORDS * 4 + padTo4(key.length) + padTo4(extra?.length ?? 0);
    const to = lane.largeRequests.reserve(writer.at);
    const at = to < 0 ? -1 : lane.requests.reserve(body + BULK_REFERENCE_BYTES);
    if (at < 0) return false;
    lane.largeRequests.u8.set(writer.written(), to);
    this.writeHead(lane, at, number, request, writer.at);
    this.sent(lane, request.head, number, lane.largeRequests.push(body, writer.at));
    return true;
  }

  private sent(lane: Lane, head: number, number: number, ticket: number): void {
    if (isCall(head)) {
      const slot = this.calls.slotOf(number);
      this.calls.frames[slot] = ticket;
      this.calls.workers[slot] = lane.worker;
    }
    this.counters.add(CALLS, 1);
    if (++lane.unpublished === PUBLISH_REQUESTS) {
      this.publish(lane);
    } else if (!this.flushQueued) {
      this.flushQueued = true;
      queueMicrotask(this.flushLater);
    }
  }

  /** Bytes of the body, or 0 when they do not fit `room`. */
  private write(lane: Lane, at: number, room: number, number: number, request: Request): number {
    const { key, args, extra } = request;
    const start = at + REQUEST_WORDS * 4 + padTo4(key.length) + padTo4(extra?.length ?? 0);
    const end = at + room;
    if (start > end) return 0;
    const writer = lane.writer;
    writer.at = start;
    writer.end = end;
    try {
      for (let index = 0; index < args.length; index++) writeValue(writer, args[index]);
    } catch (error) {
      if (error === PackOverflow) return 0;
      throw error;
    }
    this.writeHead(lane, at, number, request, writer.at - start);
    return writer.at - at;
  }

  /** Everything of a request's body before its arguments. */
  private writeHead(lane: Lane, at: number, number: number, request: Request, argumentBytes: number): void {
    const { key, extra, head } = request;
    const { i32, f64, u8 } = lane.requests;
    const word = at >>> 2;
    let next = at + REQUEST_WORDS * 4;
    const keyBytes = key.bytes;
    for (let index = 0, from = key.offset; index < key.length; index++)
      u8[next + index] = keyBytes[from + index] as number;
    next += padTo4(key.length);
    if (extra !== undefined) u8.set(extra, next);
    i32[word + REQUEST_NUMBER] = number;
    i32[word + REQUEST_HEAD] = head;
    i32[word + REQUEST_PARTITION] = request.partition;
    i32[word + REQUEST_KEY_HASH] = key.hash;
    i32[word + REQUEST_KEY_BYTES] = key.length;
    i32[word + REQUEST_ARGUMENT_COUNT] = request.args.length;
    i32[word + REQUEST_ARGUMENT_BYTES] = argumentBytes;
    i32[word + REQUEST_EXTRA_BYTES] = extra?.length ?? 0;
    f64[(word + REQUEST_DEADLINE) >>> 1] = isCall(head) ? this.calls.deadlineOf(number) : 0;
  }

  private resolve(number: number, value: unknown, i32: Int32Array, body: number): void {
    if (this.calls.requests[this.calls.slotOf(number)]?.receipt !== true) {
      this.calls.resolve(number, value);
      return;
    }
    const partition = i32[body + REPLY_PARTITION] as number;
    // On one node the epoch changes only while the grid is started.
    const { epoch } = new Heap(this.heaps[partition] as SharedArrayBuffer);
    this.calls.resolve(number, { value, receipt: { partition, epoch, sequence: sequenceOf(i32, body) } });
  }

  private take(lane: Lane, frame: number): void {
    const { i32 } = lane.replies;
    const body = frame + 2;
    const number = i32[body + REPLY_NUMBER] as number;
    const status = i32[body + REPLY_STATUS] as number;
    const length = i32[body + REPLY_VALUE_BYTES] as number;
    let reader: PackReader;
    if (lane.replies.hasBulk(frame)) {
      const from = lane.largeReplies.offsetOf(frame);
      reader = lane.reader.reset(lane.largeReplies.u8, from, from + length);
    } else {
      const from = (body + REPLY_WORDS) * 4;
      reader = lane.reader.reset(lane.replies.u8, from, from + length);
    }
    if (isTimed(number) && this.calls.isWaiting(number))
      this.times.note(performance.now() - (this.timedAt[this.calls.slotOf(number)] as number));
    if (status === STATUS_VALUE) {
      if (this.calls.isWaiting(number)) this.resolve(number, readValue(reader), i32, body);
    } else if (status === STATUS_ERROR || status === STATUS_REFUSED) {
      const error = decodeError(reader);
      if (status === STATUS_ERROR) noteThrown(error);
      noteAnswered(error);
      this.calls.reject(number, error);
    } else {
      const sequence = sequenceOf(i32, body);
      const failed = status === STATUS_WATCH_ERROR;
      this.onWatch(number, failed, failed ? decodeError(reader) : readValue(reader), sequence);
    }
  }
}

/** One call in sixteen: every sixteenth use of a slot. */
function isTimed(number: number): boolean {
  return ((number >>> 16) & 15) === 0;
}

/** True for what has a slot among the pending calls: a command that is answered, a query, a wait for a level. */
function isCall(head: number): boolean {
  const kind = headKind(head);
  return (kind <= KIND_QUERY || kind === KIND_REACHED) && ((head >>> 24) & FLAG_TELL) === 0;
}

function sequenceOf(i32: Int32Array, body: number): number {
  return (
    (i32[body + REPLY_SEQUENCE_HIGH] as number) * 4_294_967_296 + ((i32[body + REPLY_SEQUENCE_LOW] as number) >>> 0)
  );
}
