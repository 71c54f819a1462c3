import type { Heap } from '../../memory/heap.ts';
import { orderOfShape, tiesOfShape } from './ranking-header.ts';

/** What walks over a ranking's nodes need to know of it; one for each thread that reads or writes. */
export class RankingTree {
  readonly heap: Heap;
  /** Keys are negated scores. */
  readonly descending: boolean;
  /** Equal scores share a rank. */
  readonly isShared: boolean;
  /** The next lower score has the next rank: nodes keep counts of distinct scores. */
  readonly dense: boolean;
  /** Equal scores stand in the order of their arrival, not of the members' bytes. */
  readonly byArrival: boolean;

  constructor(heap: Heap, shape: number) {
    const ties = tiesOfShape(shape);
    this.heap = heap;
    this.descending = orderOfShape(shape) === 'desc';
    this.isShared = ties === 'competition' || ties === 'dense';
    this.dense = ties === 'dense';
    this.byArrival = ties === 'first-to-reach';
  }
}
