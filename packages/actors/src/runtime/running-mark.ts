/**
 * What a worker is running, in its control line: written before a handler or step starts, cleared after it. Read by the
 * supervisor when the worker died or seems blocked. Plain stores by one thread: a death is read after its exit event, and a
 * handler that seems blocked is believed only when the count has not moved.
 *
 * The key is not copied on the hot path: a request stands in its ring until it is answered. Only steps and reminders, which
 * know no request, copy it to the worker's key area, and so does who goes on in the event loop.
 */
import { type KeyBytes, KEY_BYTES_MAX } from '@spacegrid/core';
import type { ControlBlock } from '../control/control-block.ts';
import { REQUEST_KEY_BYTES, REQUEST_WORDS } from '../control/frames.ts';
import type { GridMemory } from '../control/grid-memory.ts';

export interface RunningActor {
  readonly type: number;
  readonly handler: number;
  readonly partition: number;
  readonly keyHash: number;
}

export interface RunningHandler {
  readonly type: number;
  readonly handler: number;
  readonly partition: number;
  readonly key: KeyBytes;
}

export interface MarkedActor extends RunningActor {
  /** Empty when it could not be read any more. */
  readonly key: string;
  /** Word of its request in the request rings; −1 when that stands elsewhere. */
  readonly frame: number;
  /** It may only await something: what runs in the event loop is not seen. */
  readonly mayAwait: boolean;
}

const OFFSET = 8;
/** 0: nothing; 1: a handler or step; 2: the event loop, in which the handler of an asynchronous command goes on between steps. */
const RUNNING = 0;
const HANDLER_RUNS = 1;
const LOOP_RUNS = 2;
const HANDLER = 1;
const PARTITION = 2;
const KEY_HASH = 3;
/** Handlers and steps that have ended. */
const COUNT = 4;
/** Word of the request frame in the request rings; −1: the key is in the key area. */
const FRAME = 5;
const KEY_LENGTH = 6;

export class RunningMark {
  private readonly words: Int32Array;
  private readonly base: number;
  private readonly keys: Uint8Array;
  /** The event loop has its turn, for asynchronous commands too. */
  private inLoop: boolean;

  constructor(control: ControlBlock, worker: number) {
    this.words = control.shared.words;
    this.base = control.workerLine(worker) + OFFSET;
    this.keys = new Uint8Array(this.words.buffer, control.keyArea(worker), KEY_BYTES_MAX);
    this.inLoop = false;
  }

  /** Marks the handler of a request as running. @param frame the request's word in the request rings' buffer. */
  enter(type: number, handler: number, partition: number, keyHash: number, frame: number): void {
    const { words, base } = this;
    words[base + HANDLER] = (type << 8) | handler;
    words[base + PARTITION] = partition;
    words[base + KEY_HASH] = keyHash;
    words[base + FRAME] = frame;
    words[base + RUNNING] = HANDLER_RUNS;
  }

  /** The same for what no request stands for. False when something is marked already: then there is nothing to leave. */
  enterAlone(type: number, handler: number, partition: number, key: KeyBytes): boolean {
    if (this.words[this.base + RUNNING] === HANDLER_RUNS) return false;
    for (let index = 0; index < key.length; index++) this.keys[index] = key.bytes[key.offset + index] as number;
    this.words[this.base + KEY_LENGTH] = key.length;
    this.enter(type, handler, partition, key.hash, -1);
    return true;
  }

  leave(): void {
    const { words, base } = this;
    words[base + RUNNING] = 0;
    words[base + COUNT] = ((words[base + COUNT] as number) + 1) | 0;
  }

  /** The same after a step: in the event loop its handler goes on now, and what it does until it awaits is its own. */
  leaveStep(): void {
    this.leave();
    if (this.inLoop) this.words[this.base + RUNNING] = LOOP_RUNS;
  }

  /**
   * The event loop has its turn now. Which of several asynchronous commands goes on in it nobody can see: they are named once
   * they run a step. A single one is named at once.
   */
  enterLoop(only: RunningHandler | undefined): void {
    this.inLoop = true;
    if (only === undefined) return;
    const { words, base } = this;
    this.enterAlone(only.type, only.handler, only.partition, only.key);
    words[base + RUNNING] = LOOP_RUNS;
  }

  /** What was named has ended, or awaits again. */
  leaveLoop(): void {
    if (!this.inLoop) return;
    this.inLoop = false;
    this.leave();
  }
}

export function readRunning(control: ControlBlock, worker: number, memory: GridMemory): MarkedActor | undefined {
  const base = control.workerLine(worker) + OFFSET;
  const { shared } = control;
  const state = shared.load(base + RUNNING);
  if (state === 0) return undefined;
  const handler = shared.load(base + HANDLER);
  return {
    type: handler >>> 8,
    handler: handler & 255,
    partition: shared.load(base + PARTITION),
    keyHash: shared.load(base + KEY_HASH),
    key: readKey(control, worker, memory),
    frame: shared.load(base + FRAME),
    mayAwait: state === LOOP_RUNS,
  };
}

/** How many handlers and steps the worker has ended; the same number twice with one running means that it is blocked. */
export function handlersRun(control: ControlBlock, worker: number): number {
  return control.shared.load(control.workerLine(worker) + OFFSET + COUNT);
}

export function clearRunning(control: ControlBlock, worker: number): void {
  control.shared.store(control.workerLine(worker) + OFFSET + RUNNING, 0);
}

function readKey(control: ControlBlock, worker: number, memory: GridMemory): string {
  const base = control.workerLine(worker) + OFFSET;
  const frame = control.shared.load(base + FRAME);
  if (frame < 0) {
    const length = Math.min(KEY_BYTES_MAX, control.shared.load(base + KEY_LENGTH));
    return textOf(control.shared.words.buffer, control.keyArea(worker), length);
  }
  const { requests } = memory.rings;
  const body = frame + 2;
  if (body + REQUEST_WORDS > requests.byteLength >>> 2) return '';
  const length = new Int32Array(requests)[body + REQUEST_KEY_BYTES] as number;
  const offset = (body + REQUEST_WORDS) * 4;
  // It may have ended meanwhile and its room been written over: any bytes may stand here.
  return length >= 0 && length <= KEY_BYTES_MAX && offset + length <= requests.byteLength
    ? textOf(requests, offset, length)
    : '';
}

function textOf(buffer: ArrayBufferLike, offset: number, length: number): string {
  return Buffer.from(new Uint8Array(buffer, offset, length)).toString('utf8');
}
