/** Sends a partition's state to the thread that loads it: rows, then what the journal adds, no faster than it is taken. */
import type { MessagePort } from 'node:worker_threads';
import { type DurablePosition, type RecoveryChunk, type RecoveryCredit, StoreCorruptError } from '@spacegrid/core';
import type { RowPage } from './fold-messages.ts';

/** Small change sets travel together. */
const CHUNK_BYTES = 256 * 1024;

export async function sendRecovery(
  port: MessagePort,
  read: (after: Uint8Array) => Promise<RowPage>,
  partition: number,
  changeSets: readonly Uint8Array[],
  end: DurablePosition,
): Promise<void> {
  const credits = new Credits(port);
  // The next page is read while the receiver applies this one.
  let reading: Promise<RowPage> | undefined = read(new Uint8Array(0));
  while (reading !== undefined) {
    const page: RowPage = await reading;
    refuseDamage(partition, page);
    reading = page.last === undefined ? undefined : read(page.last);
    // Awaited above; a failure meanwhile is not lost, and not unhandled either.
    reading?.catch(() => undefined);
    if (page.rows > 0 && !(await credits.send({ done: false, changes: page.changes }))) return;
  }
  for (const changes of joined(changeSets)) if (!(await credits.send({ done: false, changes }))) return;
  await credits.send({ done: true, epoch: end.epoch, sequence: end.sequence, watermarks: {} });
}

function refuseDamage(partition: number, page: RowPage): void {
  const [damaged] = page.damaged;
  if (damaged === undefined) return;
  const key = Buffer.from(damaged).toString('hex');
  throw new StoreCorruptError(
    `${page.damaged.length} rows of partition ${partition} fail their checksum, the first has the key ${key}: restore a backup`,
    { details: { partition, keys: page.damaged.slice(0, 20).map((bytes) => Buffer.from(bytes).toString('hex')) } },
  );
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

  constructor(port: MessagePort) {
    this.port = port;
    this.left = 0;
    this.wake = undefined;
    this.closed = false;
    port.on('message', ({ credits }: RecoveryCredit) => {
      this.left += credits;
      this.wake?.();
    });
    port.on('close', () => {
      this.closed = true;
      this.wake?.();
    });
  }

  /** False when nobody is there to take it. The receiver closes when it has the last chunk, or when its thread dies. */
  async send(chunk: RecoveryChunk): Promise<boolean> {
    while (this.left === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.closed) return false;
    this.left--;
    this.port.postMessage(chunk);
    return true;
  }
}
