/**
 * Cuts a thread's life before any of its stores to a heap, plain or atomic, into any of its views: what a death leaves behind.
 * A copy or fill of many words counts as one store; only blocks that nobody can reach yet are filled by those.
 */
import { Heap } from '../../src/memory/heap.ts';

export class Death extends Error {}

type View = Int32Array | Float64Array | Uint8Array;

const targets = new WeakMap<object, View>();
const hooks = new WeakMap<object, () => void>();
const { load, store, compareExchange } = Atomics;
const original = { load, store, compareExchange };

const views = ['i32', 'f64', 'u8'] as const;

/** From here on `hook` is called before each store that is made through this heap's views. Undone by `unwatch`. */
export function watchEveryStore(heap: Heap, hook: () => void): void {
  for (const name of views) {
    let view = watched(heap[name], hook);
    Object.defineProperty(heap, name, {
      configurable: true,
      get: () => view,
      set: (next) => {
        view = watched(next, hook);
      },
    });
  }
  Atomics.load = ((view: View, index: number) => original.load(real(view) as Int32Array, index)) as typeof Atomics.load;
  Atomics.store = ((view: View, index: number, value: number) => {
    hooks.get(view)?.();
    return original.store(real(view) as Int32Array, index, value);
  }) as typeof Atomics.store;
  Atomics.compareExchange = ((view: View, index: number, expected: number, value: number) => {
    hooks.get(view)?.();
    return original.compareExchange(real(view) as Int32Array, index, expected, value);
  }) as typeof Atomics.compareExchange;
}

/** Ends watching; the heap, where one is given, can be used on. */
export function unwatch(heap?: Heap): void {
  Object.assign(Atomics, original);
  for (const name of heap === undefined ? [] : views) {
    Object.defineProperty(heap, name, { configurable: true, writable: true, value: real((heap as Heap)[name]) });
  }
}

/** Runs until the store number `left`, counted from 0; true when there was one, so that the thread died before it. */
export function diesBefore(heap: Heap, left: number, run: () => void): boolean {
  let rest = left;
  watchEveryStore(heap, () => {
    if (rest-- === 0) throw new Death();
  });
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof Death) return true;
    throw error;
  } finally {
    unwatch(heap);
  }
}

/** A heap of the same contents in memory of its own. */
export function copyHeap(heap: Heap): Heap {
  const { buffer } = heap;
  const copy = new SharedArrayBuffer(buffer.byteLength, { maxByteLength: buffer.maxByteLength });
  new Uint8Array(copy).set(new Uint8Array(buffer));
  return new Heap(copy);
}

function real(view: View): View {
  return targets.get(view) ?? view;
}

function watched<V extends View>(view: V, hook: () => void): V {
  if (targets.has(view)) return view;
  const proxy = new Proxy(view, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === 'set' || name === 'fill' || name === 'copyWithin') hook();
        return (value as (...args: unknown[]) => unknown).apply(
          target,
          args.map((arg) => (isView(arg) ? real(arg) : arg)),
        );
      };
    },
    set: (target, name, value) => {
      hook();
      return Reflect.set(target, name, value, target);
    },
  });
  targets.set(proxy, view);
  hooks.set(proxy, hook);
  return proxy;
}

function isView(value: unknown): value is View {
  return ArrayBuffer.isView(value);
}
