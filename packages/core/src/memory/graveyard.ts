/**
 * Frees whole structures in bounded steps. `heap.retire(kind, ref)` links an unlinked structure's block in the list of its
 * kind; between turns the kind's step frees what it holds. Steps run in a journalled bracket, so a thread's death undoes
 * the running one and its successor goes on.
 */
import { assert } from '../assert.ts';
import type { HeapPort } from './heap-port.ts';
import { GRAVE_KINDS, GRAVES } from './heap-words.ts';

/**
 * Frees at most about `budget` blocks that `ref` holds (`heap.free`, or `heap.retire` for parts with a kind of their own).
 * Returns true when everything, the block itself included, was freed or retired; false to be called again with the same
 * `ref`, for which it keeps its progress in a word of the block that no reader interprets.
 */
export type RetireStep<H extends HeapPort = HeapPort> = (heap: H, ref: number, budget: number) => boolean;

const steps = new Array<RetireStep<never> | undefined>(GRAVE_KINDS).fill(undefined);

/** Registers how retired blocks of `kind` (0 to 31, unique in the program) are freed. At module load. */
export function registerRetireStep<H extends HeapPort>(kind: number, step: RetireStep<H>): void {
  assert(kind >= 0 && kind < GRAVE_KINDS, 'the grave kind exists');
  assert(steps[kind] === undefined || steps[kind] === step, 'a grave kind has one owner');
  steps[kind] = step;
}

/** One step of the first kind that has something to free. True when more is left. */
export function stepGraves(heap: HeapPort, budget: number): boolean {
  for (let kind = 0; kind < GRAVE_KINDS; kind++) {
    const ref = heap.i32[GRAVES + kind] as number;
    if (ref === 0) continue;
    const step = steps[kind];
    assert(step !== undefined, 'a retired structure has a registered step');
    heap.begin();
    const next = heap.i32[ref - 1] as number;
    heap.set(GRAVES + kind, next);
    if (!step(heap as never, ref, budget)) heap.retire(kind, ref);
    // What it frees was unlinked by the turn that retired it.
    heap.endMaintenance(false);
    return true;
  }
  return false;
}

/** True while retired structures wait to be freed. */
export function hasGraves(heap: HeapPort): boolean {
  for (let kind = 0; kind < GRAVE_KINDS; kind++) if (heap.i32[GRAVES + kind] !== 0) return true;
  return false;
}
