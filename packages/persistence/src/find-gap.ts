import type { DurablePosition } from '@spacegrid/core';
import type { BatchRun } from './batch.ts';

/** Turns of a partition that a store should hold and does not. */
export interface Gap {
  readonly first: number;
  readonly last: number;
  readonly why: string;
}

/** Whether what the rows hold, and the batches behind it, lead to exactly the watermark. Undefined when they do. */
export function findGap(
  watermark: number,
  folded: DurablePosition | undefined,
  tail: readonly BatchRun[],
): Gap | undefined {
  let sequence = folded?.sequence ?? 0;
  for (const { first, last } of tail) {
    if (first > sequence + 1)
      return { first: sequence + 1, last: first - 1, why: 'its batches don’t follow on what the rows hold' };
    sequence = last;
  }
  if (sequence < watermark)
    return { first: sequence + 1, last: watermark, why: 'less is stored than was acknowledged' };
  if (sequence > watermark)
    return { first: watermark + 1, last: sequence, why: 'the watermark stands behind what is stored' };
  return undefined;
}
