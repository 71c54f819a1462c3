/**
 * Takes replies on a thread with an event loop of its own: the main thread, or the user's with attachGrid. It sleeps in
 * Atomics.waitAsync, which wakes through the event loop and does not keep the process alive; while calls are under way a
 * referenced timer does, and looks at their deadlines.
 */
import { setImmediate as nextTurnOfTheLoop } from 'node:timers/promises';
import { Doorbell } from '@spacegrid/core';
import type { ControlBlock } from '../control/control-block.ts';
import { ClientThread } from './client-thread.ts';

const SLEEP_MS = 60_000;
const ROOM_CHECK_MS = 1;
/** Then the timer stops until there is something to look after again. */
const IDLE_LOOKS_MAX = 50;
/** Batches of replies before the event loop has its turn: about a millisecond. */
const POLLS_MAX = 32;

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
  private timer: NodeJS.Timeout | undefined;
  /** Looks of the timer in a row that found nothing under way. */
  private idleLooks: number;
  private stopped: boolean;
  private referenced: boolean;

  constructor(client: ClientThread, control: ControlBlock) {
    this.client = client;
    this.doorbell = new Doorbell(control.shared.words, control.doorbell(client.slot));
    this.onTick = () => undefined;
    this.stopped = false;
    this.referenced = false;
    this.timer = undefined;
    this.idleLooks = 0;
    client.onBusy = () => this.keepAlive(true);
    void this.run();
  }

  stop(): void {
    this.stopped = true;
    this.stopTimer();
    this.doorbell.ring();
  }

  private async run(): Promise<void> {
    const found = (): boolean => this.stopped || this.client.hasReplies();
    let polls = 0;
    while (!this.stopped) {
      const taken = this.client.poll();
      this.onTick();
      if (taken) {
        // What was waiting for these replies goes on first, and sends what it sends while the workers make more. Now and then
        // timers and I/O have their turn: under load there are always more.
        if (++polls % POLLS_MAX === 0) await nextTurnOfTheLoop();
        else await Promise.resolve();
        continue;
      }
      if (!this.client.busy) this.keepAlive(false);
      await this.doorbell.parkAsync(this.client.waitsForRoom ? ROOM_CHECK_MS : SLEEP_MS, found);
    }
  }

  private check(): void {
    if (!this.client.busy) {
      // A thread that calls nobody is not woken.
      if (++this.idleLooks >= IDLE_LOOKS_MAX) this.stopTimer();
      return;
    }
    this.idleLooks = 0;
    if (this.client.gridClosed) {
      // What was answered before comes first; an attached thread is not told otherwise.
      while (this.client.poll());
      this.client.close();
      return;
    }
    this.client.expire(Date.now());
    this.client.failUnavailable();
    // Room comes without a bell, and where nobody waits for answers nothing else wakes this thread.
    if (this.client.waitsForRoom) {
      this.client.poll();
      this.client.flush();
    }
    this.onTick();
  }

  private keepAlive(alive: boolean): void {
    if (alive && this.timer === undefined && !this.stopped) {
      this.timer = setInterval(() => this.check(), ClientThread.deadlineCheckMs);
      this.referenced = true;
    }
    if (alive === this.referenced) return;
    this.referenced = alive;
    if (alive) this.timer?.ref();
    else this.timer?.unref();
  }

  private stopTimer(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.idleLooks = 0;
    this.referenced = false;
  }
}
