import type { MessagePort } from 'node:worker_threads';
import type { JudgedRows, MendedRows, RowMending, RowQuestion } from '../verify/judged-rows.ts';

/** What the supervisor asks of a partition worker, by comlink. */
export interface WorkerApi {
  /** Takes over the heaps: undoes what a predecessor left half done. Returns the partitions that must be loaded from the store. */
  attach(): Promise<readonly number[]>;
  /** Fills a new heap from the chunks that arrive at the port. */
  load(partition: number, port: MessagePort): Promise<void>;
  /** Gives it a way to read rows back from the store while it serves (`serveRows` of DurabilityControl); again for a new one. */
  useStore(port: MessagePort): Promise<void>;
  /** Takes over what a predecessor or the store has left. Rejects with SCHEMA_VERSION for what the code can't go on with. */
  takeOver(): Promise<void>;
  /** Starts to take requests, and to run what is due. */
  serve(): Promise<void>;
  /** By actor type: the number that rows written now begin with. */
  shapeNumbers(partition: number): Promise<readonly number[]>;
  /** What rows of a partition are, between two turns. */
  judge(question: RowQuestion): Promise<JudgedRows>;
  /** Changes rows of a partition, in turns of its own. */
  mend(mending: RowMending): Promise<MendedRows>;
  /** Finishes what is in the rings and the gates, passivates, stops. */
  drain(): Promise<void>;
}
