/**
 * The rings between one client thread and one worker, and how a request is written into them: straight into its frame, beside
 * the ring where its arguments are too large.
 */
import {
  BULK_REFERENCE_BYTES,
  BulkConsumer,
  BulkProducer,
  MESSAGE_BYTES_MAX_DEFAULT,
  PackOverflow,
  PackReader,
  PackWriter,
  RingConsumer,
  RingProducer,
  writeValue,
} from '@spacegrid/core';
import type { ControlBlock } from '../control/control-block.ts';
import {
  padTo4,
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
} from '../control/frames.ts';
import type { GridMemory } from '../control/grid-memory.ts';
import { LARGE_BYTES, pairOf, ringOffset } from '../control/lanes.ts';
import type { Bell, Surroundings } from '../control/surroundings.ts';
import type { Request } from './request.ts';

/** Room reserved for a request at first; a larger one is written again with LARGE_BYTES, then beside its ring. */
const REQUEST_ROOM_BYTES = 2048;

export class Lane {
  readonly worker: number;
  readonly requests: RingProducer;
  readonly replies: RingConsumer;
  readonly doorbell: Bell;
  /** Requests written and not yet published. */
  unpublished: number;
  /** Ticket of the request written last, for `cancel`. */
  ticket: number;
  /** For what is too large for the rings. */
  private readonly largeRequests: BulkProducer;
  private readonly largeReplies: BulkConsumer;
  private readonly writer: PackWriter;
  private readonly reader: PackReader;

  constructor(memory: GridMemory, control: ControlBlock, client: number, worker: number, surroundings: Surroundings) {
    const { rings, shape } = memory;
    const offset = ringOffset(shape, client, worker, rings.ringBytes);
    const pair = pairOf(shape, client, worker);
    this.worker = worker;
    this.requests = new RingProducer(rings.requests, offset, rings.ringBytes);
    this.replies = new RingConsumer(rings.replies, offset, rings.ringBytes);
    this.doorbell = surroundings.bell(control, worker);
    this.unpublished = 0;
    this.ticket = 0;
    this.largeRequests = new BulkProducer(this.requests, rings.largeRequests[pair] as SharedArrayBuffer);
    this.largeReplies = new BulkConsumer(this.replies, rings.largeReplies[pair] as SharedArrayBuffer);
    this.writer = new PackWriter(this.requests.u8, 0, 0);
    this.reader = new PackReader(this.replies.u8, 0, 0);
  }

  /** Publish: all that was written; wakes the worker if it sleeps. */
  publish(): void {
    this.unpublished = 0;
    this.requests.publish();
    this.doorbell.ring();
  }

  /** Writes a request; false when the ring has no room now. Throws EncodeError for arguments that can't be sent. */
  write(number: number, request: Request, deadline: number): boolean {
    // Bound: two tries.
    for (let room = REQUEST_ROOM_BYTES; room <= LARGE_BYTES; room *= LARGE_BYTES / REQUEST_ROOM_BYTES) {
      const at = this.requests.reserve(room);
      if (at < 0) return false;
      const bytes = this.writeBody(at, room, number, request, deadline);
      if (bytes > 0) {
        this.ticket = this.requests.push(bytes);
        return true;
      }
    }
    return this.writeLarge(number, request, deadline);
  }

  /** A reader of a reply's value, `length` bytes; `valueAt` is where it begins unless it stands beside the ring. */
  valueOf(frame: number, valueAt: number, length: number): PackReader {
    if (this.replies.hasBulk(frame)) {
      const from = this.largeReplies.offsetOf(frame);
      return this.reader.reset(this.largeReplies.u8, from, from + length);
    }
    return this.reader.reset(this.replies.u8, valueAt, valueAt + length);
  }

  /** Arguments that are too large for a ring stand beside it. */
  private writeLarge(number: number, request: Request, deadline: number): boolean {
    const writer = PackWriter.growing(LARGE_BYTES * 4, MESSAGE_BYTES_MAX_DEFAULT + 1024);
    for (const argument of request.args) writeValue(writer, argument);
    const { key, extra } = request;
    const body = REQUEST_WORDS * 4 + padTo4(key.length) + padTo4(extra?.length ?? 0);
    const to = this.largeRequests.reserve(writer.at);
    const at = to < 0 ? -1 : this.requests.reserve(body + BULK_REFERENCE_BYTES);
    if (at < 0) return false;
    this.largeRequests.u8.set(writer.written(), to);
    this.writeHead(at, number, request, writer.at, deadline);
    this.ticket = this.largeRequests.push(body, writer.at);
    return true;
  }

  /** Bytes of the body, or 0 when they do not fit `room`. */
  private writeBody(at: number, room: number, number: number, request: Request, deadline: number): number {
    const { key, args, extra } = request;
    const start = at + REQUEST_WORDS * 4 + padTo4(key.length) + padTo4(extra?.length ?? 0);
    const end = at + room;
    if (start > end) return 0;
    const writer = this.writer;
    writer.at = start;
    writer.end = end;
    try {
      for (let index = 0; index < args.length; index++) writeValue(writer, args[index]);
    } catch (error) {
      if (error === PackOverflow) return 0;
      throw error;
    }
    this.writeHead(at, number, request, writer.at - start, deadline);
    return writer.at - at;
  }

  /** Everything of a request's body before its arguments. */
  private writeHead(at: number, number: number, request: Request, argumentBytes: number, deadline: number): void {
    const { key, extra, head } = request;
    const { i32, f64, u8 } = this.requests;
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
    f64[(word + REQUEST_DEADLINE) >>> 1] = deadline;
  }
}
