/**
 * Bodies of request and reply frames: where their words stand. All offsets are in words from the body's start, which is
 * 8-byte aligned.
 *
 * ```
 * request: [number, head, partition, key hash, key bytes, argument count, argument bytes, extra bytes, deadline (f64)]
 *          key… extra… arguments…            each part padded to whole words; large arguments stand beside the ring
 * head:    kind 4 bits | ack 4 | type 8 | handler 8 | flags 8
 * reply:   [number, status, sequence low, sequence high, value bytes, partition] value…
 * ```
 */
export const REQUEST_NUMBER = 0;
export const REQUEST_HEAD = 1;
export const REQUEST_PARTITION = 2;
export const REQUEST_KEY_HASH = 3;
export const REQUEST_KEY_BYTES = 4;
export const REQUEST_ARGUMENT_COUNT = 5;
export const REQUEST_ARGUMENT_BYTES = 6;
export const REQUEST_EXTRA_BYTES = 7;
/** Wall-clock milliseconds after which the call need not be started; 0 for none. A 64-bit float. */
export const REQUEST_DEADLINE = 8;
export const REQUEST_WORDS = 10;

export const KIND_COMMAND = 0;
export const KIND_QUERY = 1;
/** Registers a standing query; `number` names it. */
export const KIND_WATCH = 2;
export const KIND_UNWATCH = 3;
/** The watcher has taken the last answer: the next may come. */
export const KIND_WATCH_TAKEN = 4;

/** Answers when what its argument names, the sequence of a turn, is durable. */
export const KIND_REACHED = 5;

/** The extra part holds an idempotency key. */
export const FLAG_ONCE = 1;
/** Nobody waits for the reply. */
export const FLAG_TELL = 2;
/** The extra part holds the path of callers. */
export const FLAG_PATH = 4;

export const ACK_MEMORY = 0;
export const ACK_DURABLE = 2;
/** The actor's own default. */
export const ACK_DEFAULT = 15;

export function packHead(kind: number, ack: number, type: number, handler: number, flags: number): number {
  return kind | (ack << 4) | (type << 8) | (handler << 16) | (flags << 24);
}
export function headKind(head: number): number {
  return head & 15;
}
export function headAck(head: number): number {
  return (head >>> 4) & 15;
}
export function headType(head: number): number {
  return (head >>> 8) & 255;
}
export function headHandler(head: number): number {
  return (head >>> 16) & 255;
}
export function headFlags(head: number): number {
  return head >>> 24;
}

export const REPLY_NUMBER = 0;
export const REPLY_STATUS = 1;
export const REPLY_SEQUENCE_LOW = 2;
export const REPLY_SEQUENCE_HIGH = 3;
export const REPLY_VALUE_BYTES = 4;
export const REPLY_PARTITION = 5;
export const REPLY_WORDS = 6;

export const STATUS_VALUE = 0;
export const STATUS_ERROR = 1;
export const STATUS_WATCH_VALUE = 2;
export const STATUS_WATCH_ERROR = 3;
/** An error too, but the handler did not run. */
export const STATUS_REFUSED = 4;

export function padTo4(bytes: number): number {
  return (bytes + 3) & ~3;
}
