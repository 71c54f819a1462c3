/** A request as its worker reads it: in place, where it stands. One reader for each lane; `at` binds it to a frame. */
import { type BulkConsumer, PackReader, readValue } from '@spacegrid/core';
import {
  FLAG_ONCE,
  FLAG_PATH,
  FLAG_TELL,
  headAck,
  headFlags,
  headHandler,
  headKind,
  headType,
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
import type { RequestSource } from './request-source.ts';

const NO_ARGUMENTS: readonly unknown[] = Object.freeze([]);

export class RequestFrame {
  readonly ring: RequestSource;
  private readonly large: BulkConsumer | undefined;
  private frame: number;
  private body: number;
  private readonly reader: PackReader;

  constructor(ring: RequestSource, large: BulkConsumer | undefined) {
    this.ring = ring;
    this.large = large;
    this.frame = 0;
    this.body = 0;
    this.reader = new PackReader(ring.u8, 0, 0);
  }

  /** @param frame word index of the frame; its body begins two words after it. */
  at(frame: number): this {
    this.frame = frame;
    this.body = frame + 2;
    return this;
  }

  get number(): number {
    return this.ring.i32[this.body + REQUEST_NUMBER] as number;
  }
  get kind(): number {
    return headKind(this.head);
  }
  get ack(): number {
    return headAck(this.head);
  }
  get type(): number {
    return headType(this.head);
  }
  get handler(): number {
    return headHandler(this.head);
  }
  get isTell(): boolean {
    return (headFlags(this.head) & FLAG_TELL) !== 0;
  }
  get partition(): number {
    return this.ring.i32[this.body + REQUEST_PARTITION] as number;
  }
  get keyHash(): number {
    return this.ring.i32[this.body + REQUEST_KEY_HASH] as number;
  }
  get keyLength(): number {
    return this.ring.i32[this.body + REQUEST_KEY_BYTES] as number;
  }
  /** Offset of the key in `ring.u8`. */
  get keyOffset(): number {
    return (this.body + REQUEST_WORDS) * 4;
  }
  /** Wall-clock milliseconds; 0 for none. */
  get deadline(): number {
    return this.ring.f64[(this.body + REQUEST_DEADLINE) >>> 1] as number;
  }

  /** The arguments. Throws DecodeError. */
  args(): readonly unknown[] {
    const { i32, u8 } = this.ring;
    const count = i32[this.body + REQUEST_ARGUMENT_COUNT] as number;
    if (count === 0) return NO_ARGUMENTS;
    const length = i32[this.body + REQUEST_ARGUMENT_BYTES] as number;
    let reader: PackReader;
    if (this.large !== undefined && this.ring.hasBulk(this.frame)) {
      const from = this.large.offsetOf(this.frame);
      reader = this.reader.reset(this.large.u8, from, from + length);
    } else {
      const from = this.argumentOffset;
      reader = this.reader.reset(u8, from, from + length);
    }
    // Pushing to an empty array costs 40 ns: it gets room for 17.
    if (count === 1) return [readValue(reader)];
    if (count === 2) return [readValue(reader), readValue(reader)];
    const args: unknown[] = [];
    for (let index = 0; index < count; index++) args.push(readValue(reader));
    return args;
  }

  /** The whole request, its arguments behind the rest wherever they stood. */
  copy(): Uint8Array {
    const { i32, u8 } = this.ring;
    const from = this.body * 4;
    const head = this.argumentOffset - from;
    const length = i32[this.body + REQUEST_ARGUMENT_BYTES] as number;
    const copy = new Uint8Array(head + length);
    copy.set(u8.subarray(from, from + head));
    if (this.large !== undefined && this.ring.hasBulk(this.frame)) {
      const at = this.large.offsetOf(this.frame);
      copy.set(this.large.u8.subarray(at, at + length), head);
    } else {
      copy.set(u8.subarray(from + head, from + head + length), head);
    }
    return copy;
  }

  /** True when there is an idempotency key or a path. */
  get hasExtra(): boolean {
    return (this.ring.i32[this.body + REQUEST_EXTRA_BYTES] as number) !== 0;
  }

  /** The idempotency key, if the call has one. */
  once(): string | undefined {
    if ((headFlags(this.head) & FLAG_ONCE) === 0) return undefined;
    return readValue(this.extra()) as string;
  }

  /** The path of callers, outermost first. */
  path(): readonly string[] {
    const flags = headFlags(this.head);
    if ((flags & FLAG_PATH) === 0) return [];
    const extra = this.extra();
    if ((flags & FLAG_ONCE) !== 0) readValue(extra);
    return readValue(extra) as string[];
  }

  private get argumentOffset(): number {
    const extraBytes = this.ring.i32[this.body + REQUEST_EXTRA_BYTES] as number;
    return this.keyOffset + padTo4(this.keyLength) + padTo4(extraBytes);
  }

  private extra(): PackReader {
    const { i32, u8 } = this.ring;
    const from = this.keyOffset + padTo4(this.keyLength);
    return this.reader.reset(u8, from, from + (i32[this.body + REQUEST_EXTRA_BYTES] as number));
  }

  private get head(): number {
    return this.ring.i32[this.body + REQUEST_HEAD] as number;
  }
}
