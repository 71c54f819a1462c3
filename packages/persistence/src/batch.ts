/**
 * A journal batch: the change sets of some partitions, in order, as one blob under one checksum.
 *
 * ```
 * run*    run := partition (varint), epoch (varint), first sequence (f64), last sequence (f64), changes (length-prefixed)
 * ```
 * The changes of a run are those of all its turns, one behind the other: still row operations.
 */
import { digest64, PackReader, PackWriter } from '@spacegrid/core';

export interface BatchRun {
  readonly partition: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  /** A view into the batch. */
  readonly changes: Uint8Array;
}

/** Changes of one partition from a batch. */
export interface TailRun {
  readonly last: number;
  readonly changes: Uint8Array;
}

const RUN_HEAD_BYTES = 32;

export class BatchWriter {
  private readonly writer: PackWriter;
  /** Positions reached, by partition. */
  readonly reached: Map<number, { epoch: number; sequence: number }>;

  constructor() {
    this.writer = PackWriter.growing(256 * 1024, 256 * 1024 * 1024);
    this.reached = new Map();
  }

  get bytes(): number {
    return this.writer.at;
  }

  clear(): void {
    this.writer.at = 0;
    this.reached.clear();
  }

  addRun(partition: number, epoch: number, first: number, last: number, changes: Uint8Array, length: number): void {
    const { writer } = this;
    writer.room(RUN_HEAD_BYTES + length);
    writer.varint(partition);
    writer.varint(epoch);
    writer.f64(first);
    writer.f64(last);
    writer.blob(changes.subarray(0, length));
    this.reached.set(partition, { epoch, sequence: last });
  }

  /** The batch so far: a view. */
  written(): Uint8Array {
    return this.writer.written();
  }
}

export function checksumOf(batch: Uint8Array): bigint {
  return BigInt.asIntN(64, digest64(batch));
}

/** Visits the runs of a batch whose checksum was checked. */
export function forEachRun(batch: Uint8Array, visit: (run: BatchRun) => void): void {
  const reader = new PackReader(batch);
  while (reader.at < batch.length) {
    const partition = reader.varint();
    const epoch = reader.varint();
    const first = reader.f64();
    const last = reader.f64();
    const length = reader.varint();
    reader.need(length);
    const changes = batch.subarray(reader.at, reader.at + length);
    reader.at += length;
    visit({ partition, epoch, first, last, changes });
  }
}
