/** The verify thread's way to the store, which ends when the durability thread dies: calls under way then reject. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import {
  callControl,
  DurabilityUnavailableError,
  handOver,
  type SequenceWindow,
  type SideDigests,
  type SideMending,
  type SideScan,
  type SideState,
  type StatesQuestion,
  type VerifiedSide,
} from '@spacegrid/core';
import type { VerifyServices } from './verify-services.ts';

const LINKS_MAX = 10;
const LINK_PAUSE_MS = 20;

interface Linked {
  readonly side: VerifiedSide;
  readonly gone: Promise<never>;
}

export class StoreLink implements VerifiedSide {
  /** The other side has gone: `renew` finds its successor. */
  isLost: boolean;
  private readonly services: VerifyServices;
  private linked: Linked | undefined;

  constructor(services: VerifyServices) {
    this.services = services;
    this.isLost = true;
    this.linked = undefined;
  }

  /** Links to the store that serves now, or next. Throws DurabilityUnavailableError when none does for long. */
  async renew(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.link();
        return;
      } catch (error) {
        // The thread that was asked has died in turn.
        if (attempt === LINKS_MAX) throw error;
        await sleep(LINK_PAUSE_MS * attempt);
      }
    }
  }

  private async link(): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const gone = new Promise<never>((_, reject) => {
      port1.once('close', () => {
        if (this.linked?.gone === gone) this.isLost = true;
        reject(new DurabilityUnavailableError('the durability thread ended'));
      });
    });
    gone.catch(() => undefined);
    await this.services.store(handOver(port2));
    this.linked = { side: callControl<VerifiedSide>(port1), gone };
    this.isLost = false;
  }

  begin(partition: number): Promise<SideScan> {
    return this.ask((side) => side.begin(partition));
  }

  compare(partition: number, window: SequenceWindow): Promise<SideDigests> {
    return this.ask((side) => side.compare(partition, window));
  }

  pairs(partition: number, ranges: readonly number[]): Promise<Uint32Array> {
    return this.ask((side) => side.pairs(partition, ranges));
  }

  keysOf(partition: number, keyHashes: Uint32Array): Promise<readonly Uint8Array[]> {
    return this.ask((side) => side.keysOf(partition, keyHashes));
  }

  states(partition: number, question: StatesQuestion): Promise<readonly SideState[]> {
    return this.ask((side) => side.states(partition, question));
  }

  mend(partition: number, mending: SideMending): Promise<void> {
    return this.ask((side) => side.mend(partition, mending));
  }

  /** The other side may be gone: then there is nothing to let go of. */
  async end(partition: number): Promise<void> {
    if (!this.isLost) await this.ask((side) => side.end(partition));
  }

  /** Takes damaged batches out of the way, once all rows were written again. */
  async blank(batches: readonly number[]): Promise<void> {
    await this.begin(0);
    try {
      await this.mend(0, { rows: [], batches, unread: false, sequence: 0 });
    } finally {
      await this.end(0);
    }
  }

  private ask<T>(question: (side: VerifiedSide) => Promise<T>): Promise<T> {
    const { linked } = this;
    if (linked === undefined) return Promise.reject(new DurabilityUnavailableError('the store is not linked'));
    return Promise.race([question(linked.side), linked.gone]);
  }
}
