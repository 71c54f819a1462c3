import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionFailed } from '../../../src/assert.ts';
import { PackReader } from '../../../src/codec/pack-reader.ts';
import { PackOverflow, PackWriter } from '../../../src/codec/pack-writer.ts';
import { decodeError, encodeError } from '../../../src/errors/error-bytes.ts';
import type { ErrorCode } from '../../../src/errors/error-table.ts';
import { isGridError } from '../../../src/errors/grid-error.ts';
import {
  CallCycleError,
  gridErrorClasses,
  HandlerError,
  OutcomeUnknownError,
} from '../../../src/errors/grid-errors.ts';
import { anyValue } from '../codec/arbitrary-value.ts';

function bytesOf(error: unknown): Uint8Array {
  const writer = PackWriter.growing();
  encodeError(writer, error);
  return writer.written().slice();
}

function across<E extends Error = Error>(error: unknown): E {
  const reader = new PackReader(bytesOf(error));
  const decoded = decodeError(reader);
  expect(reader.left).toBe(0);
  return decoded as E;
}

class Refused extends Error {
  override name = 'Refused';
  code = 'BALANCE';
  balance = { cents: 5, at: new Date(7) };
  retryNow = (): void => {};
}

describe('an error that crosses threads', () => {
  it('of the grid comes back as its class, with details and cause', () => {
    for (const [code, errorClass] of Object.entries(gridErrorClasses)) {
      const error = new errorClass('message', {
        details: { partition: 3, keys: ['a'] },
        cause: new RangeError('inner'),
      });
      const decoded = across(error);
      expect(decoded).toBeInstanceOf(errorClass);
      expect(isGridError(decoded, code as ErrorCode)).toBe(true);
      expect(decoded).toMatchObject({ message: 'message', stack: error.stack, details: { partition: 3, keys: ['a'] } });
      expect(decoded.cause).toBeInstanceOf(RangeError);
    }
    expect(
      across<OutcomeUnknownError>(new OutcomeUnknownError('m', { details: { stepsCommitted: 2 } })).stepsCommitted,
    ).toBe(2);
    expect(across<CallCycleError>(new CallCycleError('m', { details: { path: ['a', 'b'] } })).path).toEqual(['a', 'b']);
  });

  it('of the application comes back with name, message, stack, code and plain fields', () => {
    const error = new Refused('not enough');
    const decoded = across<Refused>(error);
    expect([decoded.name, decoded.message, decoded.stack]).toEqual(['Refused', 'not enough', error.stack]);
    expect([decoded.code, decoded.balance, decoded.retryNow]).toEqual([
      'BALANCE',
      { cents: 5, at: new Date(7) },
      undefined,
    ]);
    expect(Object.keys(decoded)).not.toContain('stack');
    expect(isGridError(decoded)).toBe(false);
  });

  it('of a built-in class comes back as that class', () => {
    for (const error of [
      new TypeError('x'),
      new RangeError('x'),
      new SyntaxError('x'),
      new AssertionFailed('x'),
      new Error('x'),
    ]) {
      expect(Object.getPrototypeOf(across(error))).toBe(Object.getPrototypeOf(error));
      expect(across(error).name).toBe(error.name);
    }
  });

  it('brings its causes, errors or not, to a bounded depth', () => {
    const plain = across(new Error('a', { cause: new Error('b', { cause: { why: 'c' } }) }));
    expect((plain.cause as Error).cause).toEqual({ why: 'c' });
    const endless = new Error('loop');
    endless.cause = endless;
    let depth = 0;
    for (let error: unknown = across(endless); error instanceof Error; error = error.cause) depth++;
    expect(depth).toBe(8);
  });

  it('of several errors brings them, within a bounded number in all', () => {
    const several = new AggregateError([new TypeError('1'), new CallCycleError('2'), 'three'], 'all');
    const decoded = across<AggregateError>(several);
    expect(decoded.errors.map((error: Error) => error.name)).toEqual(['TypeError', 'CallCycleError', 'HandlerError']);
    const itself = new AggregateError([], 'x');
    itself.errors.push(itself, itself, itself);
    expect(bytesOf(itself).length).toBeLessThan(200_000);
    across(itself);
  });

  it('that is no error comes back as HandlerError with what was thrown', () => {
    for (const thrown of ['text', 5, null, undefined, { reason: ['x'] }]) {
      const decoded = across<HandlerError>(thrown);
      expect(decoded).toBeInstanceOf(HandlerError);
      expect(decoded.details.thrown).toEqual(thrown);
    }
    expect(across<HandlerError>(() => 1).details).toEqual({});
    expect(across(Symbol('s')).message).toMatch(/a symbol was thrown/);
  });

  it('is cut where it is long, and never refused for what it holds', () => {
    const error = Object.assign(new Error('x'.repeat(100_000)), {
      stack: 's'.repeat(100_000),
      huge: new Uint8Array(1 << 20),
      good: 1,
      fn() {},
    });
    Object.assign(error, { itself: error });
    Object.defineProperty(error, 'broken', {
      enumerable: true,
      get() {
        throw new Error('getter');
      },
    });
    const decoded = across<typeof error>(error);
    expect(decoded.message.length).toBe(8192);
    expect(decoded.stack.length).toBe(16_384);
    expect([decoded.good, 'huge' in decoded, 'fn' in decoded, 'itself' in decoded]).toEqual([1, false, false, false]);
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('no');
      },
      ownKeys() {
        throw new Error('no');
      },
      getPrototypeOf() {
        throw new Error('no');
      },
    });
    expect(across(hostile)).toBeInstanceOf(Error);
  });

  it('changes no prototype by the names of its fields', () => {
    const error = Object.assign(new Error('x'), { toString: 'mine' });
    Object.defineProperty(error, '__proto__', { value: { polluted: true }, enumerable: true });
    const decoded = across(error);
    expect(Object.getPrototypeOf(decoded)).toBe(Error.prototype);
    expect(Object.entries(decoded)).toEqual([['toString', 'mine']]);
  });

  it('of a code that this version does not know comes back with that code', () => {
    const writer = PackWriter.growing();
    writer.u8(1);
    for (const text of ['NEWER_CODE', 'message', 'stack']) writer.str(text);
    writer.blob(Uint8Array.from([0xb0]));
    writer.u8(0);
    const decoded = decodeError(new PackReader(writer.written()));
    expect(decoded).toMatchObject({ name: 'NEWER_CODE', code: 'NEWER_CODE', message: 'message', details: {} });
    expect(isGridError(decoded)).toBe(false);
  });

  it('overflows a region that is too small with the one instance', () => {
    const size = bytesOf(new Refused('x')).length;
    for (const room of [0, 1, 20, size >> 1]) {
      expect(() => encodeError(new PackWriter(new Uint8Array(room)), new Refused('x'))).toThrow(PackOverflow);
    }
  });

  it('ends in an error or a DecodeError, whatever the bytes', () => {
    const limit = Error.stackTraceLimit;
    fc.assert(
      fc.property(
        fc.string(),
        anyValue,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(3),
        (message, field, changes, cut) => {
          const bytes = bytesOf(
            Object.assign(new Error(message, { cause: new CallCycleError('x', { details: { field } }) }), { field }),
          );
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          try {
            expect(decodeError(new PackReader(bytes, 0, bytes.length - cut))).toBeInstanceOf(Error);
          } catch (error) {
            if (!isGridError(error, 'DECODE')) throw error;
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(Error.stackTraceLimit).toBe(limit);
  });
});
