/** Who waits until all that was committed before is durable. Bound: the control calls under way. */
import { durableSequence, type Heap } from '@spacegrid/core';

interface Waiter {
  readonly reached: readonly number[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class FlushWaiters {
  private readonly heaps: readonly Heap[];
  private waiting: Waiter[];

  constructor(heaps: readonly Heap[]) {
    this.heaps = heaps;
    this.waiting = [];
  }

  /** True when someone waits for a turn that is not durable. */
  get pending(): boolean {
    return this.waiting.length > 0;
  }

  add(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ reached: this.heaps.map((heap) => heap.sequence()), resolve, reject });
    });
  }

  /** Tells those whose turns are durable. */
  settle(): void {
    if (this.waiting.length === 0) return;
    const durable = this.heaps.map((heap) => durableSequence(heap));
    this.waiting = this.waiting.filter(({ reached, resolve }) => {
      if (reached.some((sequence, partition) => (durable[partition] as number) < sequence)) return true;
      resolve();
      return false;
    });
  }

  /** Tells all that it won't happen. */
  fail(error: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}
