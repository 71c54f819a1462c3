/**
 * Replies from one worker to all client threads. A partition thread never waits for room: what finds a ring full is kept here
 * in order, and the worker takes nothing more from that client until it is gone. What ends meanwhile, long commands and what
 * waited for the disk, is kept too, up to a limit: then callers are told that their answer was given up.
 */
import {
  BULK_REFERENCE_BYTES,
  BulkProducer,
  Doorbell,
  encodeError,
  OutcomeUnknownError,
  PackWriter,
  RingProducer,
} from '@spacegrid/core';
import { CLIENT_ACTIVE, CLIENT_FREE, type ControlBlock } from '../control/control-block.ts';
import {
  padTo4,
  REPLY_NUMBER,
  REPLY_PARTITION,
  REPLY_SEQUENCE_HIGH,
  REPLY_SEQUENCE_LOW,
  REPLY_STATUS,
  REPLY_VALUE_BYTES,
  REPLY_WORDS,
  STATUS_REFUSED,
  STATUS_WATCH_ERROR,
  STATUS_WATCH_VALUE,
} from '../control/frames.ts';
import type { GridMemory } from '../control/grid-memory.ts';
import { LARGE_BYTES, pairOf, ringOffset } from '../control/lanes.ts';

interface HeldReply {
  readonly number: number;
  readonly status: number;
  readonly sequence: number;
  readonly partition: number;
  readonly bytes: Uint8Array;
}

/** Bound: bytes of answers that are held for one client. */
const HELD_BYTES_MAX: number = 64 * 1024 * 1024;

export class ReplyLanes {
  private readonly rings: RingProducer[];
  private readonly large: BulkProducer[];
  private readonly doorbells: Doorbell[];
  private readonly held: HeldReply[][];
  private readonly heldBytes: number[];
  private readonly written: boolean[];
  private anyWritten: boolean;
  private heldCount: number;
  private readonly control: ControlBlock;
  private readonly worker: number;

  constructor(memory: GridMemory, control: ControlBlock, worker: number) {
    const { shape, rings } = memory;
    this.rings = [];
    this.large = [];
    this.doorbells = [];
    this.held = [];
    this.heldBytes = [];
    this.written = [];
    for (let client = 0; client < shape.clients; client++) {
      this.rings.push(
        new RingProducer(rings.replies, ringOffset(shape, client, worker, rings.ringBytes), rings.ringBytes),
      );
      this.large.push(
        new BulkProducer(
          this.rings[client] as RingProducer,
          rings.largeReplies[pairOf(shape, client, worker)] as SharedArrayBuffer,
        ),
      );
      this.doorbells.push(new Doorbell(control.shared.words, control.doorbell(client)));
      this.held.push([]);
      this.heldBytes.push(0);
      this.written.push(false);
    }
    this.anyWritten = false;
    this.heldCount = 0;
    this.control = control;
    this.worker = worker;
  }

  /** True when the client has taken so little that nothing more is done for it. */
  isBlocked(client: number): boolean {
    return (this.held[client] as HeldReply[]).length > 0;
  }

