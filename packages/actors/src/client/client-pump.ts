/**
 * Takes replies on a thread with an event loop of its own: the main thread, or the user's with attachGrid. It sleeps in
 * Atomics.waitAsync, which wakes through the event loop and does not keep the process alive; while calls are under way a
 * referenced timer does, and looks at their deadlines.
 */
import { Doorbell } from '@spacegrid/core';
import type { ControlBlock } from '../control/control-block.ts';
import { ClientThread } from './client-thread.ts';

const SLEEP_MS = 60_000;
const ROOM_CHECK_MS = 1;

/** What takes a client thread's replies. */
export interface Pump {
  /** Told once after each batch of replies: for what hangs on workers' incarnations. */
  onTick: () => void;
  stop(): void;
}

export class ClientPump implements Pump {
  onTick: () => void;
  private readonly client: ClientThread;
  private readonly doorbell: Doorbell;
  private readonly timer: NodeJS.Timeout;
  private stopped: boolean;
  private referenced: boolean;

  constructor(client: ClientThread, control: ControlBlock) {
    this.client = client;
    this.doorbell = new Doorbell(control.shared.words, control.doorbell(client.slot));
    this.onTick = () => undefined;
    this.stopped = false;
    this.referenced = false;
    this.timer = setInterval(() => this.check(), ClientThread.deadlineCheckMs);
    this.timer.unref();
    client.onBusy = () => this.keepAlive(true);
    void this.run();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
    this.doorbell.ring();
  }

  private async run(): Promise<void> {
    const found = (): boolean => this.stopped || this.client.hasReplies();
    while (!this.stopped) {
      this.client.poll();
      this.onTick();
      if (!this.client.busy) this.keepAlive(false);
      await this.doorbell.parkAsync(this.client.waitsForRoom ? ROOM_CHECK_MS : SLEEP_MS, found);
    }
  }

  private check(): void {
    if (!this.client.busy) return;
    if (this.client.gridClosed) {
      // What was answered before comes first; an attached thread is not told otherwise.
      this.client.poll();
      this.client.close();
      return;
    }
    this.client.expire(Date.now());
    this.client.failUnavailable();
    this.onTick();
  }

  private keepAlive(alive: boolean): void {
    if (alive === this.referenced) return;
    this.referenced = alive;
    if (alive) this.timer.ref();
    else this.timer.unref();
  }
}
