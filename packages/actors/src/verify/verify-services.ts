import type { MessagePort } from 'node:worker_threads';
import type { GridMemory } from '../control/grid-memory.ts';
import type { GridSettings } from '../supervise/grid-thread-data.ts';
import type { JudgedRows, MendedRows, RowMending, RowQuestion } from './judged-rows.ts';
import type { MendChoice } from './partition-verify.ts';

/** What the verify thread is started with. */
export interface VerifyThreadData {
  readonly memory: GridMemory;
  readonly settings: GridSettings;
  readonly pinSlot: number;
  readonly choice: MendChoice;
  /** The comlink end that serves VerifyServices. */
  readonly port: MessagePort;
}

/** What the verify thread asks of the supervisor. */
export interface VerifyServices {
  /** Has the store serve a VerifiedSide at the port; waits for a successor where the durability thread is gone. */
  store(port: MessagePort): Promise<void>;
  shapeNumbers(partition: number): Promise<readonly number[]>;
  judge(question: RowQuestion): Promise<JudgedRows>;
  mend(mending: RowMending): Promise<MendedRows>;
}
