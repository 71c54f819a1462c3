/** What the parts of a heap need of it: words, views, brackets. `Heap` is the one implementation. */
export interface HeapPort {
  readonly i32: Int32Array;
  readonly partition: number;
  /** First word of the page table, and of page 0. */
  readonly pageTable: number;
  readonly pages: number;
  readonly pageCountMax: number;
  /** The turn takes away: it may use the reserve. */
  readonly takesReserve: boolean;
  /** An allocation was refused: what waits to be reused is wanted. Reset by who sees to it. */
  isStarved: boolean;
  usedBytes(): number;
  set(index: number, value: number): void;
  save(index: number): void;
  retire(kind: number, ref: number): void;
  begin(): void;
  endMaintenance(unlinks?: boolean): void;
  ensure(words: number): void;
}
