/** Entries whose bytes follow from their sequence, so that whoever reads one sees whether it is whole. */
import type { Heap } from '../../src/memory/heap.ts';
import { type OutboxReader, type OutboxWriter, padWords } from '../../src/memory/outbox.ts';

/** What the stress test and its follower thread share: words of the control buffer. */
export interface FollowerData {
  readonly heap: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly seed: number;
}
export const READ = 0;
export const STOP = 32;

const REPLY_BYTES = 9;

/** Length of the change set of a turn: mostly small, some larger than a segment of 64 KiB. */
export function lengthOf(sequence: number): number {
  if (sequence % 701 === 0) return 70_000 + (sequence % 7) * 30_000;
  return sequence % 13 === 0 ? 3000 + (sequence % 1000) : sequence % 60;
}

/** Runs a turn that records nothing but its entry. */
export function appendEntry(heap: Heap, outbox: OutboxWriter, bytes: number = lengthOf(heap.committed + 1)): void {
  heap.begin();
  writeEntry(heap, outbox, bytes);
  heap.commit();
}

/** Opens, fills and seals the entry of the turn that was begun, taking room as it needs. */
export function writeEntry(heap: Heap, outbox: OutboxWriter, bytes: number): number {
  const sequence = heap.committed + 1;
  const replyAt = padWords(bytes) * 4;
  outbox.open();
  let written = 0;
  const room = (needed: number): void => {
    if (outbox.bodyStart + needed > outbox.bodyEnd) outbox.extend(written, needed);
  };
  for (const length of [Math.min(bytes, 100), Math.min(bytes, 66_000), bytes]) {
    room(length);
    for (; written < length; written++) heap.u8[outbox.bodyStart + written] = byteOf(sequence, written);
  }
  room(replyAt + REPLY_BYTES);
  heap.u8.fill(sequence & 0xff, outbox.bodyStart + replyAt, outbox.bodyStart + replyAt + REPLY_BYTES);
  return outbox.seal(3, sequence | 0, 0, bytes, REPLY_BYTES);
}

/** Throws an Error unless the reader's current entry is that of its sequence. */
export function checkEntry(heap: Heap, reader: OutboxReader, bytes: number = lengthOf(reader.sequence)): void {
  const { sequence, changeOffset, changeBytes } = reader;
  if (changeBytes !== bytes) throw new Error(`entry ${sequence} has ${changeBytes} bytes instead of ${bytes}`);
  for (let at = 0; at < bytes; at++) {
    if (heap.u8[changeOffset + at] !== byteOf(sequence, at)) throw new Error(`entry ${sequence} differs at byte ${at}`);
  }
}

function byteOf(sequence: number, at: number): number {
  return (sequence * 31 + at) & 0xff;
}
