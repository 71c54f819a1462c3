/** Sends a partition's state to the thread that loads it: rows, then the journal's tail, no faster than it is taken. */
import type { MessagePort } from 'node:worker_threads';
import { type RecoveryChunk, type RecoveryCredit, StoreCorruptError } from '@spacegrid/core';
import type { TailRun } from './batch.ts';
import type { FoldApi } from './fold-messages.ts';
import type { Watermark } from './journal.ts';

export async function sendRecovery(
  port: MessagePort,
  fold: FoldApi,
  partition: number,
  tail: readonly TailRun[],
  end: Watermark,
): Promise<void> {
  const credits = new Credits(port);
  try {
    let after: Uint8Array | undefined = new Uint8Array(0);
    while (after !== undefined) {
      const page = await fold.read(partition, after);
      const [damaged] = page.damaged;
      if (damaged !== undefined) {
        throw new StoreCorruptError(
          `${page.damaged.length} rows of partition ${partition} in rows.db fail their checksum, the first has the key ${Buffer.from(damaged).toString('hex')}: restore a backup`,
        );
      }
      if (page.rows > 0) await credits.send({ done: false, changes: page.changes, rows: page.rows });
      after = page.last;
    }
    for (const run of tail) await credits.send({ done: false, changes: run.changes.slice(), rows: 1 });
    await credits.send({ done: true, epoch: end.epoch, sequence: end.sequence, watermarks: {} });
  } finally {
    credits.end();
  }
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

  async send(chunk: RecoveryChunk): Promise<void> {
    while (this.left === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.closed) return;
    this.left--;
    this.port.postMessage(chunk);
  }

  end(): void {
    // The receiver closes its side when it has the last chunk.
    this.wake = undefined;
  }
}
