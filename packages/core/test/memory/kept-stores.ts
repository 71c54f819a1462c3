/** Looks between, and deaths before, those stores of a writer that survive its turn: journalled and published words. */
import type { Heap } from '../../src/memory/heap.ts';
import { Death } from './every-store.ts';

const { store } = Atomics;

/** Runs with `hook` called before and after each such store, those of undoing too. */
export function watchingStores(heap: Heap, hook: () => void, run: () => void): void {
  const save = heap.save.bind(heap);
  heap.save = (index: number): void => {
    hook();
    save(index);
    hook();
  };
  Atomics.store = ((array: Int32Array, index: number, value: number): number => {
    const result = store(array, index, value);
    if (array === heap.i32) hook();
    return result;
  }) as typeof Atomics.store;
  try {
    run();
  } finally {
    Atomics.store = store;
    heap.save = save;
  }
}

/** Runs until the line number `left`, counted from 0; true when there was one, so that the writer died there. */
export function diesOnLine(heap: Heap, left: number, run: () => void): boolean {
  let rest = left;
  const die = (): void => {
    if (rest-- === 0) throw new Death();
  };
  try {
    watchingStores(heap, die, run);
    return false;
  } catch (error) {
    if (error instanceof Death) return true;
    throw error;
  }
}
