/**
 * Writes what a turn changes into its outbox entry, as row operations, while it happens: no second copy. Then the reply and
 * the outgoing messages follow in the same entry.
 */
import { type Heap, type KeyBytes, type OutboxWriter, PackOverflow, PackWriter, writeValue } from '@spacegrid/core';

const PUT = 1;
const DELETE = 2;
const CLEAR = 3;
const OP_HEAD_BYTES_MAX = 12;
const CLEARS_KEPT = 256;

export class ChangeRecorder {
  /** Stands at the next byte of the entry. */
  readonly writer: PackWriter;
  /** False without persistence or replicas: then rows are not recorded. */
  readonly enabled: boolean;
  /** Counts `clear`. */
  clears: number;
  /** The last of them, by their number: what the rows began with. */
  private readonly lastClears: Uint8Array[];
  private readonly heap: Heap;
  private readonly outbox: OutboxWriter;
  private partStart: number;

  constructor(heap: Heap, outbox: OutboxWriter, enabled: boolean) {
    this.heap = heap;
    this.outbox = outbox;
    this.enabled = enabled;
    // Begins anywhere: what was counted by a predecessor is met by no count of this thread.
    this.clears = Math.floor(Math.random() * 2 ** 48);
    this.lastClears = [];
    this.writer = new PackWriter(heap.u8, 0, 0);
    this.partStart = 0;
  }

  /** Opens the entry of the turn that was begun. */
  begin(): void {
    this.outbox.open();
    this.bind(0);
    this.partStart = this.writer.at;
  }

  /** Bytes of the part written since the last call; the next part begins at a whole word. */
  endPart(): number {
    const bytes = this.writer.at - this.partStart;
    const pad = -bytes & 3;
    this.room(pad);
    this.writer.at += pad;
    this.partStart = this.writer.at;
    return bytes;
  }

  /** Begins `put` of a row whose value has exactly `valueBytes` bytes; the caller writes them next. */
  put(prefix: Uint8Array, tag: Uint8Array | undefined, entry: KeyBytes | undefined, valueBytes: number): void {
    const keyBytes = prefix.length + (tag?.length ?? 0) + (entry?.length ?? 0);
    this.room(OP_HEAD_BYTES_MAX + keyBytes + valueBytes);
    this.head(PUT, keyBytes, prefix, tag, entry);
    this.writer.varint(valueBytes);
  }

  delete(prefix: Uint8Array, tag: Uint8Array | undefined, entry: KeyBytes | undefined): void {
    const keyBytes = prefix.length + (tag?.length ?? 0) + (entry?.length ?? 0);
    this.room(OP_HEAD_BYTES_MAX + keyBytes);
    this.head(DELETE, keyBytes, prefix, tag, entry);
  }

  /** All rows whose key begins so. */
  clear(prefix: Uint8Array, tag: Uint8Array | undefined): void {
    this.lastClears[this.clears++ % CLEARS_KEPT] = tag === undefined ? prefix : new Uint8Array([...prefix, ...tag]);
    const keyBytes = prefix.length + (tag?.length ?? 0);
    this.room(OP_HEAD_BYTES_MAX + keyBytes);
    this.head(CLEAR, keyBytes, prefix, tag, undefined);
  }

  /** Whether a row was, or may have been, among those cleared since `clears` was so many, also in a turn that was undone. */
  wasCleared(key: Uint8Array, since: number): boolean {
    if (since > this.clears || this.clears - since > CLEARS_KEPT) return true;
    for (let number = since; number < this.clears; number++) {
      const prefix = this.lastClears[number % CLEARS_KEPT] as Uint8Array;
      if (prefix.every((byte, index) => key[index] === byte)) return true;
    }
    return false;
  }

  /** Writes a value of unknown size, taking more room as it needs. */
  value(value: unknown): void {
    for (;;) {
      const at = this.writer.at;
      try {
        writeValue(this.writer, value);
        return;
      } catch (error) {
        if (error !== PackOverflow) throw error;
        this.writer.at = at;
        // Bound: room doubles up to the change set's limit, all of it is tried, then extend throws.
        const room = this.writer.end - at;
        const most = this.outbox.entryBytesMax - (at - this.outbox.bodyStart);
        this.room(Math.max(room + 1, Math.min(room * 2 + 1024, most)));
      }
    }
  }

  /** Makes sure that `bytes` more fit the entry. Throws ChangeSetTooLargeError beyond the limit. */
  room(bytes: number): void {
    const { writer, outbox } = this;
    if (writer.end - writer.at >= bytes) return;
    const used = writer.at - outbox.bodyStart;
    const part = this.partStart - outbox.bodyStart;
    outbox.extend(used, used + bytes);
    this.bind(used);
    this.partStart = outbox.bodyStart + part;
  }

  private bind(used: number): void {
    const { writer, outbox } = this;
    writer.bytes = this.heap.u8;
    writer.at = outbox.bodyStart + used;
    writer.end = outbox.bodyEnd;
  }

  private head(
    kind: number,
    keyBytes: number,
    prefix: Uint8Array,
    tag: Uint8Array | undefined,
    entry: KeyBytes | undefined,
  ): void {
    const { writer } = this;
    writer.u8(kind);
    writer.varint(keyBytes);
    let at = writer.at;
    const bytes = writer.bytes;
    for (let index = 0; index < prefix.length; index++) bytes[at++] = prefix[index] as number;
    if (tag !== undefined) for (let index = 0; index < tag.length; index++) bytes[at++] = tag[index] as number;
    if (entry !== undefined) {
      const from = entry.bytes;
      for (let index = entry.offset, end = entry.offset + entry.length; index < end; index++)
        bytes[at++] = from[index] as number;
    }
    writer.at = at;
  }
}
