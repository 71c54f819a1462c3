/**
 * Replies that wait for the durable watermark, in the order of their sequences. Partition thread only.
 *
 * A reply whose level is `memory` never comes here, so it never waits behind one that does.
 */
import { durableSequence, type Heap, storeGateWaiters } from '@spacegrid/core';

export interface GatedReply {
  readonly sequence: number;
  /** Sends it; called once, when the watermark has reached `sequence`. */
  readonly open: () => void;
  /** What is copied of it. */
  readonly bytes?: number;
}

export class Gate {
  private readonly heap: Heap;
  private readonly waiting: GatedReply[] = [];
  private first = 0;
  private urgent = false;
  /** Of all that waits. */
  heldBytes = 0;

  constructor(heap: Heap) {
    this.heap = heap;
  }

  get size(): number {
    return this.waiting.length - this.first;
  }

  /** Sequence of the oldest reply that waits; Infinity when none does. */
  get oldest(): number {
    return this.waiting[this.first]?.sequence ?? Number.POSITIVE_INFINITY;
  }

  /** Holds a reply. Sequences never decrease, except those of queries, which go where they belong. */
  hold(reply: GatedReply): void {
    this.heldBytes += reply.bytes ?? 0;
    let at = this.waiting.length;
    while (at > this.first && (this.waiting[at - 1] as GatedReply).sequence > reply.sequence) at--;
    if (at === this.waiting.length) this.waiting.push(reply);
    else this.waiting.splice(at, 0, reply);
    if (this.size === 1) this.announce();
  }

  /** Commands wait for the watermark as well: nothing more is gathered for company. */
  setUrgent(urgent: boolean): void {
    if (urgent === this.urgent) return;
    this.urgent = urgent;
    this.announce();
  }

  /** Sends what the watermark has reached. True when something was sent. */
  open(): boolean {
    if (this.size === 0) return false;
    const durable = durableSequence(this.heap);
    let opened = false;
    while (this.first < this.waiting.length) {
      const reply = this.waiting[this.first] as GatedReply;
      if (reply.sequence > durable) break;
      this.first++;
      opened = true;
      this.heldBytes -= reply.bytes ?? 0;
      reply.open();
    }
    if (this.first === this.waiting.length) {
      this.waiting.length = 0;
      this.first = 0;
      this.announce();
    } else if (this.first > 1024 && this.first * 2 > this.waiting.length) {
      this.waiting.splice(0, this.first);
      this.first = 0;
    }
    return opened;
  }

  /** Publish: whether the durability thread is to hurry and to ring this one. */
  private announce(): void {
    storeGateWaiters(this.heap, this.urgent || this.size > 0);
  }
}
