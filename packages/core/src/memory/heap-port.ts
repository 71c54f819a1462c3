/** What the parts of a heap need of it: words, views, brackets. `Heap` is the one implementation. */
export interface HeapPort {
  readonly i32: Int32Array;
  readonly partition: number;
  /** First word of the page table, and of page 0. */
  readonly pageTable: number;
  readonly pages: number;
  readonly pageCountMax: number;
  usedBytes(): number;
  set(index: number, value: number): void;
  save(index: number): void;
  retire(kind: number, ref: number): void;
  begin(): void;
  endMaintenance(unlinks?: boolean): void;
  ensure(words: number): void;
}
