/**
 * A journal batch: the change sets of some partitions, in order. Two blobs: where each run stands, and the changes of all runs
 * one behind the other. Apart, because a batch whose changes are damaged can then still say whose they are.
 *
 * ```
 * runs:  (partition varint, epoch varint, first sequence f64, last sequence f64, bytes varint)*
 * data:  the changes of each run: those of all its turns, one behind the other: still row operations
 * ```
 */
import { assert, type DurablePosition, digest64, PackReader, PackWriter, StoreCorruptError } from '@spacegrid/core';

export interface BatchRun {
  readonly partition: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  /** A view into the batch. */
  readonly changes: Uint8Array;
}

/** A batch as it stands in the journal. */
export interface StoredBatch {
  readonly id: number;
  readonly runs: Uint8Array;
  readonly data: Uint8Array;
}

export interface BatchChecksums {
  readonly runs: bigint;
  readonly data: bigint;
}

/** A change set has at most 64 MiB, and a batch is full before one is added. */
const BATCH_BYTES_MAX = 256 * 1024 * 1024;
const RUN_BYTES_MAX = 40;

export class BatchWriter {
  private readonly heads: PackWriter;
  private readonly writer: PackWriter;
  private runStart: number;
  /** Positions reached, by partition. */
  readonly reached: Map<number, DurablePosition>;

  constructor() {
    this.heads = PackWriter.growing(4096, 1024 * 1024);
    this.writer = PackWriter.growing(256 * 1024, BATCH_BYTES_MAX);
    this.runStart = 0;
    this.reached = new Map();
  }

  /** Of the changes so far. */
  get bytes(): number {
    return this.writer.at;
  }

  clear(): void {
    this.heads.at = 0;
    this.writer.at = 0;
    this.runStart = 0;
    this.reached.clear();
  }

  /** Copies the changes of one more turn of the run that will be ended next. */
  addChanges(bytes: Uint8Array, from: number, length: number): void {
    const { writer } = this;
    writer.room(length);
    const to = writer.at;
    // Up to here a loop is faster than making the views that `set` needs.
    if (length < 64)
      for (let index = 0; index < length; index++) writer.bytes[to + index] = bytes[from + index] as number;
    else writer.bytes.set(bytes.subarray(from, from + length), to);
    writer.at = to + length;
  }

  endRun(partition: number, epoch: number, first: number, last: number): void {
    assert(last >= first, 'a run goes forward');
    const { heads } = this;
    heads.room(RUN_BYTES_MAX);
    heads.varint(partition);
    heads.varint(epoch);
    heads.f64(first);
    heads.f64(last);
    heads.varint(this.writer.at - this.runStart);
    this.runStart = this.writer.at;
    this.reached.set(partition, { epoch, sequence: last });
  }

  /** Where the runs stand: a view. */
  runs(): Uint8Array {
    return this.heads.written();
  }

  /** The changes: a view. */
  data(): Uint8Array {
    return this.writer.written();
  }
}

/** The second checksum hangs on the first, and that on the number: blobs of two batches can't be taken for one. */
export function checksumsOf(id: number, runs: Uint8Array, data: Uint8Array): BatchChecksums {
  const ofRuns = digest64(runs, BigInt(id));
  return { runs: BigInt.asIntN(64, ofRuns), data: BigInt.asIntN(64, digest64(data, ofRuns)) };
}

/** Throws StoreCorruptError, which says as much of what is damaged as can still be read. */
export function checkBatch(file: string, { id, runs, data }: StoredBatch, stored: BatchChecksums): void {
  const found = checksumsOf(id, runs, data);
  if (found.runs === stored.runs && found.data === stored.data) return;
  const details = { file, batch: id, bytes: runs.length + data.length };
  if (found.runs !== stored.runs) {
    throw new StoreCorruptError(
      `batch ${id} of ${file} (${runs.length + data.length} bytes) fails its checksum, and so does the list of what it holds: nothing of it was taken`,
      { details },
    );
  }
  const ranges = rangesOf(runs);
  const text = ranges.map(({ partition, first, last }) => `partition ${partition}, sequences ${first} to ${last}`);
  throw new StoreCorruptError(
    `batch ${id} of ${file} (${data.length} bytes) fails its checksum: nothing of it was taken; it holds ${text.join('; ')}`,
    { details: { ...details, ranges } },
  );
}

/** Visits the runs of a batch whose checksum was checked. */
export function forEachRun(runs: Uint8Array, data: Uint8Array, visit: (run: BatchRun) => void): void {
  const reader = new PackReader(runs);
  let from = 0;
  while (reader.at < runs.length) {
    const partition = reader.varint();
    const epoch = reader.varint();
    const first = reader.f64();
    const last = reader.f64();
    const to = from + reader.varint();
    assert(to <= data.length, 'the runs of a batch end where its changes do');
    visit({ partition, epoch, first, last, changes: data.subarray(from, to) });
    from = to;
  }
}

interface RunRange {
  readonly partition: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

function rangesOf(runs: Uint8Array): RunRange[] {
  const reader = new PackReader(runs);
  const ranges: RunRange[] = [];
  while (reader.at < runs.length) {
    ranges.push({ partition: reader.varint(), epoch: reader.varint(), first: reader.f64(), last: reader.f64() });
    reader.varint();
  }
  return ranges;
}
