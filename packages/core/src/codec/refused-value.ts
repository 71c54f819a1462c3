/** What can be packed, and for what can't: where it stands and why. */
import type { GridErrorOptions } from '../errors/grid-error.ts';
import {
  BIGINT_BYTES_MAX,
  isRefusedKey,
  VALUE_BYTES_MAX,
  VALUE_DEPTH_MAX,
  VALUE_ITEMS_MAX,
  VALUE_ITEMS_TOTAL_MAX,
} from './value-limits.ts';

const { getPrototypeOf, prototype: recordPrototype } = Object;
const arrayPrototype = Array.prototype;

/** A literal, or one of another realm. */
export function isPlainRecord(value: object): boolean {
  const prototype = getPrototypeOf(value) as object | null;
  return prototype === recordPrototype || prototype === null || isRootPrototype(prototype);
}

/** An array, and no class that extends it. */
export function isPlainArray(value: readonly unknown[]): boolean {
  const prototype: unknown = getPrototypeOf(value);
  return (
    prototype === arrayPrototype ||
    (Array.isArray(prototype) && isRootPrototype(getPrototypeOf(prototype) as object | null))
  );
}

/** Object.prototype of another realm (`node:vm`). */
function isRootPrototype(prototype: object | null): boolean {
  return prototype !== null && getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** Message and details of the EncodeError for a value that writeValue has refused. */
export function explainRefusal(value: unknown, name: string): [string, GridErrorOptions] {
  const walk: Walk = { items: 0, path: '', reason: '' };
  if (!visit(walk, value, name, 0)) {
    // A getter or proxy answered differently the second time.
    return [`${name} can not be packed`, { details: { path: name } }];
  }
  return [`${walk.path} ${walk.reason}`, { details: { path: walk.path } }];
}

interface Walk {
  items: number;
  path: string;
  reason: string;
}

/** True when a refused value was found; visits in the order in which writeValue writes. Bound: depth and items, as there. */
function visit(walk: Walk, value: unknown, path: string, depth: number): boolean {
  if (value === null || typeof value === 'undefined' || typeof value === 'boolean' || typeof value === 'number')
    return false;
  const refuse = (reason: string, at: string = path): true => {
    walk.path = at;
    walk.reason = reason;
    return true;
  };
  if (typeof value === 'string') {
    return (
      value.length > VALUE_BYTES_MAX &&
      refuse(`is a text of ${value.length} characters: at most ${VALUE_BYTES_MAX} bytes are allowed`)
    );
  }
  if (typeof value === 'bigint') {
    const magnitude = value < 0n ? -value : value;
    return (
      magnitude >> BigInt(BIGINT_BYTES_MAX * 8) !== 0n && refuse(`is a bigint of more than ${BIGINT_BYTES_MAX} bytes`)
    );
  }
  if (typeof value !== 'object') return refuse(`is a ${typeof value}: only plain data can be sent or stored`);
  if (depth >= VALUE_DEPTH_MAX) return refuse(`lies more than ${VALUE_DEPTH_MAX} levels deep, or in itself`);
  const items = Array.isArray(value) ? value.length : value instanceof Map || value instanceof Set ? value.size : 0;
  if (items > 0 && tooMany(walk, items)) return refuse(tooManyReason(items));
  if (Array.isArray(value)) {
    if (!isPlainArray(value))
      return refuse(`is of class ${className(value)}: an array itself is allowed, as by Array.from`);
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (item === undefined && !(index in value))
        return refuse('is a hole in an array: undefined or null are allowed', `${path}[${index}]`);
      if (visit(walk, item, `${path}[${index}]`, depth + 1)) return true;
    }
    return false;
  }
  if (value instanceof Map) {
    let index = 0;
    for (const [key, item] of value) {
      if (visit(walk, key, `${path}.keys[${index}]`, depth + 1)) return true;
      if (
        visit(
          walk,
          item,
          typeof key === 'string' ? `${path}.get(${JSON.stringify(key)})` : `${path}.values[${index}]`,
          depth + 1,
        )
      )
        return true;
      index++;
    }
    return false;
  }
  if (value instanceof Set) {
    let index = 0;
    for (const item of value) if (visit(walk, item, `${path}.values[${index++}]`, depth + 1)) return true;
    return false;
  }
  if (value instanceof Date) return false;
  if (value instanceof Uint8Array) {
    return (
      value.length > VALUE_BYTES_MAX && refuse(`has ${value.length} bytes: at most ${VALUE_BYTES_MAX} are allowed`)
    );
  }
  if (!isPlainRecord(value)) return refuse(whyNoRecord(value));
  const keys = Object.keys(value);
  if (tooMany(walk, keys.length)) return refuse(tooManyReason(keys.length));
  for (const key of keys) {
    const at = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
      ? `${path}.${key}`
      : `${path}[${JSON.stringify(key.slice(0, 100))}]`;
    if (isRefusedKey(key)) return refuse('has a key that is not allowed', at);
    if (visit(walk, key, at, depth) || visit(walk, (value as Record<string, unknown>)[key], at, depth + 1)) return true;
  }
  return false;
}

function whyNoRecord(value: object): string {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return `is of class ${className(value)}: bytes are allowed as Uint8Array`;
  }
  if (typeof (value as { then?: unknown }).then === 'function') return 'is a promise: await it first';
  return `is of class ${className(value)}: only plain data can be sent or stored`;
}

function className(value: object): string {
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'without a name';
}

function tooMany(walk: Walk, items: number): boolean {
  walk.items += items;
  return items > VALUE_ITEMS_MAX || walk.items > VALUE_ITEMS_TOTAL_MAX;
}

function tooManyReason(items: number): string {
  return items > VALUE_ITEMS_MAX
    ? `has ${items} items: at most ${VALUE_ITEMS_MAX} are allowed`
    : `brings the value to more than ${VALUE_ITEMS_TOTAL_MAX} items in all`;
}
