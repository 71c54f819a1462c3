/** Int32 words shared by all threads of a node, changed by named atomic operations only. */
export class SharedWords {
  readonly words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  /** Observe: an acquiring read. */
  load(index: number): number {
    return Atomics.load(this.words, index);
  }

  /** Publish: a releasing write. */
  store(index: number, value: number): void {
    Atomics.store(this.words, index, value);
  }

  /** Changes `expected` to `value`; false when the word held something else. */
  swap(index: number, expected: number, value: number): boolean {
    return Atomics.compareExchange(this.words, index, expected, value) === expected;
  }

  /** Adds and returns the sum. */
  add(index: number, amount: number): number {
    return (Atomics.add(this.words, index, amount) + amount) | 0;
  }
}
