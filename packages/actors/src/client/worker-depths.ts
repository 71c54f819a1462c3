/** How much waits for each worker: read from its request rings by any thread, disturbing nobody. */
import { RingPressure } from '@spacegrid/core';
import type { GridMemory } from '../control/grid-memory.ts';
import { ringOffset } from '../control/lanes.ts';

export interface WorkerDepth {
  /** Requests in its rings that are not answered yet. */
  readonly depth: number;
  /** The room that they take. */
  readonly depthBytes: number;
}

export class WorkerDepths {
  /** By worker, then by client. */
  private readonly rings: readonly (readonly RingPressure[])[];

  constructor({ rings, shape }: GridMemory) {
    this.rings = Array.from({ length: shape.workers }, (_, worker) =>
      Array.from(
        { length: shape.clients },
        (_, client) =>
          new RingPressure(rings.requests, ringOffset(shape, client, worker, rings.ringBytes), rings.ringBytes),
      ),
    );
  }

  of(worker: number): WorkerDepth {
    let depth = 0;
    let depthBytes = 0;
    for (const ring of this.rings[worker] ?? []) {
      depth += ring.frames;
      depthBytes += ring.bytes;
    }
    return { depth, depthBytes };
  }
}
