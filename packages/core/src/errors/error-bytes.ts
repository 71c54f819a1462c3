/**
 * Errors as bytes, to cross threads and the network whole.
 *
 * An error of the grid comes back as its own class. Another one comes back as an Error, or as the built-in class of its name
 * (TypeError, RangeError, …), with its name, message, stack, code, causes, and own fields that are plain data: the class that
 * the application gave it stays behind, as code never travels. An AggregateError brings its errors. What is thrown and is no error comes back as HandlerError.
 *
 * Encoding never fails but for want of room (PackOverflow, in a fixed region): what is too long is cut, what can't be packed
 * is left out. Decoding is safe for any bytes and throws nothing but DecodeError.
 */
import { types } from 'node:util';
import { AssertionFailed } from '../assert.ts';
import type { PackReader } from '../codec/pack-reader.ts';
import type { PackWriter } from '../codec/pack-writer.ts';
import { decodeValue } from '../codec/read-value.ts';
import { ownFields, packFields } from './error-fields.ts';
import { type ErrorCode, errorTable } from './error-table.ts';
import { isGridError } from './grid-error.ts';
import { DecodeError, gridErrorClasses, HandlerError } from './grid-errors.ts';

const GRID = 1;
const OTHER = 2;
const THROWN = 3;

const END = 0;
const CAUSE = 1;
const ONE_OF_SEVERAL = 2;
const CAUSE_VALUE = 3;

const NAME_MAX = 200;
const MESSAGE_MAX = 8192;
const STACK_MAX = 16_384;
const CAUSES_MAX = 8;
/** Errors in all, where one holds several. */
const ERRORS_MAX = 32;

// A map, not an object: names from bytes are never looked up where there is a prototype.
const builtIn: ReadonlyMap<string, new (message: string) => Error> = new Map<string, new (message: string) => Error>([
  ['AssertionFailed', AssertionFailed],
  ['EvalError', EvalError],
  ['RangeError', RangeError],
  ['ReferenceError', ReferenceError],
  ['SyntaxError', SyntaxError],
  ['TypeError', TypeError],
  ['URIError', URIError],
]);

interface Budget {
  errors: number;
}

/** Appends whatever was thrown. Throws PackOverflow when a fixed region is full, and nothing else. */
export function encodeError(writer: PackWriter, error: unknown): void {
  writeError(writer, error, 0, { errors: ERRORS_MAX });
}

/** The error that encodeError wrote: always an instance of Error. Throws DecodeError. */
export function decodeError(reader: PackReader): Error {
  const { stackTraceLimit } = Error;
  // The stack comes with the error: to capture one here as well takes microseconds.
  Error.stackTraceLimit = 0;
  try {
    return readError(reader, 0, { errors: ERRORS_MAX });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function writeError(writer: PackWriter, error: unknown, depth: number, budget: Budget): void {
  budget.errors--;
  if (!isError(error)) {
    writer.u8(THROWN);
    writer.str(describe(error));
    writer.blob(packFields({ thrown: error }));
    return;
  }
  const grid = isGridError(error);
  writer.u8(grid ? GRID : OTHER);
  writer.str(text(() => (grid ? error.code : error.name), NAME_MAX, 'Error'));
  writer.str(text(() => error.message, MESSAGE_MAX, ''));
  writer.str(text(() => error.stack, STACK_MAX, ''));
  writer.blob(packFields(grid ? error.details : ownFields(error)));
  if (depth + 1 < CAUSES_MAX) {
    const cause = causeOf(error);
    if (cause !== undefined && !isError(cause)) {
      writer.u8(CAUSE_VALUE);
      writer.blob(packFields({ cause }));
    } else if (cause !== undefined && budget.errors > 0) {
      writer.u8(CAUSE);
      writeError(writer, cause, depth + 1, budget);
    }
    for (const one of errorsOf(error)) {
      if (budget.errors <= 0) break;
      writer.u8(ONE_OF_SEVERAL);
      writeError(writer, one, depth + 1, budget);
    }
  }
  writer.u8(END);
}

function readError(reader: PackReader, depth: number, budget: Budget): Error {
  if (depth >= CAUSES_MAX) throw new DecodeError(`errors lie more than ${CAUSES_MAX} levels deep`);
  if (--budget.errors < 0) throw new DecodeError(`an error holds more than ${ERRORS_MAX} others`);
  const kind = reader.u8();
  if (kind === THROWN) {
    const message = reader.str();
    return new HandlerError(message, { details: readFields(reader) });
  }
  if (kind !== GRID && kind !== OTHER) throw new DecodeError(`an error at byte ${reader.at - 1} has the kind ${kind}`);
  const name = reader.str();
  const message = reader.str();
  const stack = reader.str();
  const fields = readFields(reader);
  const known = kind === GRID && Object.hasOwn(errorTable, name);
  const error = known ? revive(name as ErrorCode, message, fields) : rebuild(kind, name, message, fields);
  if (stack !== '') define(error, 'stack', stack);
  const errors: Error[] = [];
  for (;;) {
    // Bound: every turn takes a byte at least, and an error takes one of the budget.
    const mark = reader.u8();
    if (mark === END) break;
    if (mark === CAUSE) define(error, 'cause', readError(reader, depth + 1, budget));
    else if (mark === CAUSE_VALUE) define(error, 'cause', readFields(reader).cause);
    else if (mark === ONE_OF_SEVERAL) errors.push(readError(reader, depth + 1, budget));
    else throw new DecodeError(`an error before byte ${reader.at} does not end`);
  }
  if (error instanceof AggregateError) define(error, 'errors', errors);
  return error;
}

function revive(code: ErrorCode, message: string, details: Record<string, unknown>): Error {
  return new gridErrorClasses[code](message, { details });
}

function rebuild(kind: number, name: string, message: string, fields: Record<string, unknown>): Error {
  const known = builtIn.get(name);
  const error = name === 'AggregateError' ? new AggregateError([], message) : new (known ?? Error)(message);
  if (error.name !== name) define(error, 'name', name);
  if (kind === OTHER) {
    for (const [key, value] of Object.entries(fields)) define(error, key, value, true);
  } else {
    // A code of a later version, which this one has no class for.
    define(error, 'code', name, true);
    define(error, 'details', fields, true);
  }
  return error;
}

function readFields(reader: PackReader): Record<string, unknown> {
  const fields = decodeValue(reader.blob());
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new DecodeError('the fields of an error are no record');
  return fields as Record<string, unknown>;
}

function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    return undefined;
  }
}

function errorsOf(error: Error): readonly unknown[] {
  return error instanceof AggregateError && Array.isArray(error.errors) ? error.errors : [];
}

function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || types.isNativeError(value);
  } catch {
    return false;
  }
}

function text(read: () => unknown, lengthMax: number, otherwise: string): string {
  try {
    const value = read();
    if (typeof value !== 'string') return otherwise;
    return value.length <= lengthMax ? value : `${value.slice(0, lengthMax - 1)}…`;
  } catch {
    return otherwise;
  }
}

function describe(thrown: unknown): string {
  const what = thrown === null ? 'null' : typeof thrown;
  const shown = typeof thrown === 'string' ? `: ${JSON.stringify(thrown.slice(0, NAME_MAX))}` : '';
  return `${what === 'object' ? 'an object' : what === 'null' || what === 'undefined' ? what : `a ${what}`} was thrown, which is no error${shown}`;
}

function define(target: object, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
}
