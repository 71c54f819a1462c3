/** All shared memory of a node, as threads hand it to each other: buffers and shapes, nothing else. */
import { createHeapBuffer } from '@spacegrid/core';
import { ControlBlock, type ControlShape } from './control-block.ts';
import { createRingBuffers, type RingBuffers } from './lanes.ts';

export interface GridMemory {
  readonly shape: ControlShape;
  readonly control: SharedArrayBuffer;
  /** One heap for each partition. */
  readonly heaps: readonly SharedArrayBuffer[];
  readonly rings: RingBuffers;
}

export interface GridMemoryOptions {
  readonly partitions: number;
  readonly workers: number;
  readonly clients: number;
  readonly heapBytesMax: number;
  readonly ringBytes: number;
}

export function createGridMemory(options: GridMemoryOptions): GridMemory {
  const shape = { partitions: options.partitions, workers: options.workers, clients: options.clients };
  const heaps = Array.from({ length: options.partitions }, (_, partition) =>
    createHeapBuffer({ partition, maxBytes: options.heapBytesMax, readersMax: options.clients + 2 }),
  );
  return { shape, control: ControlBlock.create(shape), heaps, rings: createRingBuffers(shape, options.ringBytes) };
}

/** The worker that hosts a partition. */
export function workerOf(partition: number, workers: number): number {
  return partition % workers;
}