  /** Writes a reply whose value is `bytes[from, from + length)`. */
  reply(
    client: number,
    number: number,
    status: number,
    sequence: number,
    partition: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void {
    const held = this.held[client] as HeldReply[];
    if (held.length > 0 || !this.write(client, number, status, sequence, partition, bytes, from, length)) {
      // Late answers to a client that is gone fill what room its ring has, and nobody waits for the rest.
      if (this.isGone(client)) return;
      const heldBytes = (this.heldBytes[client] as number) + length;
      this.heldCount++;
      if (heldBytes > HELD_BYTES_MAX) {
        const isWatch = status === STATUS_WATCH_VALUE || status === STATUS_WATCH_ERROR;
        held.push({
          number,
          status: isWatch ? STATUS_WATCH_ERROR : STATUS_REFUSED,
          sequence,
          partition,
          bytes: givenUp(),
        });
        return;
      }
      this.heldBytes[client] = heldBytes;
      held.push({ number, status, sequence, partition, bytes: bytes.slice(from, from + length) });
    }
  }

  /** Sends what was held, publishes once for all, and rings those who sleep. True when something moved. */
  flush(): boolean {
    if (this.heldCount > 0) this.sendHeld();
    if (!this.anyWritten) return false;
    let moved = false;
    for (let client = 0; client < this.rings.length; client++) {
      if (!this.written[client]) continue;
      if ((this.rings[client] as RingProducer).publish()) moved = true;
      this.written[client] = false;
      (this.doorbells[client] as Doorbell).ring();
    }
    this.anyWritten = false;
    return moved;
  }

  /** Replies are written and not published. */
  get hasWritten(): boolean {
    return this.anyWritten;
  }

  /** Replies wait for a client to take some. */
  get holds(): boolean {
    return this.heldCount > 0;
  }

  /** Forgets what was held for a client that is gone. */
  drop(client: number): void {
    const held = this.held[client] as HeldReply[];
    this.heldCount -= held.length;
    this.heldBytes[client] = 0;
    held.length = 0;
  }

  /** True when this worker has let go of the client's slot and no other thread has taken it. */
  private isGone(client: number): boolean {
    const state = this.control.clientState(client);
    return state === CLIENT_FREE || (state !== CLIENT_ACTIVE && !this.control.isHeld(client, this.worker));
  }

  private write(
    client: number,
    number: number,
    status: number,
    sequence: number,
    partition: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): boolean {
    const ring = this.rings[client] as RingProducer;
    if (length > LARGE_BYTES) {
      const large = this.large[client] as BulkProducer;
      const to = large.reserve(length);
      const at = to < 0 ? -1 : ring.reserve(REPLY_WORDS * 4 + BULK_REFERENCE_BYTES);
      if (at < 0) return false;
      writeHead(ring.i32, at >>> 2, number, status, sequence, partition, length);
      large.u8.set(bytes.subarray(from, from + length), to);
      large.push(REPLY_WORDS * 4, length);
    } else {
      const body = REPLY_WORDS * 4 + padTo4(length);
      const at = ring.reserve(body);
      if (at < 0) return false;
      const { u8 } = ring;
      writeHead(ring.i32, at >>> 2, number, status, sequence, partition, length);
      const to = at + REPLY_WORDS * 4;
      if (length < 48) {
        for (let index = 0; index < length; index++) u8[to + index] = bytes[from + index] as number;
      } else {
        u8.set(bytes.subarray(from, from + length), to);
      }
      ring.push(body);
    }
    this.written[client] = true;
    this.anyWritten = true;
    return true;
  }

  private sendHeld(): void {
    for (let client = 0; client < this.held.length; client++) {
      const held = this.held[client] as HeldReply[];
      let sent = 0;
      for (const reply of held) {
        if (
          !this.write(
            client,
            reply.number,
            reply.status,
            reply.sequence,
            reply.partition,
            reply.bytes,
            0,
            reply.bytes.length,
          )
        )
          break;
        sent++;
        if (reply.bytes !== givenUpBytes)
          this.heldBytes[client] = (this.heldBytes[client] as number) - reply.bytes.length;
      }
      if (sent > 0) held.splice(0, sent);
      this.heldCount -= sent;
    }
  }
}

let givenUpBytes: Uint8Array | undefined;

/** The error in the place of an answer that is not held: always the same bytes, which count for nothing. */
function givenUp(): Uint8Array {
  if (givenUpBytes === undefined) {
    const writer = PackWriter.growing();
    const message = `this thread has taken none of ${HELD_BYTES_MAX} bytes of answers: the one to this call was given up, the call may have run`;
    encodeError(writer, new OutcomeUnknownError(message));
    givenUpBytes = writer.written().slice();
  }
  return givenUpBytes;
}

function writeHead(
  i32: Int32Array,
  word: number,
  number: number,
  status: number,
  sequence: number,
  partition: number,
  length: number,
): void {
  i32[word + REPLY_NUMBER] = number;
  i32[word + REPLY_STATUS] = status;
  i32[word + REPLY_SEQUENCE_LOW] = sequence | 0;
  i32[word + REPLY_SEQUENCE_HIGH] = sequence < 4_294_967_296 ? 0 : Math.floor(sequence / 4_294_967_296);
  i32[word + REPLY_VALUE_BYTES] = length;
  i32[word + REPLY_PARTITION] = partition;
}
