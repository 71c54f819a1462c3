/** The key of one row after another, of rows that begin alike: written in place, copied where it is kept. */
import { type Heap, type HotMap, KEY_BYTES_MAX, type RankingCheck } from '@spacegrid/core';

const BYTES = 4096;

export class RowKeyWriter {
  /** The key stands in the first `at` bytes. */
  readonly bytes: Uint8Array = new Uint8Array(BYTES);
  at = 0;
  private prefixLength = 0;

  begin(prefix: Uint8Array, tag: Uint8Array | undefined): void {
    this.bytes.set(prefix);
    if (tag !== undefined) this.bytes.set(tag, prefix.length);
    this.prefixLength = prefix.length + (tag?.length ?? 0);
    this.at = this.prefixLength;
  }

  entryOfRecord(map: HotMap, record: number): void {
    this.entry(map.heap, map.keyOffset(record), map.keyByteLength(record));
  }

  entryOfMember(check: RankingCheck, record: number): void {
    this.entry(check.heap, check.memberOffset(record), check.memberLength(record));
  }

  copy(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  /** What the rows begin with. */
  copyPrefix(): Uint8Array {
    return this.bytes.slice(0, this.prefixLength);
  }

  private entry(heap: Heap, from: number, length: number): void {
    // A damaged record may speak of more.
    const taken = Math.min(length, KEY_BYTES_MAX);
    let at = this.prefixLength;
    for (let index = from; index < from + taken; index++) this.bytes[at++] = heap.u8[index] as number;
    this.at = at;
  }
}
