import { ReadOnlyViewError } from '../errors/grid-errors.ts';

function refuse(): never {
  throw new ReadOnlyViewError('this map or set was read from stored state: change a copy and assign it in a command');
}

const property: PropertyDescriptor = { value: refuse };
// Own and not enumerable: the collection is still a Map or Set for instanceof, comparison, and another packing.
const mapMethods: PropertyDescriptorMap = { set: property, delete: property, clear: property };
const setMethods: PropertyDescriptorMap = { add: property, delete: property, clear: property };

/** The same map; its methods that write now throw ReadOnlyViewError. */
export function frozenMap<K, V>(map: Map<K, V>): Map<K, V> {
  return Object.freeze(Object.defineProperties(map, mapMethods));
}

/** The same set; its methods that write now throw ReadOnlyViewError. */
export function frozenSet<T>(set: Set<T>): Set<T> {
  return Object.freeze(Object.defineProperties(set, setMethods));
}
