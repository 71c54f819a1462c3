/** Rings between client threads and workers: for each pair one for requests and one for replies. */
import { ringRegionBytes } from '@spacegrid/core';
import type { ControlShape } from './control-block.ts';

export interface RingBuffers {
  readonly requests: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
  /** Data bytes of each ring. */
  readonly ringBytes: number;
}

export function createRingBuffers(shape: ControlShape, ringBytes: number): RingBuffers {
  const bytes = shape.clients * shape.workers * ringRegionBytes(ringBytes);
  return { requests: new SharedArrayBuffer(bytes), replies: new SharedArrayBuffer(bytes), ringBytes };
}

/** Byte offset of a pair's ring in either buffer. */
export function ringOffset(shape: ControlShape, client: number, worker: number, ringBytes: number): number {
  return (client * shape.workers + worker) * ringRegionBytes(ringBytes);
}
