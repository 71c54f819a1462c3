/**
 * One thread as a client of the grid: its rings to every worker, its calls under way, its doorbell. Requests are written
 * straight into the ring and published once for everything that is sent in one go.
 *
 * A call that finds its ring full waits in a bounded queue (or fails, by its options) and is sent when room comes.
 */
import {
  CallTimeoutError,
  type Clock,
  GridClosedError,
  Heap,
  OutcomeUnknownError,
  OverloadedError,
  decodeError,
  readValue,
  WorkerUnavailableError,
} from '@spacegrid/core';
import { type ControlBlock, GRID_CLOSED, GRID_CLOSING, WORKER_FAILED } from '../control/control-block.ts';
import { CALLS, ThreadCounters } from '../control/counters.ts';
import {
  REPLY_NUMBER,
  REPLY_PARTITION,
  REPLY_SEQUENCE_HIGH,
  REPLY_SEQUENCE_LOW,
  REPLY_STATUS,
  REPLY_VALUE_BYTES,
  REPLY_WORDS,
  STATUS_ERROR,
  STATUS_REFUSED,
  STATUS_VALUE,
  STATUS_WATCH_ERROR,
} from '../control/frames.ts';
import { type GridMemory, workerOf } from '../control/grid-memory.ts';
import { machine, type Surroundings } from '../control/surroundings.ts';
import { nameOfCall } from './call-subject.ts';
import { AskTimer } from './ask-times.ts';
import { type BatchMember, CALLS_MAX, PendingCalls } from './pending-calls.ts';
import { isCall, type Request } from './request.ts';
import { noteAnswered, noteThrown } from './thrown-errors.ts';
import { Lane } from './lane.ts';
import { WaitingRoom } from './waiting-room.ts';

const DEADLINE_CHECK_MS = 20;
/** A burst is published in pieces of this many requests, so that the worker runs the first while the rest is written. */
const PUBLISH_REQUESTS = 64;
/** Replies taken from one worker before those who waited for them go on: else workers would stand idle meanwhile. */
const POLL_REPLIES = 64;

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
  private readonly room: WaitingRoom;
  private readonly sendNow: (number: number, request: Request) => boolean;
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
    const { heaps, shape } = memory;
    this.slot = slot;
    this.heaps = heaps;
    this.control = control;
    this.clock = surroundings.clock;
    this.workers = shape.workers;
    this.counters = new ThreadCounters(control, slot);
    // Numbers begin anywhere, so that replies to a predecessor with this slot meet nobody.
    this.calls = new PendingCalls(Math.floor(Math.random() * 0x4000));
    this.lanes = Array.from(
      { length: shape.workers },
      (_, worker) => new Lane(memory, control, slot, worker, surroundings),
    );
    this.room = new WaitingRoom(shape.workers);
    this.sendNow = (number, request) => this.trySend(number, request);
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
    if (this.room.giveUp(number)) return true;
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
    this.nowMs = 0;
    lane.publish();
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
    if (this.room.size > 0) this.room.sendAll(this.sendNow);
    return taken;
  }

  /** True when a poll would find something. */
  hasReplies(): boolean {
    return this.lanes.some((lane) => lane.replies.hasMore());
  }

  /** True while requests wait for room, or calls for their replies. */
  get busy(): boolean {
    return this.calls.size > 0 || this.room.size > 0;
  }

  /** Requests that wait for room are looked at again now and then, since room comes without a bell. */
  get waitsForRoom(): boolean {
    return this.room.size > 0;
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
    this.room.clear();
  }

  /** As if the thread had died: nothing more is sent, not even what is written, and nobody is told. */
  abandon(): void {
    this.closed = true;
    for (const lane of this.lanes) lane.unpublished = 0;
    this.room.clear();
  }

  /** How often deadlines are looked at while calls wait. */
  static readonly deadlineCheckMs: number = DEADLINE_CHECK_MS;

  private refuseWhenClosed(): void {
    const state = this.control.gridState;
    // While the grid drains, its own actors still call each other; nobody else begins anything.
    const ended = state === GRID_CLOSED || (state === GRID_CLOSING && this.slot >= this.workers);
    if (this.closed || ended) throw new GridClosedError('the grid is closed');
  }

  private sendOrWait(number: number, request: Request, whenFull: 'wait' | 'fail'): void {
    const { worker } = this.laneOf(request);
    if (this.room.isEmpty(worker) && this.send(number, request)) return;
    if (this.control.workerState(worker) === WORKER_FAILED)
      throw new WorkerUnavailableError('the worker of this partition keeps dying and is not started again');
    if (whenFull === 'fail')
      throw new OverloadedError(`no room for a call to partition ${request.partition}: its worker is behind`);
    this.room.add(worker, number, request);
    if (this.room.size === 1) this.onBusy();
  }

  /** Of one that waited: what can't be sent is failed. */
  private trySend(number: number, request: Request): boolean {
    try {
      return this.send(number, request);
    } catch (error) {
      if (isCall(request.head)) this.calls.reject(number, error);
      return true;
    }
  }

  /** Writes the request into its ring; false when that has no room now. */
  private send(number: number, request: Request): boolean {
    const lane = this.laneOf(request);
    const hasAnswer = isCall(request.head);
    if (!lane.write(number, request, hasAnswer ? this.calls.deadlineOf(number) : 0)) return false;
    if (hasAnswer) {
      const slot = this.calls.slotOf(number);
      this.calls.frames[slot] = lane.ticket;
      this.calls.workers[slot] = lane.worker;
    }
    this.counters.add(CALLS, 1);
    if (++lane.unpublished === PUBLISH_REQUESTS) {
      this.publish(lane);
    } else if (!this.flushQueued) {
      this.flushQueued = true;
      queueMicrotask(this.flushLater);
    }
    return true;
  }

  private laneOf(request: Request): Lane {
    return this.lanes[workerOf(request.partition, this.workers)] as Lane;
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
    const reader = lane.valueOf(frame, (body + REPLY_WORDS) * 4, length);
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

function sequenceOf(i32: Int32Array, body: number): number {
  return (
    (i32[body + REPLY_SEQUENCE_HIGH] as number) * 4_294_967_296 + ((i32[body + REPLY_SEQUENCE_LOW] as number) >>> 0)
  );
}
