/**
 * A partition thread's way to the store: it posts questions for rows and gets their answers by its event loop. The supervisor gives
 * it a port whenever this thread or the durability thread was started; what was asked and not answered is asked again there.
 */
import type { MessagePort } from 'node:worker_threads';
import type { FoldRequest, RowsAnswer, RowsQuestion } from '@spacegrid/core';

export class RowLink {
  /** Told of each answer to a question that is open. */
  onAnswer: (answer: RowsAnswer) => void;
  private readonly open: Map<number, RowsQuestion>;
  private port: MessagePort | undefined;
  private next: number;

  constructor() {
    this.onAnswer = () => undefined;
    this.open = new Map();
    this.port = undefined;
    this.next = 0;
  }

  /** Asks, now or when there is a store. Returns the question's number, which its answer carries. */
  ask(partition: number, prefix: Uint8Array, from: Uint8Array): number {
    const id = this.next++;
    const question = { id, partition, prefix, from };
    this.open.set(id, question);
    this.port?.postMessage(question);
    return id;
  }

  /** Says that what is journalled is to be folded soon. */
  hurry(): void {
    this.port?.postMessage({ fold: true } satisfies FoldRequest);
  }

  /** An answer is not wanted any more. */
  forget(id: number): void {
    this.open.delete(id);
  }

  /** From now on this port is asked. */
  use(port: MessagePort): void {
    this.port?.close();
    this.port = port;
    port.on('message', (answer: RowsAnswer) => {
      if (this.open.delete(answer.id)) this.onAnswer(answer);
    });
    // The durability thread has died: the next port is on its way.
    port.once('close', () => {
      if (this.port === port) this.port = undefined;
    });
    for (const question of this.open.values()) port.postMessage(question);
  }
}
