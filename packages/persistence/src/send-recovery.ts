/** Sends a partition's state to the thread that loads it: rows, then what the journal adds, no faster than it is taken. */
import type { MessagePort } from 'node:worker_threads';
import type { DurablePosition, RecoveryChunk, RecoveryCredit } from '@spacegrid/core';
import type { GroupRange, RowPage } from './fold-messages.ts';
import { refuseDamage } from './row-damage.ts';
import { endOfPrefix, type RowRange } from './row-key.ts';

/** Small change sets travel together. */
const CHUNK_BYTES = 256 * 1024;
const NO_KEY = new Uint8Array(0);

/** Reads rows of the store in pages. */
export interface RowPages {
  read(partition: number, range: RowRange): Promise<RowPage>;
  readGroups(partition: number, range: GroupRange): Promise<RowPage>;
}

export async function sendRecovery(
  port: MessagePort,
  rows: RowPages,
  partition: number,
  changeSets: readonly Uint8Array[],
  end: DurablePosition,
): Promise<void> {
  const credits = new Credits(port);
  for (const read of readersOf(rows, partition, await credits.groupsOf())) {
    // The next page is read while the receiver applies this one.
    let reading: Promise<RowPage> | undefined = read(undefined);
    while (reading !== undefined) {
      const page: RowPage = await reading;
      refuseDamage(partition, page);
      reading = page.next === undefined ? undefined : read(page.next);
      // Awaited above; a failure meanwhile is not lost, and not unhandled either.
      reading?.catch(() => undefined);
      if (page.rows > 0 && !(await credits.send({ done: false, changes: page.changes }))) return;
    }
  }
  for (const changes of joined(changeSets)) if (!(await credits.send({ done: false, changes }))) return;
  await credits.send({ done: true, epoch: end.epoch, sequence: end.sequence, watermarks: {} });
}

type PageReader = (from: Uint8Array | undefined) => Promise<RowPage>;

/** One for each stretch of keys, in their order: groups where only these are wanted, rows in between. */
function readersOf(rows: RowPages, partition: number, groupsOf: readonly Uint8Array[]): PageReader[] {
  const readers: PageReader[] = [];
  let start: Uint8Array | undefined = NO_KEY;
  const rowsTo = (from: Uint8Array, to: Uint8Array | undefined): void => {
    readers.push((next) => rows.read(partition, { from: next ?? from, to }));
  };
  for (const prefix of [...groupsOf].sort((one, other) => Buffer.compare(one, other))) {
    if (start === undefined) break;
    rowsTo(start, prefix);
    readers.push((next) => rows.readGroups(partition, { prefix, from: next ?? prefix }));
    start = endOfPrefix(prefix);
  }
  if (start !== undefined) rowsTo(start, undefined);
  return readers;
}

function* joined(changeSets: readonly Uint8Array[]): Generator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for (const changes of changeSets) {
    waiting.push(changes);
    bytes += changes.length;
    if (bytes < CHUNK_BYTES) continue;
    yield join(waiting, bytes);
    waiting = [];
    bytes = 0;
  }
  if (waiting.length > 0) yield join(waiting, bytes);
}

/** A copy, of its own memory: what is posted is cloned with all the memory that it is a view of. */
function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

class Credits {
  private readonly port: MessagePort;
  private left: number;
  private wake: (() => void) | undefined;
  private closed: boolean;
  private groups: readonly Uint8Array[];

  constructor(port: MessagePort) {
    this.port = port;
    this.left = 0;
    this.wake = undefined;
    this.closed = false;
    this.groups = [];
    port.on('message', ({ credits, groupsOf }: RecoveryCredit) => {
      this.left += credits;
      this.groups = groupsOf ?? this.groups;
      this.wake?.();
    });
    port.on('close', () => {
      this.closed = true;
      this.wake?.();
    });
  }

  /** False when nobody is there to take it. The receiver closes when it has the last chunk, or when its thread dies. */
  async send(chunk: RecoveryChunk): Promise<boolean> {
    if (!(await this.some())) return false;
    this.left--;
    this.port.postMessage(chunk);
    return true;
  }

  /** What the first credit says of groups. */
  async groupsOf(): Promise<readonly Uint8Array[]> {
    await this.some();
    return this.groups;
  }

  private async some(): Promise<boolean> {
    while (this.left === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return !this.closed;
  }
}
