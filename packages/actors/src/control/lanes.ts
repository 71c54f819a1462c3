/** Rings between client threads and workers: for each pair one for requests and one for replies. */
import { createBulkBuffer, ringRegionBytes } from '@spacegrid/core';
import type { ControlShape } from './control-block.ts';

/** What is larger stands beside its ring. */
export const LARGE_BYTES: number = 16 * 1024;

export interface RingBuffers {
  readonly requests: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
  /** Beside each ring, for what is too large for it; in the order of clients, then workers. */
  readonly largeRequests: readonly SharedArrayBuffer[];
  readonly largeReplies: readonly SharedArrayBuffer[];
  /** Data bytes of each ring. */
  readonly ringBytes: number;
}

export function createRingBuffers(shape: ControlShape, ringBytes: number): RingBuffers {
  const bytes = shape.clients * shape.workers * ringRegionBytes(ringBytes);
  const pairs = shape.clients * shape.workers;
  return {
    requests: new SharedArrayBuffer(bytes),
    replies: new SharedArrayBuffer(bytes),
    largeRequests: Array.from({ length: pairs }, () => createBulkBuffer()),
    largeReplies: Array.from({ length: pairs }, () => createBulkBuffer()),
    ringBytes,
  };
}

/** Number of a pair of client and worker. */
export function pairOf(shape: ControlShape, client: number, worker: number): number {
  return client * shape.workers + worker;
}

/** Byte offset of a pair's ring in either buffer. */
export function ringOffset(shape: ControlShape, client: number, worker: number, ringBytes: number): number {
  return pairOf(shape, client, worker) * ringRegionBytes(ringBytes);
}
