/** What the state objects of commands need of the actor whose they are, and of its partition. */
import type { Heap, KeyBytes, KeyScratch, PackWriter } from '@spacegrid/core';
import type { ChangeRecorder } from './change-recorder.ts';
import type { Keeping } from './keeping.ts';
import type { ScalarSlot, StateLayout, StructureSlot } from './state-layout.ts';

export interface StateHome {
  readonly heap: Heap;
  readonly scratch: KeyScratch;
  readonly changes: ChangeRecorder;
  readonly keeping: Keeping;
  /** Wall-clock milliseconds of the open turn. */
  readonly lastNow: number;
  /** A writer for the value of one row, from its start, with room for `bytes`. */
  rowWriter(bytes: number): PackWriter;
}

export interface StateOwner {
  readonly partition: StateHome;
  readonly layout: StateLayout;
  readonly keyBytes: KeyBytes;
  /** Type and key, for messages. */
  readonly name: string;
  /** What all rows of the actor begin with. */
  readonly prefix: Uint8Array;
  /** Rows of the actor and of its maps' entries begin with it. */
  readonly shapeNumber: number;
  get(slot: ScalarSlot): unknown;
  set(slot: ScalarSlot, value: unknown): void;
  /** Header of a structure; 0 while it was never written. */
  header(slot: StructureSlot): number;
  /** Notes the header of a structure made in this turn. */
  setHeader(slot: StructureSlot, header: number): void;
  /** The facade of a structure, made once. */
  structure(slot: StructureSlot, make: () => object): object;
  /** Throws AsyncWriteError outside of the actor's own turn. */
  assertWritable(): void;
}
