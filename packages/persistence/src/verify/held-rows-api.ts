import type { SideDigests, SideScan, SideState, StatesQuestion } from '@spacegrid/core';
import type { StoredBatch } from '../batch.ts';

/** What the durability thread asks the fold thread while it holds its folds. */
export interface HeldRowsApi {
  begin(partition: number, kept: readonly Uint8Array[]): Promise<SideScan>;
  follow(batches: readonly StoredBatch[]): Promise<void>;
  compare(from: number): Promise<Pick<SideDigests, 'absent' | 'allowed' | 'changed' | 'digests'>>;
  pairs(ranges: readonly number[]): Promise<Uint32Array>;
  keysOf(keyHashes: Uint32Array): Promise<readonly Uint8Array[]>;
  states(question: StatesQuestion): Promise<readonly SideState[]>;
  drop(keys: readonly Uint8Array[]): Promise<number>;
  /** Of a partition: changes that nobody could read were written again. */
  forgetUnread(partition: number): Promise<void>;
  end(): Promise<void>;
}
